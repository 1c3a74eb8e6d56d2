"""Saves and the rules of their life."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from uuid import UUID

from services.workspace.saves.errors import SaveNotComplete, WorkspaceNotSaved
from services.workspace.workspaces import domain as workspaces

COUNTED = (
    "branch",
    "staged",
    "modified",
    "untracked",
    "conflicted",
    "stashes",
    "unpushed_commits",
    "repositories",
    "complaint",
    "files",
    "size_bytes",
)
"""What a save says of what it holds."""


class Cause(Enum):
    """Why a save is taken."""

    ARCHIVE = "ARCHIVE"
    DELETE = "DELETE"
    CLEAN_UP = "CLEAN_UP"
    ON_DEMAND = "ON_DEMAND"


class State(Enum):
    """How far a save is. DELETED is final."""

    SAVING = "SAVING"
    COMPLETE = "COMPLETE"
    FAILED = "FAILED"
    DELETED = "DELETED"


@dataclass(frozen=True, slots=True)
class Save:
    """What was in a workspace's directory at one moment. The counts are for people and decide nothing."""

    save_id: UUID
    account_id: UUID
    workspace_id: UUID
    workspace_name: str
    repository_url: str
    cause: Cause
    state: State
    sandbox: str
    version: int
    create_time: datetime
    update_time: datetime
    expire_time: datetime | None = None
    state_reason: str = ""
    branch: str = ""
    staged: int = 0
    modified: int = 0
    untracked: int = 0
    conflicted: int = 0
    stashes: int = 0
    unpushed_commits: int = 0
    repositories: int = 0
    complaint: str = ""
    files: int = 0
    size_bytes: int = 0

    @property
    def entity_id(self) -> UUID:
        """The save's id."""
        return self.save_id

    @classmethod
    def begin(cls, now: datetime, save_id: UUID, workspace: workspaces.Workspace, cause: Cause) -> "Save":
        """Return a save that is still to be taken."""
        return cls(
            save_id=save_id,
            account_id=workspace.account_id,
            workspace_id=workspace.workspace_id,
            workspace_name=workspace.name,
            repository_url=workspace.repository_url,
            cause=cause,
            state=State.SAVING,
            sandbox=workspace.sandbox,
            version=1,
            create_time=now,
            update_time=now,
        )

    def complete(self, now: datetime, facts: Mapping[str, object]) -> "Save":
        """Return the save with all that it holds."""
        return self._changed(now, state=State.COMPLETE, **{name: facts[name] for name in COUNTED})

    def fail(self, now: datetime, reason: str) -> "Save":
        """Return the save that holds nothing."""
        return self._changed(now, state=State.FAILED, state_reason=reason)

    def delete(self, now: datetime) -> "Save":
        """Return the save removed. SaveNotComplete while it is being taken."""
        if self.state is State.SAVING:
            raise SaveNotComplete(self.save_id, self.state.name)
        return self._changed(now, state=State.DELETED)

    def retire(self, now: datetime, expire_time: datetime) -> "Save":
        """Return the save of a workspace that is purged."""
        return self._changed(now, expire_time=expire_time)

    def expect_complete(self) -> None:
        """Raise SaveNotComplete unless it can be restored."""
        if self.state is not State.COMPLETE:
            raise SaveNotComplete(self.save_id, self.state.name)

    def _changed(self, now: datetime, **values: object) -> "Save":
        return replace(self, version=self.version + 1, update_time=now, **values)  # type: ignore[arg-type]  # fields of this class


def expect_saved(workspace: workspaces.Workspace, current: Save | None) -> None:
    """Raise WorkspaceNotSaved unless a workspace's work is safe; one that never was ready holds none.

    Args:
        workspace: in which nothing runs.
        current: the newest save of its directory as it is, None for none.
    """
    if not workspace.sandbox or (current is not None and current.state is State.COMPLETE):
        return
    if current is None or current.state is State.SAVING:
        raise WorkspaceNotSaved(workspace.workspace_id, "it is being saved")
    raise WorkspaceNotSaved(workspace.workspace_id, current.state_reason)
