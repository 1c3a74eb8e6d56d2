"""Connections to what programs of the room listen on."""
