"""Workspaces and the rules of their life."""

import re
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit
from uuid import UUID

from services.workspace.workspaces.errors import RepositoryUrlNotAllowed, WorkspaceNotActive, WorkspaceNotFound

_HOST = re.compile(r"[a-z0-9][a-z0-9.-]*|[0-9a-f:]*:[0-9a-f:.]*")
"""A name in ASCII or an IP address: in other letters, one parser's host is part of another one's path."""


class State(Enum):
    """Where a workspace is in its life. DELETED is final."""

    CREATING = "CREATING"
    ACTIVE = "ACTIVE"
    ARCHIVED = "ARCHIVED"
    ERROR = "ERROR"
    DELETED = "DELETED"


@dataclass(frozen=True, slots=True)
class Workspace:
    """A room."""

    workspace_id: UUID
    account_id: UUID
    name: str
    description: str
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
    delete_time: datetime | None

    @property
    def entity_id(self) -> UUID:
        """The workspace's id."""
        return self.workspace_id

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

    def delete(self, now: datetime) -> "Workspace":
        """Return the workspace deleted. WorkspaceNotFound when it was."""
        if self.state is State.DELETED:
            raise WorkspaceNotFound(self.workspace_id)
        return self._changed(now, state=State.DELETED, delete_time=now, progress_step="", progress_percent=0)

    def expect_open(self) -> None:
        """Raise WorkspaceNotActive unless a runner may live in the room."""
        if self.state not in (State.CREATING, State.ACTIVE):
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
            raise RepositoryUrlNotAllowed(cause="only https URLs can be cloned")
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
