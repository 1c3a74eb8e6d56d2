"""The service that owns terminals and their logs."""
