"""Agents: steps that have a name and versions, run once or by workflows."""
