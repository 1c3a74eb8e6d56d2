"""Deployments: versions of workflows and agents as endpoints with keys."""
