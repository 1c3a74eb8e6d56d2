"""Contexts, messages and actions, and the rules of their life."""
