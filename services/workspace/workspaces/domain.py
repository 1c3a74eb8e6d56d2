"""Workspaces and the rules of their life."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit
from uuid import UUID

from chassis.errors import InvalidField, Violation
from services.workspace.workspaces.errors import (
    RepositoryUrlNotAllowed,
    WorkspaceArchived,
    WorkspaceNotActive,
    WorkspaceNotArchived,
    WorkspaceNotDeleted,
    WorkspaceNotFound,
)

_SET_AT_CREATION = ("repository_url", "branch")

_HOST = re.compile(r"[a-z0-9][a-z0-9.-]*|[0-9a-f:]*:[0-9a-f:.]*")
"""A name in ASCII or an IP address: in other letters, one parser's host is part of another one's path."""


class State(Enum):
    """Where a workspace is in its life. From DELETED it can only be brought back."""

    CREATING = "CREATING"
    ACTIVE = "ACTIVE"
    ARCHIVED = "ARCHIVED"
    ERROR = "ERROR"
    DELETED = "DELETED"


ENDING = (State.ARCHIVED, State.DELETED)
"""States in which a runner that there still is stores the last output and goes."""

FIRST_STEP = "Waiting for a runner"
"""Progress of a workspace that is to be made."""


@dataclass(frozen=True, slots=True)
class WorkspaceSpec:
    """What a new workspace is to be.

    Attributes:
        name: unique among the account's undeleted workspaces.
        description: for people.
        metadata: for whoever wants it.
        repository_url: what to clone, checked beforehand; empty for an empty workspace.
        branch: empty for the remote's default.
        save_id: what its directory is to be; None to clone, or to begin empty.
    """

    name: str
    description: str
    metadata: dict[str, str]
    repository_url: str
    branch: str
    save_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Workspace:
    """A room."""

    workspace_id: UUID
    account_id: UUID
    name: str
    description: str
    metadata: dict[str, str]
    repository_url: str
    branch: str
    state: State
    state_reason: str
    progress_step: str
    progress_percent: int
    sandbox: str
    version: int
    create_time: datetime
    update_time: datetime
    archive_time: datetime | None
    delete_time: datetime | None
    save_id: UUID | None = None
    purge_time: datetime | None = None
    unsaved_reason: str = ""

    @property
    def entity_id(self) -> UUID:
        """The workspace's id."""
        return self.workspace_id

    @classmethod
    def create(cls, now: datetime, workspace_id: UUID, account_id: UUID, spec: WorkspaceSpec) -> "Workspace":
        """Return a new workspace, whose room is still to be made."""
        return cls(
            workspace_id=workspace_id,
            account_id=account_id,
            name=spec.name,
            description=spec.description,
            metadata=spec.metadata,
            repository_url=spec.repository_url,
            branch=spec.branch,
            state=State.CREATING,
            state_reason="",
            progress_step=FIRST_STEP,
            progress_percent=0,
            sandbox="",
            version=1,
            create_time=now,
            update_time=now,
            archive_time=None,
            delete_time=None,
            save_id=spec.save_id,
        )

    def activate(self, now: datetime, *, branch: str, sandbox: str) -> "Workspace":
        """Return the workspace ready for sessions. WorkspaceNotActive unless it was CREATING."""
        self._expect_creating()
        return self._changed(
            now, state=State.ACTIVE, branch=branch, sandbox=sandbox, progress_step="", progress_percent=0
        )

    def fail(self, now: datetime, *, reason: str) -> "Workspace":
        """Return the workspace broken. WorkspaceNotActive unless it was CREATING."""
        self._expect_creating()
        return self._changed(now, state=State.ERROR, state_reason=reason, progress_step="", progress_percent=0)

    def update(self, now: datetime, values: Mapping[str, object]) -> "Workspace":
        """Return the workspace with other values, itself when it has them all.

        Raises:
            WorkspaceNotFound: it is deleted.
            InvalidField: one of the values is set at creation, and is another one.
        """
        self._expect_kept()
        changed = {name: value for name, value in values.items() if value != getattr(self, name)}
        refused = [name for name in _SET_AT_CREATION if name in changed]
        if refused:
            raise InvalidField(
                *(Violation(f"workspace.{name}", "is set at creation, and never changes") for name in refused)
            )
        return self._changed(now, **changed) if changed else self

    def archive(self, now: datetime) -> "Workspace":
        """Return the workspace put away. WorkspaceNotActive unless it was ACTIVE."""
        if self.state is not State.ACTIVE:
            raise WorkspaceNotActive(self.workspace_id, self.state.name)
        return self._changed(now, state=State.ARCHIVED, archive_time=now)

    def unarchive(self, now: datetime) -> "Workspace":
        """Return the workspace ready for sessions again. WorkspaceNotArchived unless it was ARCHIVED."""
        if self.state is not State.ARCHIVED:
            raise WorkspaceNotArchived(self.workspace_id, self.state.name)
        return self._changed(now, state=State.ACTIVE, archive_time=None, unsaved_reason="")

    def restore(self, now: datetime, save_id: UUID) -> "Workspace":
        """Return the workspace as its directory is made of a save. WorkspaceNotArchived unless it was ARCHIVED."""
        if self.state is not State.ARCHIVED:
            raise WorkspaceNotArchived(self.workspace_id, self.state.name)
        return self._changed(
            now, state=State.CREATING, archive_time=None, save_id=save_id, progress_step=FIRST_STEP, progress_percent=0
        )

    def delete(self, now: datetime) -> "Workspace":
        """Return the workspace deleted. WorkspaceNotFound when it was."""
        self._expect_kept()
        return self._changed(
            now, state=State.DELETED, archive_time=None, delete_time=now, progress_step="", progress_percent=0
        )

    def undelete(self, now: datetime) -> "Workspace":
        """Return the workspace brought back: ARCHIVED, or CREATING if it never was ready. WorkspaceNotDeleted."""
        self._expect_deleted()
        if self.sandbox:  # a runner had made its directory
            return self._changed(now, state=State.ARCHIVED, archive_time=now, delete_time=None)
        return self._changed(
            now, state=State.CREATING, delete_time=None, state_reason="", progress_step=FIRST_STEP, progress_percent=0
        )

    def purge(self, now: datetime) -> "Workspace":
        """Return the workspace gone for good. WorkspaceNotDeleted unless it was DELETED."""
        self._expect_deleted()
        return self._changed(now, purge_time=now)

    def expect_active(self) -> None:
        """Raise WorkspaceArchived or WorkspaceNotActive unless something can begin in it."""
        if self.state is State.ARCHIVED:
            raise WorkspaceArchived(self.workspace_id)
        if self.state is not State.ACTIVE:
            raise WorkspaceNotActive(self.workspace_id, self.state.name)

    def _expect_deleted(self) -> None:
        if self.state is not State.DELETED:
            raise WorkspaceNotDeleted(self.workspace_id, self.state.name)

    def _expect_kept(self) -> None:
        if self.state is State.DELETED:
            raise WorkspaceNotFound(self.workspace_id)

    @property
    def is_open(self) -> bool:
        """Whether people may work in the room, or will."""
        return self.state in (State.CREATING, State.ACTIVE)

    def expect_open(self) -> None:
        """Raise WorkspaceNotActive unless a runner may live in the room."""
        if not self.is_open:
            raise WorkspaceNotActive(self.workspace_id, self.state.name)

    def _expect_creating(self) -> None:
        if self.state is not State.CREATING:
            raise WorkspaceNotActive(self.workspace_id, self.state.name)

    def _changed(self, now: datetime, **values: object) -> "Workspace":
        return replace(self, version=self.version + 1, update_time=now, **values)  # type: ignore[arg-type]  # fields of this class


@dataclass(frozen=True, slots=True)
class RepositoryRule:
    """Which repositories may be cloned here: https without a credential, and local paths where that is allowed."""

    local_paths: bool

    def check(self, url: str) -> None:
        """Raise RepositoryUrlNotAllowed with a cause a person can act on. An empty URL is an empty workspace."""
        if url.startswith("/"):
            self._check_path(url)
        elif url:
            self._check_remote(url)

    def _check_remote(self, url: str) -> None:
        if " " in url:
            raise RepositoryUrlNotAllowed(cause="the URL holds a space")
        try:
            parts = urlsplit(url)
            host, _ = parts.hostname, parts.port
        except ValueError as exc:
            raise RepositoryUrlNotAllowed(cause="not a URL") from exc
        if parts.scheme != "https":
            raise RepositoryUrlNotAllowed(
                cause="only https URLs can be cloned" + (", and paths that begin with /" if self.local_paths else "")
            )
        if "@" in parts.netloc:
            raise RepositoryUrlNotAllowed(cause="take the credential out of the URL")
        if not _HOST.fullmatch(host or ""):
            raise RepositoryUrlNotAllowed(cause="the URL names no host")
        if not parts.path.strip("/") or ".." in PurePosixPath(unquote(parts.path)).parts:
            raise RepositoryUrlNotAllowed(cause="the URL names no repository")

    def _check_path(self, path: str) -> None:
        if not self.local_paths:
            raise RepositoryUrlNotAllowed(cause="this installation does not clone local paths")
        if ".." in PurePosixPath(path).parts:
            raise RepositoryUrlNotAllowed(cause="the path must not contain `..`")
