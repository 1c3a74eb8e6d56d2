"""Workflows: steps and their order, in versions."""
