"""What executions and their steps are in the database."""
