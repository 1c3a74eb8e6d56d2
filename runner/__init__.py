"""The daemon of one workspace: its terminals, their spools, and git; it knows no account, database or broker."""
