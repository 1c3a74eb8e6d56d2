"""Snapshots of a room's directory, in a bare repository outside the room; nothing of the room is run to take one."""
