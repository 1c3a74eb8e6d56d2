"""What the steps of executions say while they run."""
