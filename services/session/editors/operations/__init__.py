"""Changes of buffers."""
