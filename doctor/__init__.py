"""`stateroom doctor`: what is missing or degraded, and what to do about it."""
