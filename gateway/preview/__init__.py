"""Previews: servers in workspaces, each at an origin of its own, where nothing of our API is reached."""
