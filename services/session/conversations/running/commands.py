"""Runs actions as sessions of kind COMMAND: one of the runner's own programs, whose last line is its report."""

import json
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from stateroom.runner.v1 import runner_service_pb2 as pb

from chassis import faults, ids
from chassis.actor import Actor
from chassis.database import Database
from chassis.errors import DomainError, LimitExceeded, Unavailable
from services.session.conversations.domain.action import Action, Failure, Outcome, Type
from services.session.conversations.domain.action import State as ActionState
from services.session.conversations.operations import actions
from services.session.conversations.running import reports
from services.session.sessions import operations, queries
from services.session.sessions.domain import Session, State, StopReason
from services.session.sessions.errors import SessionNotActive
from services.session.sessions.live.feeds import Feeds
from services.session.sessions.live.runners import Runner, Runners
from services.session.sessions.log import RecordType
from services.session.sessions.spec import Kind, SessionSpec

_TAIL = 128 * 1024
"""Bytes at the end of a log in which a report stands: 256 files with paths of usual lengths."""
_REST = timedelta(seconds=5)
"""How long the rest of a log is waited for when the runner died; with the runner it may be gone for good."""
_RUNS = 4
"""Runs of an action that changes files, each of which was killed: what kills them may go on doing so."""
_SETTLE = "--settle"
_COLUMNS, _ROWS = 80, 24

_AFTER_ASSIGN = faults.Point("actions.after_assign", "An action has its session, which nobody has started.")
_AFTER_OPENING = faults.Point("actions.after_opening", "The program of an action runs, and its session is STARTING.")


@dataclass(frozen=True, slots=True)
class CommandRunner:
    """An ActionRunner. The session of an action is made with its assignment, and started by its id: never twice."""

    database: Database
    runners: Runners
    feeds: Feeds
    limit: int
    """Live sessions an account may have."""

    async def start(self, action: Action) -> None:
        """See to it that an action runs. Raises what the workspace service or the runner say against it."""
        actor = _actor(action)
        if action.session_id is None:
            action = await self._assign(actor, action)
            _AFTER_ASSIGN.reach()
        session = await self._session(actor, action)
        if session is not None and session.state is State.STARTING:
            await self._open(actor, action, session)

    async def look(self, action: Action) -> Outcome | None:
        """Return what the run says; None while it runs."""
        actor = _actor(action)
        session = await self._session(actor, action)
        if session is not None and session.state is State.STARTING:
            await self._open(actor, action, session)
        if session is None or not session.state.final:
            return None
        if not session.log_complete and session.end_time and datetime.now(UTC) < session.end_time + _REST:
            return None
        outcome = reports.read(await self._tail(actor, session), str(session.session_id))
        if outcome is not None:
            return outcome
        if action.type is Type.MODIFY_FILES and await self._goes_on(actor, action, session):
            return None
        if session.restarted_from is not None and session.exit_code == 0:  # nothing was to be settled
            session = await self.database.read(actor, queries.get_session, session_id=session.restarted_from)
        return _unreported(action, session)

    async def cancel(self, action: Action) -> None:
        """Have the session of an action end, unless it only ends what had begun."""
        session = await self._session(_actor(action), action)
        if session is not None and not _settles(session):
            with suppress(SessionNotActive):
                await self.database.write(
                    _actor(action), operations.request_stop, session_id=session.session_id, reason=StopReason.TERMINATED
                )

    async def _goes_on(self, actor: Actor, action: Action, ended: Session) -> bool:
        """Have files that may be half changed changed for good, by a run that goes on where one before it was killed.

        Returns:
            Whether such a run begins: not if the last one ended by itself, or too many were killed.
        """
        if ended.exit_code == 0 or ended.state is State.FAILED or await self._runs(actor, ended) >= _RUNS:
            return False
        try:
            await self.start(await self._assign(actor, action, ended))
        except (Unavailable, LimitExceeded):
            raise
        except DomainError:  # its room was put away
            return False
        return True

    async def _runs(self, actor: Actor, session: Session) -> int:
        """Return how many runs an action has had, up to one; no more are counted than may be."""
        count = 1
        while session.restarted_from is not None and count < _RUNS:
            session = await self.database.read(actor, queries.get_session, session_id=session.restarted_from)
            count += 1
        return count

    async def _assign(self, actor: Actor, action: Action, ended: Session | None = None) -> Action:
        """Give an action a session, to begin or to go on where an ended one was."""
        runner = await self.runners.enter(action.account_id, action.workspace_id)
        return await self.database.write(
            actor,
            actions.assign_run,
            action_id=action.action_id,
            replaces=action.session_id,
            spec=_spec(action, ended),
            runner_id=runner.runner_id,
            limit=self.limit,
        )

    async def _open(self, actor: Actor, action: Action, session: Session) -> None:
        """Start the program, in the run of the runner that it was assigned to or not at all, and follow it."""
        try:
            runner = await self.runners.enter(action.account_id, action.workspace_id)
            if runner.runner_id == action.runner_id:
                await self._open_terminal(runner, action, session)
        except Unavailable:
            self.runners.forget(session.workspace_id)
            if action.cancel_requested or datetime.now(UTC) > action.create_time + action.timeout:
                await self.cancel(action)  # then the session's own reconciler gives it up
            raise
        except DomainError as exc:
            with suppress(SessionNotActive):
                await self.database.write(
                    actor, operations.fail_session, session_id=session.session_id, cause=exc.message
                )
            raise
        _AFTER_OPENING.reach()
        # Of a runner that is gone by now, whoever follows the session finds out how far it came.
        with suppress(SessionNotActive):
            await self.database.write(
                actor, operations.activate_session, session_id=session.session_id, runner_id=action.runner_id
            )
        await self.feeds.take_over(session.session_id, session.account_id)

    async def _open_terminal(self, runner: Runner, action: Action, session: Session) -> None:
        facts = {"action_id": str(action.action_id), "mark": str(session.session_id), "settle": _settles(session)}
        order = facts | action.payload
        errand = pb.Errand(program=action.verb, order=json.dumps(order, ensure_ascii=False).encode())
        request = pb.OpenTerminalRequest(
            session_id=str(session.session_id), piped=True, errand=errand, columns=_COLUMNS, rows=_ROWS
        )
        await runner.call(runner.stub.OpenTerminal, request)

    async def _session(self, actor: Actor, action: Action) -> Session | None:
        if action.session_id is None:
            return None
        return await self.database.read(actor, queries.get_session, session_id=action.session_id)

    async def _tail(self, actor: Actor, session: Session) -> bytes:
        """Return the end of a session's output."""
        offset = max(0, session.output_bytes - _TAIL)
        place = await self.database.read(actor, queries.find_offset, session_id=session.session_id, offset=offset)
        records = await self.database.read(
            actor, queries.read_log, session_id=session.session_id, after=place.sequence, offset=offset
        )
        return b"".join(record.data for record in records if record.type is RecordType.OUTPUT)


def _actor(action: Action) -> Actor:
    return Actor.of_service("session", action.account_id)


def _spec(action: Action, ended: Session | None) -> SessionSpec:
    unwanted = ended is not None and (
        _settles(ended) or action.cancel_requested or ended.stop_reason in {StopReason.TERMINATED, StopReason.TIMED_OUT}
    )
    return SessionSpec(
        session_id=ids.new(),
        workspace_id=action.workspace_id,
        kind=Kind.COMMAND,
        shell="",
        command=("stateroom", "action", action.verb, *([_SETTLE] if unwanted else [])),
        timeout=action.timeout,
        title=action.type.name,
        metadata={"action_id": str(action.action_id)},
        working_directory="",
        environment_names=(),
        columns=_COLUMNS,
        rows=_ROWS,
        restarted_from=None if ended is None else ended.session_id,
    )


def _settles(session: Session) -> bool:
    """Return whether a run only ends what had begun: nobody wants it any more, nor half of it."""
    return _SETTLE in session.command


def _unreported(action: Action, session: Session) -> Outcome:
    if session.stop_reason is StopReason.TIMED_OUT:
        return Outcome(ActionState.FAILED, failure=Failure("TIMED_OUT", "its time was up"))
    if session.stop_reason is StopReason.TERMINATED or action.cancel_requested:
        return Outcome(ActionState.CANCELLED)
    if session.state is State.FAILED:
        return Outcome(ActionState.FAILED, failure=Failure("NOT_STARTED", session.state_reason))
    how = session.stop_reason.name if session.stop_reason is not None else session.state.name
    return Outcome(ActionState.FAILED, failure=Failure("RUN_LOST", f"its run ended without a report: {how}"))
