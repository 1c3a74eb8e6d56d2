"""Conversations about the work in rooms: contexts, what is said in them, and the actions that come of it."""
