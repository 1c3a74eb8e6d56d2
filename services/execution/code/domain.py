"""Code that runs, or has just run, for an attempt of a step."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class CodeRun:
    """What runs in one run of a workspace's runner, under its id, until somebody has cleaned up after it."""

    code_run_id: UUID
    account_id: UUID
    execution_id: UUID
    path: str
    attempt: int
    workspace_id: UUID
    runner_id: str
