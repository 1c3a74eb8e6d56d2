"""The service that keeps what happened."""
