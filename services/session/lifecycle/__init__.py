"""What people do to the life of a session beside beginning and ending it."""
