"""Previews: servers in workspaces, watched and reached through the gateway."""
