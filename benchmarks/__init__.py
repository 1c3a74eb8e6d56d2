"""How fast an installation is, beside the simplest program that does the same."""
