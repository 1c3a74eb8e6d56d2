"""A session and the rules of its life. STOPPED, FAILED and LOST are final: nothing leaves them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from uuid import UUID

from chassis.errors import InvalidField, Violation
from services.session.sessions.errors import (
    EditorSession,
    NoAgent,
    NoEditor,
    SecretLimitReached,
    SessionNotActive,
    SessionNotDeleted,
    SessionNotEnded,
    SessionNotFound,
    SessionWithoutTerminal,
)
from services.session.sessions.log import Exit
from services.session.sessions.spec import Kind, SessionSpec


class State(Enum):
    """Where a session is in its life."""

    STARTING = "STARTING"
    ACTIVE = "ACTIVE"
    PAUSED = "PAUSED"
    STOPPED = "STOPPED"
    FAILED = "FAILED"
    LOST = "LOST"

    @property
    def final(self) -> bool:
        """Whether nothing follows."""
        return self is not State.STARTING and not self.runs

    @property
    def runs(self) -> bool:
        """Whether there is a terminal with a shell or a command that lives."""
        return self in {State.ACTIVE, State.PAUSED}


class StopReason(Enum):
    """Why a session ended."""

    EXIT = "EXIT"
    SIGNAL = "SIGNAL"
    TERMINATED = "TERMINATED"
    WORKSPACE_ARCHIVED = "WORKSPACE_ARCHIVED"
    WORKSPACE_DELETED = "WORKSPACE_DELETED"
    SHUTDOWN = "SHUTDOWN"
    RUNNER_LOST = "RUNNER_LOST"
    START_FAILED = "START_FAILED"
    TIMED_OUT = "TIMED_OUT"
    IDLE = "IDLE"
    OUT_OF_MEMORY = "OUT_OF_MEMORY"


MAXIMUM_SECRETS = 32
"""Secrets that are masked in one session: what each costs is looked for in all that is printed."""

_BY_WORKSPACE = (StopReason.WORKSPACE_ARCHIVED, StopReason.WORKSPACE_DELETED)
_UPDATED = {"title": "given_title", "metadata": "metadata"}
"""Public fields that people change, and what holds what they gave."""
_TOLD = ("mode", "model", "conversation_id")
"""What an agent tells of itself."""
_ASKED_OF_AGENT = ("preset", "mode", "model", "context_id")
"""What a new agent is to be like another."""
_RUNNER_REASONS = {
    reason.name.lower(): reason for reason in (StopReason.SHUTDOWN, StopReason.OUT_OF_MEMORY, *_BY_WORKSPACE)
}


@dataclass(frozen=True, slots=True)
class Session:
    """A shell, a command, an agent or an editor in a workspace: of `shell`, `command` and `agent` it has what it runs.

    `stop_request` is what somebody wants and the reconciler pursues; `stop_reason` is what happened. `runner_id` is
    the run of the runner that opened the terminal. `given_title` is what people call it. `title`, `output_bytes` and
    `last_activity_time` belong to the log and change without a version.
    """

    session_id: UUID
    account_id: UUID
    workspace_id: UUID
    kind: Kind
    state: State
    shell: str
    command: tuple[str, ...]
    timeout: timedelta | None
    working_directory: str
    environment_names: tuple[str, ...]
    columns: int
    rows: int
    runner_id: str
    stop_request: StopReason | None
    stop_cause_event_id: str
    stop_reason: StopReason | None
    state_reason: str
    exit_code: int | None
    exit_signal: int | None
    log_complete: bool
    idle_end_time: datetime | None
    restarted_from: UUID | None
    given_title: str
    metadata: dict[str, str]
    secret_names: tuple[str, ...]
    agent: dict[str, str]
    parent_session_id: UUID | None
    version: int
    create_time: datetime
    update_time: datetime
    end_time: datetime | None
    delete_time: datetime | None
    purge_time: datetime | None
    deleted_by: UUID | None
    title: str
    output_bytes: int
    last_activity_time: datetime

    @property
    def entity_id(self) -> UUID:
        """The session's id."""
        return self.session_id

    @classmethod
    def create(cls, now: datetime, account_id: UUID, spec: SessionSpec) -> "Session":
        """Return a new session, whose shell is still to be started."""
        return cls(
            session_id=spec.session_id,
            account_id=account_id,
            workspace_id=spec.workspace_id,
            kind=spec.kind,
            state=State.STARTING,
            shell=spec.shell,
            command=spec.command,
            timeout=spec.timeout,
            working_directory=spec.working_directory,
            environment_names=spec.environment_names,
            columns=spec.columns,
            rows=spec.rows,
            runner_id="",
            stop_request=None,
            stop_cause_event_id="",
            stop_reason=None,
            state_reason="",
            exit_code=None,
            exit_signal=None,
            log_complete=False,
            idle_end_time=None,
            restarted_from=spec.restarted_from,
            given_title=spec.title,
            metadata=spec.metadata,
            secret_names=spec.secret_names,
            agent=spec.agent,
            parent_session_id=spec.parent_session_id,
            version=1,
            create_time=now,
            update_time=now,
            end_time=None,
            delete_time=None,
            purge_time=None,
            deleted_by=None,
            title=spec.own_title,
            output_bytes=0,
            last_activity_time=now.replace(microsecond=0),
        )

    @property
    def shown_title(self) -> str:
        """What people call it, else what the program does."""
        return self.given_title or self.title

    @property
    def expire_time(self) -> datetime | None:
        """When its time is up; None for never."""
        return None if self.timeout is None else self.create_time + self.timeout

    @property
    def has_terminal(self) -> bool:
        """Whether it takes input and has a size."""
        return self.kind is Kind.TERMINAL

    def expect_terminal(self) -> None:
        """Raise SessionWithoutTerminal for a command or an agent, which have none."""
        if not self.has_terminal:
            raise SessionWithoutTerminal(self.session_id)

    def expect_agent(self) -> None:
        """Raise NoAgent for what is none."""
        if self.kind is not Kind.AGENT:
            raise NoAgent(self.session_id)

    def expect_kept(self) -> None:
        """Raise SessionNotFound for a deleted one."""
        if self.delete_time is not None:
            raise SessionNotFound(self.session_id)

    @property
    def has_process(self) -> bool:
        """Whether something of it runs at a runner, which keeps its log; an editor is here only."""
        return self.kind is not Kind.EDITOR

    def expect_process(self) -> None:
        """Raise EditorSession for an editor."""
        if not self.has_process:
            raise EditorSession(self.session_id)

    def expect_editor(self) -> None:
        """Raise NoEditor for what is none."""
        if self.has_process:
            raise NoEditor(self.session_id)

    def expect_live(self) -> None:
        """Raise SessionNotActive once the session has ended."""
        if self.state.final:
            raise SessionNotActive(self.session_id, self.state.name)

    def expect_running(self) -> None:
        """Raise SessionNotActive unless the shell runs, be it paused."""
        if not self.state.runs:
            raise SessionNotActive(self.session_id, self.state.name)

    def activate(self, now: datetime, runner_id: str) -> "Session":
        """Return the session with its shell running in a run of a runner."""
        if self.state is not State.STARTING:
            raise SessionNotActive(self.session_id, self.state.name)
        return self._changed(now, state=State.ACTIVE, runner_id=runner_id)

    def fail(self, now: datetime, cause: str) -> "Session":
        """Return the session as one whose shell could not be started."""
        if self.state is not State.STARTING:
            raise SessionNotActive(self.session_id, self.state.name)
        return self._ended(now, State.FAILED, StopReason.START_FAILED, state_reason=cause, log_complete=True)

    def again(self, session_id: UUID, environment_names: Iterable[str]) -> SessionSpec:
        """Return what a new session like this one is to be. SessionNotFound for a deleted one, SessionNotEnded."""
        self.expect_kept()
        if not self.state.final:
            raise SessionNotEnded(self.session_id)
        given = tuple(sorted(environment_names))
        return SessionSpec(
            session_id=session_id,
            workspace_id=self.workspace_id,
            kind=self.kind,
            shell=self.shell,
            command=self.command,
            timeout=self.timeout,
            title=self.given_title,
            metadata=self.metadata,
            working_directory=self.working_directory,
            environment_names=given,
            columns=self.columns,
            rows=self.rows,
            secret_names=tuple(name for name in self.secret_names if name in given),
            restarted_from=self.session_id,
            agent={name: self.agent[name] for name in _ASKED_OF_AGENT if name in self.agent},
        )

    def update(self, now: datetime, values: Mapping[str, object]) -> "Session":
        """Return the session with other values, by the names of its public fields; itself when it has them all.

        Raises:
            SessionNotFound: it is deleted.
            InvalidField: a value is none that an update changes, and another one than it has.
        """
        self.expect_kept()
        refused = [name for name, value in values.items() if name not in _UPDATED and value != getattr(self, name, {})]
        if refused:
            raise InvalidField(*(Violation(f"session.{name}", "is not changed by an update") for name in refused))
        given = {_UPDATED[name]: value for name, value in values.items() if name in _UPDATED}
        if given.get("given_title") == self.shown_title:  # sent back as it was read
            del given["given_title"]
        changed = {name: value for name, value in given.items() if value != getattr(self, name)}
        return self._changed(now, **changed) if changed else self

    def resize(self, now: datetime, columns: int, rows: int) -> "Session":
        """Return the session with another size."""
        self.expect_terminal()
        self.expect_running()
        return self._changed(now, columns=columns, rows=rows)

    def add_secret(self, now: datetime, name: str) -> "Session":
        """Return the session with one more secret that is masked, or with another value of one."""
        self.expect_process()
        self.expect_live()
        names = {*self.secret_names, name}
        if len(names) > MAXIMUM_SECRETS:
            raise SecretLimitReached(self.session_id, MAXIMUM_SECRETS)
        return self._changed(now, secret_names=tuple(sorted(names)))

    def pause(self, now: datetime) -> "Session":
        """Return the session with its output stopped; itself when it is. One that is being ended flows until then."""
        self.expect_running()
        if self.stop_request is not None:
            raise SessionNotActive(self.session_id, "being ended")
        return self if self.state is State.PAUSED else self._changed(now, state=State.PAUSED)

    def resume(self, now: datetime) -> "Session":
        """Return the session with its output flowing; itself when it does."""
        self.expect_running()
        return self if self.state is State.ACTIVE else self._changed(now, state=State.ACTIVE)

    def expect_end(self, now: datetime, idle_end_time: datetime | None) -> "Session":
        """Return the session as one that ends for idleness at an instant, or no longer does."""
        self.expect_running()
        return self._changed(now, idle_end_time=idle_end_time)

    def tell_of_agent(self, now: datetime, told: Mapping[str, str]) -> "Session":
        """Return the session with what its agent told of itself; itself when that is nothing new."""
        agent = self.agent | {name: value for name, value in told.items() if name in _TOLD and value}
        return self if agent == self.agent else self._changed(now, agent=agent)

    def request_stop(self, now: datetime, reason: StopReason, cause_event_id: str) -> "Session":
        """Return the session as one that somebody wants ended; the first wish counts."""
        self.expect_live()
        return self._changed(now, stop_request=reason, stop_cause_event_id=cause_event_id)

    def stop(self, now: datetime, shell_exit: Exit) -> "Session":
        """Return the session with its shell ended: by whoever asked for it, else by a signal, else by itself."""
        self.expect_live()
        why, _, cause = shell_exit.reason.partition(" ")
        if why == "start_failed" and self.stop_request is None:  # an agent that could not be talked to
            return self._ended(now, State.FAILED, StopReason.START_FAILED, state_reason=cause, log_complete=True)
        own = StopReason.EXIT if shell_exit.signal is None else StopReason.SIGNAL
        reason = self.stop_request or _RUNNER_REASONS.get(shell_exit.reason, own)
        return self._ended(
            now,
            State.STOPPED,
            reason,
            exit_code=shell_exit.code,
            exit_signal=shell_exit.signal,
            log_complete=True,
        )

    def lose(self, now: datetime, cause: str, *, log_complete: bool) -> "Session":
        """Return the session as one whose runner died; with its workspace put away that is how it was to end."""
        self.expect_live()
        if self.stop_request in _BY_WORKSPACE:
            return self._ended(now, State.STOPPED, self.stop_request, log_complete=log_complete)
        return self._ended(now, State.LOST, StopReason.RUNNER_LOST, state_reason=cause, log_complete=log_complete)

    def complete_log(self, now: datetime) -> "Session":
        """Return the ended session with all that its runner had in the log."""
        return self._changed(now, log_complete=True)

    def delete(self, now: datetime, user_id: UUID, retention: timedelta) -> "Session":
        """Return the session deleted, to be purged after `retention`. SessionNotFound when it was."""
        self.expect_kept()
        return self._changed(now, delete_time=now, purge_time=now + retention, deleted_by=user_id)

    def undelete(self, now: datetime) -> "Session":
        """Return the session brought back. SessionNotDeleted."""
        if self.delete_time is None:
            raise SessionNotDeleted(self.session_id)
        return self._changed(now, delete_time=None, purge_time=None, deleted_by=None)

    def _ended(self, now: datetime, state: State, reason: StopReason, **values: object) -> "Session":
        return self._changed(now, state=state, stop_reason=reason, end_time=now, idle_end_time=None, **values)

    def _changed(self, now: datetime, **values: object) -> "Session":
        return replace(self, update_time=now, version=self.version + 1, **values)  # type: ignore[arg-type]
