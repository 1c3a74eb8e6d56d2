"""Saves of workspaces: what was in a directory, kept outside of it."""
