"""`stateroom session attach` in a real terminal."""

import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from cli.endpoint import Endpoint
from tests.support.fake_session import FakeSession
from tests.support.window import Window, opened_window

ROOT = Path(__file__).resolve().parents[3]
SESSION = "01a1fd0a-05de-70dc-ad47-87402f88c42f"
LEAVE_ALTERNATE_SCREEN = b"\x1b[?1049l"


@asynccontextmanager
async def _attached(endpoint: Endpoint, *options: str) -> AsyncIterator[Window]:
    environment = {"PATH": os.defpath, "STATEROOM_URL": endpoint.url, "STATEROOM_API_KEY": endpoint.api_key}
    async with opened_window(environment | {"PYTHONPATH": str(ROOT)}, "session", "attach", SESSION, *options) as window:
        yield window


async def test_attach_keys_and_output_pass_and_detach_key_ends() -> None:
    """Every key but the detach key reaches the session, Ctrl-C too; output is shown without queries."""
    session = FakeSession(b"before\x1b[6n\x1b]11;?\x07after", stay=True)
    async with session.serve() as endpoint, _attached(endpoint) as window:
        await window.until_shown(b"beforeafter")
        window.press(b"ls\r\x03\x1b[A")
        await session.until_typed(b"ls\r\x03\x1b[A")
        window.press(b"\x1d")
        assert await window.process.wait() == 0
        await window.until_shown(b"the session goes on.]")
    assert b"Ctrl-] detaches" in window.shown


async def test_attach_keys_before_it_listens_are_not_lost() -> None:
    """What is typed while the command still starts is for the session."""
    session = FakeSession(b"", stay=True)
    async with session.serve() as endpoint, _attached(endpoint) as window:
        window.press(b"early")
        await session.until_typed(b"early")
        window.press(b"\x1d")
        assert await window.process.wait() == 0
    assert bytes(session.typed).startswith(b"early")


async def test_attach_begins_with_the_screen_and_goes_on_from_there() -> None:
    """A terminal is emptied first, and shows nothing of what came before."""
    session = FakeSession(b"long ago.", stay=True, screen=b"\x1b[3;4Hnow")
    async with session.serve() as endpoint, _attached(endpoint) as window:
        await window.until_shown(b"\x1b[H\x1b[2J\x1b[3;4Hnow.")
        window.press(b"\x1d")
        assert await window.process.wait() == 0
    assert b"long ago" not in window.shown


async def test_attach_with_replay_begins_with_all_of_the_output() -> None:
    """Nothing is asked for but output from its first byte on."""
    session = FakeSession(b"long ago.", stay=True, screen=b"now")
    async with session.serve() as endpoint, _attached(endpoint, "--replay") as window:
        await window.until_shown(b"long ago.")
        window.press(b"\x1d")
        assert await window.process.wait() == 0
    assert b"now" not in window.shown


async def test_attach_without_control_says_how_to_get_it() -> None:
    """Who cannot type is told why nothing happens."""
    session = FakeSession(b"ready", stay=True, role="OBSERVER")
    async with session.serve() as endpoint, _attached(endpoint) as window:
        await window.until_shown(b"ready")
        window.press(b"\x1d")
        await window.process.wait()
    assert b"attach with --take-over to type" in window.shown


async def test_attach_read_only_names_no_other_device() -> None:
    """Who wanted to watch only is not told that somebody else has control: perhaps nobody has."""
    session = FakeSession(b"ready", stay=True, role="OBSERVER")
    async with session.serve() as endpoint, _attached(endpoint, "--read-only") as window:
        await window.until_shown(b"ready")
        window.press(b"\x1d")
        await window.process.wait()
    assert b"take-over" not in window.shown


async def test_attach_window_resized_session_follows() -> None:
    """The session gets the window's new size."""
    session = FakeSession(b"ready", stay=True)
    async with session.serve() as endpoint, _attached(endpoint) as window:
        await window.until_shown(b"ready")
        window.resize(132, 43)
        assert await session.until_message("resize") == {"columns": 132, "rows": 43}
        window.press(b"\x1d")
        await window.process.wait()


async def test_attach_session_ends_says_how() -> None:
    """The command ends with the session and tells its exit code."""
    async with FakeSession(b"bye").serve() as endpoint, _attached(endpoint) as window:
        await window.until_shown(b"The session ended: exit code 3.")
        assert await window.process.wait() == 0


async def test_attach_session_ends_on_the_main_screen_cursor_stays() -> None:
    """Leaving an alternate screen that was left already would put what follows into the middle of the text."""
    printed = b"\x1b[?1049h\x1b[H editor \x1b[?1049l bye"
    async with FakeSession(printed).serve() as endpoint, _attached(endpoint) as window:
        await window.until_shown(b"The session ended")
    assert window.shown.count(LEAVE_ALTERNATE_SCREEN) == 1


async def test_attach_detached_from_an_editor_main_screen_is_back() -> None:
    """A program that fills the screen leaves no trace on it."""
    session = FakeSession(b"\x1b[?1049h\x1b[H editor", stay=True)
    async with session.serve() as endpoint, _attached(endpoint) as window:
        await window.until_shown(b"editor")
        window.press(b"\x1d")
        assert await window.process.wait() == 0
        await window.until_shown(b"Detached")
    assert window.shown.count(LEAVE_ALTERNATE_SCREEN) == 1


async def test_attach_connection_cut_shows_the_rest() -> None:
    """After a cut the output goes on where it was."""
    printed = b"".join(b"line %d\r\n" % number for number in range(1000))
    async with FakeSession(printed, cuts=(4000,)).serve() as endpoint, _attached(endpoint) as window:
        await window.until_shown(b"line 999\r\n")
        await window.process.wait()
    assert b"connection lost; attaching again" in window.shown


async def test_attach_terminated_terminal_is_restored() -> None:
    """SIGTERM detaches, and leaves the terminal as it was, its cursor visible."""
    session = FakeSession(b"ready\x1b[?25l", stay=True)
    async with session.serve() as endpoint, _attached(endpoint) as window:
        await window.until_shown(b"ready\x1b[?25l")
        window.process.send_signal(signal.SIGTERM)
        assert await window.process.wait() == 0
        await window.until_shown(b"the session goes on.]")
    assert b"\x1b[?25h" in window.shown
