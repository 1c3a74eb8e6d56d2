"""Counts of executions."""
