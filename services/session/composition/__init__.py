"""How the session service is put together: what all of it rests on, and what each domain adds to that."""
