"""How language models are spoken to: two protocols, and what both have in common."""
