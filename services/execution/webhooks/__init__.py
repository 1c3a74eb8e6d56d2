"""Webhooks: what was delivered for triggers, and whether it was signed."""
