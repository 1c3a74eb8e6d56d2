"""A preview and the rules of its life."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from pathlib import PurePath
from uuid import UUID

from chassis.errors import InvalidField, Violation
from services.session.previews.errors import PreviewStopped
from services.session.sessions.domain import Session, StopReason
from services.session.sessions.spec import SessionSpec

START_TIME = timedelta(seconds=60)
"""How long a preview may take to answer for the first time before that counts as an error."""
STOPPED_BY_SOMEBODY = "Somebody stopped it."

_STOPS = {
    StopReason.TERMINATED: "Its session was terminated.",
    StopReason.WORKSPACE_ARCHIVED: "Its workspace was archived.",
    StopReason.WORKSPACE_DELETED: "Its workspace was deleted.",
    StopReason.SHUTDOWN: "The installation was stopped.",
    StopReason.IDLE: "Nothing worked in its session, so that was ended as the account's policy says.",
}
"""Ends of a session that somebody wanted: the preview is then stopped, and otherwise failed."""


class State(Enum):
    """Where a preview is in its life."""

    GENERATING = "GENERATING"
    LIVE = "LIVE"
    ERROR = "ERROR"
    STOPPED = "STOPPED"


class Visibility(Enum):
    """Who may open a preview."""

    ACCOUNT = "ACCOUNT"


@dataclass(frozen=True, slots=True)
class PreviewSpec:
    """What a new preview is to be; the environment's values are not part of it."""

    preview_id: UUID
    workspace_id: UUID
    context_id: UUID | None
    title: str
    visibility: Visibility
    command: tuple[str, ...]
    working_directory: str
    environment_names: tuple[str, ...]
    port: int
    health_path: str
    health_interval: timedelta
    metadata: dict[str, str]

    def expect_workspace(self, workspace_id: UUID) -> None:
        """Raise InvalidField unless the context's workspace is the preview's."""
        if self.workspace_id != workspace_id:
            raise InvalidField(Violation("preview.context_id", "is a context of another workspace"))


@dataclass(frozen=True, slots=True)
class NewPreview:
    """A preview to be created with the session of its command, and what its account may have."""

    spec: PreviewSpec
    session: SessionSpec | None
    copier_process: int
    limit: int
    session_limit: int


@dataclass(frozen=True, slots=True)
class Preview:
    """A server in a workspace. `session_id` is the session of its command; `start_time` that of its last start."""

    preview_id: UUID
    account_id: UUID
    workspace_id: UUID
    context_id: UUID | None
    title: str
    visibility: Visibility
    command: tuple[str, ...]
    working_directory: str
    environment_names: tuple[str, ...]
    port: int
    health_path: str
    health_interval: timedelta
    metadata: dict[str, str]
    session_id: UUID | None
    state: State
    state_reason: str
    start_time: datetime
    version: int
    create_time: datetime
    update_time: datetime
    delete_time: datetime | None

    @property
    def entity_id(self) -> UUID:
        """The preview's id."""
        return self.preview_id

    @property
    def shown_title(self) -> str:
        """What people call it, else its command, else its port."""
        return self.title or (PurePath(self.command[0]).name if self.command else f"port {self.port}")

    @classmethod
    def create(cls, now: datetime, account_id: UUID, spec: PreviewSpec, session_id: UUID | None) -> "Preview":
        """Return a new preview, which nothing has answered for yet."""
        return cls(
            preview_id=spec.preview_id,
            account_id=account_id,
            workspace_id=spec.workspace_id,
            context_id=spec.context_id,
            title=spec.title,
            visibility=spec.visibility,
            command=spec.command,
            working_directory=spec.working_directory,
            environment_names=spec.environment_names,
            port=spec.port,
            health_path=spec.health_path,
            health_interval=spec.health_interval,
            metadata=spec.metadata,
            session_id=session_id,
            state=State.GENERATING,
            state_reason="",
            start_time=now,
            version=1,
            create_time=now,
            update_time=now,
            delete_time=None,
        )

    def expect_reachable(self) -> None:
        """Raise PreviewStopped when nothing of it may be reached."""
        if self.state is State.STOPPED:
            raise PreviewStopped(self.preview_id, self.state_reason)

    def expect_environment(self, names: set[str]) -> None:
        """Raise InvalidField unless all variables are given that it was made with."""
        missing = [name for name in self.environment_names if name not in names]
        if missing:
            description = f"values are not kept; give those of {', '.join(missing)} again"
            raise InvalidField(Violation("environment", description))

    def restart(self, now: datetime, session_id: UUID | None, environment_names: tuple[str, ...]) -> "Preview":
        """Return the preview as one that starts again, with its command in another session."""
        return self._changed(
            now,
            state=State.GENERATING,
            state_reason="",
            start_time=now,
            session_id=session_id,
            environment_names=environment_names,
        )

    def answered(self, now: datetime) -> "Preview":
        """Return the preview as one that answers; itself when nothing is new."""
        if self.state in {State.LIVE, State.STOPPED}:
            return self
        return self._changed(now, state=State.LIVE, state_reason="")

    def failed(self, now: datetime, cause: str) -> "Preview":
        """Return the preview as one that does not answer; itself while it may still be starting, or nothing is new."""
        starting = self.state is State.GENERATING and now < self.start_time + START_TIME
        if starting or self.state is State.STOPPED or (self.state, self.state_reason) == (State.ERROR, cause):
            return self
        return self._changed(now, state=State.ERROR, state_reason=cause)

    def ended(self, now: datetime, session: Session) -> "Preview":
        """Return the preview of a session that ended: stopped by whoever ended that, or failed; itself if it is so."""
        if self.state is State.STOPPED:
            return self
        cause = _STOPS.get(session.stop_reason) if session.stop_reason else None
        if cause is not None:
            return self.stop(now, cause)
        cause = _end_of(session)
        if (self.state, self.state_reason) == (State.ERROR, cause):
            return self
        return self._changed(now, state=State.ERROR, state_reason=cause)

    def stop(self, now: datetime, cause: str) -> "Preview":
        """Return the preview as one that is not reached any more; itself when it is not."""
        if self.state is State.STOPPED:
            return self
        return self._changed(now, state=State.STOPPED, state_reason=cause)

    def delete(self, now: datetime) -> "Preview":
        """Return the preview as one that is gone."""
        return replace(self.stop(now, STOPPED_BY_SOMEBODY), delete_time=now, update_time=now, version=self.version + 1)

    def _changed(self, now: datetime, **values: object) -> "Preview":
        return replace(self, update_time=now, version=self.version + 1, **values)  # type: ignore[arg-type]


def _end_of(session: Session) -> str:
    """Say in one sentence how a command ended by itself."""
    if session.state_reason:
        return session.state_reason
    if session.stop_reason is StopReason.TIMED_OUT:
        return "The time of its session was up."
    if session.exit_signal is not None:
        return f"Its command was ended by signal {session.exit_signal}."
    return f"Its command ended with exit code {session.exit_code}."
