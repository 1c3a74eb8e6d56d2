"""What can keep the installation from starting, as one sentence for the person who starts it."""


class StartFailed(Exception):
    """A part did not start. The message says which, why, and what to do."""
