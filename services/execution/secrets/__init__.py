"""Secrets of an account that steps use by name."""
