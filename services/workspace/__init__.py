"""The service that owns identity and rooms."""
