"""What children of a process see of its environment."""

import os


def inherited(*names: str) -> dict[str, str]:
    """Return those of the named variables that are set, for a child that must see nothing else."""
    return {name: os.environ[name] for name in names if name in os.environ}
