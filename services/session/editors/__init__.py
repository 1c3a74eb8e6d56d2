"""Editors: files whose text is edited in sessions, and is never lost on the way."""
