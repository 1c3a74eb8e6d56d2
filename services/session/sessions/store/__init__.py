"""The only SQL of sessions, beside their queries."""
