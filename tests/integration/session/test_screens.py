"""What a session shows: to a device that comes late, and to one who only asks."""

import shutil
from typing import Any

import pytest
from stateroom.session.v1 import attach_pb2 as pb
from stateroom.session.v1 import lifecycle_service_pb2, screen_service_pb2
from stateroom.session.v1.screen_service_pb2_grpc import ScreenServiceStub
from stateroom.terminal.v1.screen_pb2 import Progress, Screen

from runner.ghostty import Ghostty
from tests.support.cells import differences, look
from tests.support.screens import Screen as Device
from tests.support.screens import attach
from tests.support.stage import Stage
from tests.support.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")  # that of the stage they share

CURSES = r"""python3 -c '
import curses, time
def main(window):
    curses.start_color(); curses.curs_set(0)
    curses.init_pair(1, curses.COLOR_RED, curses.COLOR_BLUE)
    for row in range(20):
        window.addstr(row, row, "漢字 row %d " % row, curses.color_pair(1) | curses.A_BOLD)
    window.setscrreg(2, 10); window.scrollok(True); window.scroll(1)
    window.addstr(22, 0, "rea" + "dy"); window.move(5, 7); window.refresh()
    window.getch()
curses.wrapper(main)'
"""

PROGRAMS = {
    "python3": (CURSES, "q"),
    "vim": ("seq 900 > lines; vim -u NONE lines\n", ":q!\n"),
    "less": ("seq 900 | less\n", "q"),
}
"""Full-screen programs, each with what ends it; Python's is always there."""


@pytest.mark.parametrize("program", [name for name in PROGRAMS if shutil.which(name)])
async def test_attach_session_beginning_with_the_screen_shows_what_a_replay_shows(stage: Stage, program: str) -> None:
    """A device that comes while a full-screen program runs sees each cell as the one that saw all of the output."""
    command, end = PROGRAMS[program]
    session = await stage.create()
    async with attach(stage, session.session_id, role=pb.CONTROLLER) as first:
        await first.type("seq 30000\n")
        await first.until(b"\n30000\r\n")
        await first.type(command)
        await first.until(b"\x1b[?1049h")
        await _kept(stage, session.session_id, alternate=True)
        async with attach(stage, session.session_id, screen=True) as late:
            screen: Screen = await late.until_told("screen")
            assert screen.alternate_screen
            assert late.attached.offset == screen.offset > 100_000
            await first.type(end)
            await first.until(b"\x1b[?1049l")
            await first.type("printf '\\033[31mov''er\\033[m'\n")
            await first.until(b"over")
            await late.until(b"over")
            assert late.output == first.output[screen.offset :][: len(late.output)]
            painted = _painted(screen, bytes(late.output))
            assert differences(look(_full(first, len(late.output) + screen.offset)), look(painted)) == {}


async def test_get_screen_returns_what_is_shown_now_and_at_the_end(stage: Stage) -> None:
    """While the shell runs it is the newest, without waiting for one that is kept; after its end it is the last."""
    session = await stage.create()
    async with attach(stage, session.session_id, role=pb.CONTROLLER) as device:
        await device.type("printf '\\033]2;na''me\\a\\033[2J\\033[3;5Hhel''lo'; read\n")
        await device.until(b"hello")
        screen = await _get(stage, session.session_id)
        assert screen.text == "\n\n    hello"
        assert (screen.columns, screen.rows, screen.cursor_column, screen.cursor_row) == (80, 24, 9, 2)
        assert (screen.title, screen.cursor_visible, screen.offset) == ("name", True, len(device.output))
        await device.type("\nexit\n")
        await device.until_told("ended")
    screen = await _get(stage, session.session_id)
    assert "exit" in screen.text
    assert screen.offset == len(device.output)


async def test_get_screen_of_a_paused_session_is_where_it_stopped(stage: Stage) -> None:
    """It is what the runner shows, also when too little was printed since the last screen that was kept."""
    session = await stage.create()
    async with attach(stage, session.session_id, role=pb.CONTROLLER) as device:
        await device.type("printf '\\033[2J\\033[3;5Hhel''lo'; read\n")
        await device.until(b"hello")
    await stage.call("PauseSession", lifecycle_service_pb2.PauseSessionRequest(session_id=session.session_id))
    assert (await _get(stage, session.session_id)).text == "\n\n    hello"


async def test_get_screen_of_a_command_without_terminal_is_empty(stage: Stage) -> None:
    """It has a size and shows nothing."""
    session = await stage.create(kind=2, command=["sleep", "60"])
    screen = await _get(stage, session.session_id)
    assert (screen.text, screen.data, screen.offset) == ("", b"", 0)
    async with attach(stage, session.session_id, screen=True) as device:
        assert device.attached.offset == 0


async def test_attach_session_is_told_of_title_bell_and_progress(stage: Stage) -> None:
    """As they happen; a device that comes later hears no bell that rang before."""
    session = await stage.create()
    async with attach(stage, session.session_id, role=pb.CONTROLLER) as device:
        await device.type("printf '\\033]2;na''me\\a\\a\\a\\033]9;4;1;40\\033\\\\'; echo do''ne\n")
        assert (await device.until_told("title_changed")).title == "name"
        assert await device.until_told("progress") == Progress(state=Progress.RUNNING, percent=40)
        await device.until_told("bell")
        await device.until(b"done")
    async with attach(stage, session.session_id) as late:
        await late.until(b"done")
        await late.until_told("title_changed")
        assert not [each for each in late.others if each.HasField("bell")]


async def _get(stage: Stage, session_id: str) -> Screen:
    stub: Any = ScreenServiceStub(stage.channel)
    found: Screen = await stub.GetScreen(
        screen_service_pb2.GetScreenRequest(session_id=session_id), metadata=stage.bearer()
    )
    return found


async def _kept(stage: Stage, session_id: str, *, alternate: bool) -> None:
    """Wait until a screen is stored."""

    async def stored() -> bool:
        async with attach(stage, session_id, screen=True) as device:
            if await device.step() != "screen":
                return False
            return bool(device.others[-1].screen.alternate_screen is alternate)

    await until(stored)


def _full(device: Device, end: int) -> Ghostty:
    """Return a terminal that was shown all output below an offset."""
    terminal = Ghostty(80, 24)
    terminal.feed(bytes(device.output[:end]))
    return terminal


def _painted(screen: Screen, tail: bytes) -> Ghostty:
    terminal = Ghostty(screen.columns, screen.rows)
    terminal.feed(screen.data)
    terminal.feed(tail)
    return terminal
