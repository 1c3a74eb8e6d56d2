"""What each type of step does, behind a port of one method."""
