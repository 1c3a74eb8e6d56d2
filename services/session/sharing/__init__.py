"""Links that let somebody without an account into one session."""
