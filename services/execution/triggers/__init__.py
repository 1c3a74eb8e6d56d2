"""Triggers: what starts executions by itself, each occurrence once."""
