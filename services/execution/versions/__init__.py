"""What workflows and agents have in common: they come in versions, one of which is active."""
