"""Approvals: steps that ask a person, and the answers."""
