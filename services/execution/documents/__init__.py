"""Workflows as files and graphs, and what becomes of their versions."""
