"""Writes the API reference in `docs/api/` from the contracts and from one example request for each method."""
