"""What changes: contexts and messages, and actions."""
