"""Commands instead of shells: as they are, with a pipe or in a terminal."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from runner.errors import CommandNotFound, TerminalEnded
from runner.record import Exit, RecordType, exit_of
from runner.terminals import Terminals
from tests.support.runner_rooms import Follower, open_live, order
from tests.support.waiting import PATIENCE

SCRIPT = """#!/bin/sh
echo "$1|$2|$FLAVOUR|$PWD"
"""


async def _run(table: Terminals, *command: str, piped: bool = True, **wishes: object) -> tuple[bytes, Exit]:
    terminal = await open_live(table, order(command=command, piped=piped, **wishes))
    follower = Follower(terminal.spool)
    ended = exit_of(await follower.end())
    return bytes(follower.output), ended


async def test_command_bytes_arrive_as_it_wrote_them(table: Terminals, room_folder: Path) -> None:
    """A megabyte of anything comes out unchanged: no terminal adds carriage returns."""
    content = os.urandom(1024 * 1024) + b"\n\n"
    (room_folder / "files" / "big").write_bytes(content)
    assert await _run(table, "cat", "big") == (content, Exit(code=0))


async def test_command_is_read_by_no_shell(table: Terminals) -> None:
    """Nothing is expanded, quoted or split."""
    words = ("$HOME", "*", "a  b", "", "; exit 3", "`id`", "-n")
    output, ended = await _run(table, "printf", "<%s>", *words)
    assert output == b"".join(b"<%s>" % word.encode() for word in words)
    assert ended.code == 0


async def test_command_of_the_room_runs_where_it_should_with_its_variables(table: Terminals, room_folder: Path) -> None:
    """A path is relative to the working directory; the environment is that of the order."""
    folder = room_folder / "files" / "tools"
    folder.mkdir()
    (folder / "say").write_text(SCRIPT)
    (folder / "say").chmod(0o755)
    output, _ = await _run(table, "./say", "a b", "c", working_directory="tools", environment={"FLAVOUR": "mint"})
    assert output == f"a b|c|mint|{folder}\n".encode()
    output, _ = await _run(table, "say", "x", environment={"PATH": "tools:/usr/bin:/bin"})
    assert output.startswith(b"x||")


async def test_command_has_no_terminal_and_reads_nothing(table: Terminals) -> None:
    """Programs that ask see neither a terminal nor input; what they write to both outputs comes in order."""
    script = "test -t 0 -o -t 1 -o -t 2 && echo tty; cat; echo one; echo two >&2; echo three >/dev/stderr; exit 9"
    output, ended = await _run(table, "sh", "-c", script)
    assert (output, ended.code) == (b"one\ntwo\nthree\n", 9)


async def test_command_in_a_terminal_has_one(table: Terminals) -> None:
    """The same command as a person would run it."""
    output, ended = await _run(table, "sh", "-c", "test -t 0 -a -t 1 && stty size; exit 5", piped=False)
    assert (output, ended.code) == (b"24 80\r\n", 5)


@pytest.mark.parametrize("piped", [True, False])
async def test_command_told_to_end_may_tidy_up(table: Terminals, *, piped: bool) -> None:
    """TERM alone reaches it, once, so that it ends as it wants and in its own time."""
    script = "trap 'echo tidied; exit 6' TERM; echo READY; while :; do sleep 0.05; done"
    terminal = await open_live(table, order(command=("sh", "-c", script), piped=piped))
    follower = Follower(terminal.spool)
    await follower.until(b"READY")
    await table.signal(terminal.session_id, signal.SIGTERM, 30.0)
    ended = exit_of(await follower.end())
    assert (ended.code, follower.output.count(b"tidied")) == (6, 1)


async def test_command_that_ignores_its_end_is_killed_with_all_it_began(table: Terminals) -> None:
    """KILL follows when the grace is over, also to what left its session."""
    script = "trap '' TERM; (setsid sleep 600 &); echo READY; while :; do sleep 0.05; done"
    terminal = await open_live(table, order(command=("sh", "-c", script), piped=True))
    follower = Follower(terminal.spool)
    await follower.until(b"READY")
    await table.signal(terminal.session_id, signal.SIGTERM, 0.2)
    assert exit_of(await follower.end()).signal == signal.SIGKILL
    assert terminal.running_program.processes() == []


async def test_command_that_signals_its_group_reaches_nobody_else(table: Terminals) -> None:
    """`kill 0` ends the command and not those who report its end."""
    _, ended = await _run(table, "sh", "-c", "kill -KILL 0")
    assert ended.signal == signal.SIGKILL


@pytest.mark.parametrize("name", ["no-such-program", "./missing", "/etc/passwd", "files", "/", "../spool"])
async def test_command_that_is_not_there_is_refused(table: Terminals, name: str) -> None:
    """A missing file, a folder, one that cannot be executed: none opens anything."""
    with pytest.raises(CommandNotFound):
        await table.open(order(command=(name,), piped=True))
    assert table.noteworthy() == []


async def test_command_that_only_the_outside_has_is_not_there(
    table: Terminals, tmp_path: Path, room_folder: Path
) -> None:
    """Nobody learns from a refusal which programs lie outside the room, not through a link either."""
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    link = room_folder / "files" / "link"
    link.symlink_to(program)
    for name in (str(program), "./link"):
        with pytest.raises(CommandNotFound):
            await table.open(order(command=(name,), piped=True))


async def test_command_takes_no_input(table: Terminals) -> None:
    """A write to a pipe's command is refused, not lost."""
    terminal = await open_live(table, order(command=("sleep", "600"), piped=True))
    with pytest.raises(TerminalEnded):
        await asyncio.wait_for(terminal.input.write(b"x", 0, ""), PATIENCE)
    await table.signal(terminal.session_id, signal.SIGKILL, 0)


async def test_command_records_no_titles(table: Terminals) -> None:
    """What is no terminal names no window: the bytes are only bytes."""
    terminal = await open_live(table, order(command=("printf", "\\033]2;name\\007\\033[6n"), piped=True))
    follower = Follower(terminal.spool)
    await follower.end()
    assert [record.type for record in follower.records] == [RecordType.OUTPUT, RecordType.EXIT]
