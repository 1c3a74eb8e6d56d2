"""Secrets that no log of a session holds. Their values go to the runner alone."""
