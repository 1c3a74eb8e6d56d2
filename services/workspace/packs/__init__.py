"""Saves of rooms with disks of their own: packs of git that their runners make, kept in the database piece by piece."""
