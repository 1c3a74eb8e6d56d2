"""Where the runners of rooms live, and how they are found again."""
