"""Executions: what runs, has run, and came of it."""
