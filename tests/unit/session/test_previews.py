"""The life of a preview, without any server."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from chassis import ids
from chassis.errors import InvalidField
from services.session.previews import convert
from services.session.previews.domain import START_TIME, Preview, PreviewSpec, State, Visibility
from services.session.previews.errors import PreviewStopped
from services.session.sessions.domain import Session, StopReason
from services.session.sessions.log import Exit

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def _preview(*command: str) -> Preview:
    spec = PreviewSpec(
        preview_id=ids.new(),
        workspace_id=ids.new(),
        context_id=None,
        title="",
        visibility=Visibility.ACCOUNT,
        command=command,
        working_directory="",
        environment_names=("FLAVOUR",) if command else (),
        port=3000,
        health_path="/",
        health_interval=timedelta(seconds=10),
        metadata={},
    )
    return Preview.create(NOW, ids.new(), spec, ids.new() if command else None)


def test_preview_that_starts_may_fail_to_answer_for_a_minute() -> None:
    """Then it is an error, told once; the first answer makes it live, whenever it comes."""
    made = _preview()
    assert made.failed(NOW + START_TIME - timedelta(seconds=1), "No.") is made
    late = made.failed(NOW + START_TIME, "No.")
    assert (late.state, late.state_reason, late.version) == (State.ERROR, "No.", 2)
    assert late.failed(NOW + START_TIME, "No.") is late
    live = late.answered(NOW)
    assert (live.state, live.state_reason) == (State.LIVE, "")
    assert live.answered(NOW) is live
    assert live.failed(NOW, "Gone.").state is State.ERROR


def test_preview_that_is_stopped_stays_so_until_it_is_restarted() -> None:
    """What is still heard of it changes nothing."""
    stopped = _preview().answered(NOW).stop(NOW, "Somebody stopped it.")
    assert stopped.answered(NOW) is stopped.failed(NOW, "No.") is stopped.stop(NOW, "Again.") is stopped
    with pytest.raises(PreviewStopped, match=r"Somebody stopped it\. Restart it first\."):
        stopped.expect_reachable()
    again = stopped.restart(NOW, None, ())
    assert (again.state, again.state_reason) == (State.GENERATING, "")
    again.expect_reachable()


def test_preview_that_is_deleted_says_when() -> None:
    """It is stopped as well, whether it was before or not."""
    for made in (_preview(), _preview().stop(NOW, "x")):
        deleted = made.delete(NOW)
        assert (deleted.state, deleted.delete_time) == (State.STOPPED, NOW)


def test_preview_needs_its_variables_again() -> None:
    """Their values are nowhere; more than there were is fine."""
    made = _preview("/usr/bin/node", "server.js")
    assert made.shown_title == "node"
    assert replace(made, title="Shop").shown_title == "Shop"
    assert _preview().shown_title == "port 3000"
    with pytest.raises(InvalidField, match="FLAVOUR"):
        made.expect_environment({"OTHER"})
    made.expect_environment({"FLAVOUR", "OTHER"})


def test_preview_whose_session_was_idle_is_stopped_and_not_broken() -> None:
    """The account's policy ended it: that is nobody's fault, and it says so."""
    made = _preview("/usr/bin/node", "server.js")
    spec = convert.session_of(made, ids.new(), ())
    session = Session.create(NOW, made.account_id, spec).activate(NOW, "runner")
    ended = made.ended(NOW, session.request_stop(NOW, StopReason.IDLE, "").stop(NOW, Exit(signal=15)))
    assert (ended.state, ended.state_reason.startswith("Nothing worked")) == (State.STOPPED, True)
