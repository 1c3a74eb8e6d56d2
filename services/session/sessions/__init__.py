"""Sessions: terminals, their life and their log."""
