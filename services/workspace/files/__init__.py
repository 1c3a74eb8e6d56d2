"""Files of workspaces: what was done to them by calls, and the way to the runner that does it."""
