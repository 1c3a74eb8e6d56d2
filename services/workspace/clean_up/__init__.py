"""Clean-up: archived workspaces are deleted, deleted ones purged, saves of purged ones removed, each after its time."""
