"""Named places: armed by their name, passed in silence otherwise."""

import errno
import signal
import sys
from collections.abc import Iterator
from subprocess import PIPE, run

import pytest

from chassis import faults


@pytest.fixture
def place() -> Iterator[faults.Point]:
    """Return a place of this test."""
    yield faults.Point("test.place", "A test is at it.")
    del faults.POINTS["test.place"]


def test_reach_without_a_fault_goes_on(place: faults.Point, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing happens and nothing is said, however often."""
    for _ in range(3):
        place.reach()
    assert capsys.readouterr().err == ""


def test_reach_enospc_fails_in_the_passes_that_are_named(
    place: faults.Point, capsys: pytest.CaptureFixture[str]
) -> None:
    """From the first to the last, neither before nor after; each is said."""
    faults.arm("test.place:2-3:enospc")
    place.reach()
    for _ in range(2):
        with pytest.raises(OSError, match="No space left") as full:
            place.reach()
        assert full.value.errno == errno.ENOSPC
    place.reach()
    assert capsys.readouterr().err == "fault: test.place:2:enospc\nfault: test.place:3:enospc\n"


@pytest.mark.parametrize(
    "text", ["test.place", "test.place:0:kill", "test.place:1:burn", "test.elsewhere:1:kill", "test.place:1:kill "]
)
def test_arm_what_is_no_fault_is_refused(place: faults.Point, text: str) -> None:
    """A name that nobody declared above all: a test of it would hold nothing."""
    with pytest.raises(ValueError, match=r"must be place:pass|has no place 'test.elsewhere', but .*test.place"):
        faults.arm(text)
    with pytest.raises(ValueError, match=r"must be place:pass|has no place"):
        faults.check(text)


def test_declare_a_name_twice_is_refused(place: faults.Point) -> None:
    """A name means one place."""
    with pytest.raises(ValueError, match=place.name):
        faults.Point(place.name, "Another.")


def test_reach_kill_ends_the_process_at_once() -> None:
    """No handler runs and nothing is flushed; standard error says where it was."""
    program = "from chassis import faults; p = faults.Point('a.b', 'c'); faults.arm('a.b:2:kill'); p.reach(); p.reach()"
    ended = run([sys.executable, "-c", program], stderr=PIPE, check=False, env={"PYTHONPATH": ":".join(sys.path)})
    assert (ended.returncode, ended.stderr) == (-signal.SIGKILL, b"fault: a.b:2:kill\n")
