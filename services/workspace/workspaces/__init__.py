"""Rooms: their life from creation to deletion."""
