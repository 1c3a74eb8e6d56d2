"""The rules of a session's life."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chassis import ids
from chassis.errors import InvalidField
from services.session.sessions.domain import Session, State, StopReason
from services.session.sessions.errors import SessionNotActive
from services.session.sessions.log import Exit
from services.session.sessions.spec import Kind, SessionSpec

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LATER = NOW + timedelta(minutes=1)


def starting() -> Session:
    """Return a session that was just created."""
    spec = SessionSpec(  # noqa: S604  # the name of a shell; nothing runs
        session_id=ids.new(),
        workspace_id=ids.new(),
        kind=Kind.TERMINAL,
        shell="bash",
        command=(),
        timeout=None,
        title="",
        metadata={},
        working_directory="",
        environment_names=(),
        columns=80,
        rows=24,
    )
    return Session.create(NOW, ids.new(), spec)


def active() -> Session:
    """Return a session whose shell runs."""
    return starting().activate(NOW, "runner")


@pytest.mark.parametrize(
    ("shell_exit", "request_", "reason"),
    [
        (Exit(code=0), None, StopReason.EXIT),
        (Exit(signal=9), None, StopReason.SIGNAL),
        (Exit(), None, StopReason.EXIT),
        (Exit(signal=1, reason="shutdown"), None, StopReason.SHUTDOWN),
        (Exit(signal=1, reason="workspace_deleted"), None, StopReason.WORKSPACE_DELETED),
        (Exit(signal=1, reason="signal"), None, StopReason.SIGNAL),
        (Exit(code=0), StopReason.TERMINATED, StopReason.TERMINATED),
        (Exit(signal=9, reason="shutdown"), StopReason.WORKSPACE_DELETED, StopReason.WORKSPACE_DELETED),
    ],
)
def test_stop_names_who_ended_the_shell(shell_exit: Exit, request_: StopReason | None, reason: StopReason) -> None:
    """A wish counts before what the runner says, and that before how it looks."""
    session = active() if request_ is None else active().request_stop(NOW, request_, "")
    stopped = session.stop(LATER, shell_exit)
    assert (stopped.state, stopped.stop_reason, stopped.end_time) == (State.STOPPED, reason, LATER)
    assert (stopped.exit_code, stopped.exit_signal, stopped.log_complete) == (shell_exit.code, shell_exit.signal, True)
    assert stopped.version == session.version + 1


def test_lose_session_whose_workspace_is_deleted_counts_as_stopped() -> None:
    """The runner of a deleted workspace may be gone before its last words are read."""
    deleted = active().request_stop(NOW, StopReason.WORKSPACE_DELETED, "event")
    assert deleted.lose(LATER, "gone", log_complete=False).stop_reason is StopReason.WORKSPACE_DELETED
    lost = active().lose(LATER, "gone", log_complete=True)
    assert (lost.state, lost.stop_reason, lost.log_complete) == (State.LOST, StopReason.RUNNER_LOST, True)


def test_update_title_and_metadata_and_nothing_else() -> None:
    """What is sent back as it was read changes nothing, other fields only when they are the same."""
    session = active()
    assert session.update(LATER, {"title": "bash", "metadata": {}, "shell": "bash", "columns": 80}) is session
    named = session.update(LATER, {"title": "release", "metadata": {"ticket": "42"}})
    assert (named.shown_title, named.metadata, named.version) == ("release", {"ticket": "42"}, session.version + 1)
    assert named.update(LATER, {"title": ""}).shown_title == "bash"
    for values in ({"shell": "zsh"}, {"columns": 81}, {"environment": {"A": "b"}}, {"command": ("true",)}):
        with pytest.raises(InvalidField):
            session.update(LATER, values)


@pytest.mark.parametrize("state", [State.STOPPED, State.FAILED, State.LOST])
def test_ended_session_refuses_every_transition(state: State) -> None:
    """Nothing leaves a final state."""
    ended = {
        State.STOPPED: active().stop(NOW, Exit(code=0)),
        State.FAILED: starting().fail(NOW, "no shell"),
        State.LOST: active().lose(NOW, "gone", log_complete=False),
    }[state]
    assert ended.state is state
    transitions: list[tuple[str, dict[str, Any]]] = [
        ("activate", {"runner_id": "runner"}),
        ("fail", {"cause": "x"}),
        ("resize", {"columns": 1, "rows": 1}),
        ("request_stop", {"reason": StopReason.TERMINATED, "cause_event_id": ""}),
        ("stop", {"shell_exit": Exit()}),
        ("lose", {"cause": "x", "log_complete": True}),
    ]
    for name, arguments in transitions:
        with pytest.raises(SessionNotActive):
            getattr(ended, name)(LATER, **arguments)


def test_active_session_cannot_start_or_fail_again() -> None:
    """A start that was given up cannot come true later, nor the reverse."""
    with pytest.raises(SessionNotActive):
        active().fail(LATER, "x")
    with pytest.raises(SessionNotActive):
        active().activate(LATER, "other")


def test_again_keeps_what_was_secret_and_what_was_asked_of_an_agent() -> None:
    """A variable that is given anew is masked anew; what an agent told of itself is not what it is asked for."""
    ended = replace(
        active(),
        secret_names=("TOKEN", "REGISTERED"),
        kind=Kind.AGENT,
        shell="",
        agent={"preset": "understudy", "mode": "trust", "conversation_id": "7"},
    ).stop(LATER, Exit(code=0))
    spec = ended.again(ids.new(), ["PWD", "TOKEN"])
    assert (spec.secret_names, spec.environment_names) == (("TOKEN",), ("PWD", "TOKEN"))
    assert spec.agent == {"preset": "understudy", "mode": "trust"}
    assert Session.create(LATER, ids.new(), spec).title == "understudy"
