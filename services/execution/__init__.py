"""Workflows and the executions of them."""
