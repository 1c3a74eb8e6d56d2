"""A terminal with a real bash: its bytes, its end, its input."""

import asyncio
import os
import re
import signal
from pathlib import Path

import pytest

from chassis import processes
from chassis.errors import ServiceUnavailable
from runner.errors import InvalidWorkingDirectory, LeaseEpochStale, TerminalEnded
from runner.record import RecordType, exit_of, size_of
from runner.sandbox import Level, Sandbox
from runner.terminal import Size
from runner.terminals import Terminals
from tests.support.runner_rooms import Follower, open_live, order, type_line
from tests.support.waiting import PATIENCE, until

EIGHT_MEGABYTES = 8 * 1024 * 1024


async def test_output_random_bytes_arrive_unchanged(table: Terminals, room_folder: Path) -> None:
    """8 MB with NUL and bad UTF-8 come out as they went in, without a gap in the offsets."""
    content = os.urandom(EIGHT_MEGABYTES)
    (room_folder / "files" / "big").write_bytes(content)
    terminal = await open_live(table)
    follower = Follower(terminal.spool)
    await type_line(terminal, "stty -opost -echo; echo RE''ADY; cat big; echo DO''NE; exit 3")
    last = await follower.end()
    printed = bytes(follower.output).split(b"READY\n", 1)[1]
    assert printed[:EIGHT_MEGABYTES] == content
    assert printed[EIGHT_MEGABYTES:].startswith(b"DONE\n")
    offset = 0
    for number, record in enumerate(follower.records, 1):
        assert (record.sequence, record.offset) == (number, offset)
        offset = record.end_offset
    assert last.type is RecordType.EXIT
    assert exit_of(last).code == 3


async def test_exit_by_signal_names_the_signal(table: Terminals) -> None:
    """A shell that a signal ends has a signal and no code, and nobody asked for it."""
    terminal = await open_live(table)
    await type_line(terminal, "kill -USR1 $$")
    ended = exit_of(await Follower(terminal.spool).end())
    assert (ended.code, ended.signal, ended.reason) == (None, signal.SIGUSR1, "")


async def test_open_after_the_end_of_all_terminals_is_refused_as_by_a_runner_that_is_gone(table: Terminals) -> None:
    """Whoever comes while a runner is suspended tries again with the next one, instead of opening what is lost."""
    await table.shutdown(0, "idle")
    with pytest.raises(ServiceUnavailable):
        await table.open(order())
    assert not table.noteworthy()


async def test_query_is_answered_once(table: Terminals) -> None:
    """A program that asks for the cursor's place gets one answer, also with two readers of the log."""
    terminal = await open_live(table)
    first, second = Follower(terminal.spool), Follower(terminal.spool)
    ask = r"stty -echo; printf '\e[6n'; read -rsd R one; read -rsd R -t 0.5 two; printf '<%q|%q>' $one $two; exit"
    await type_line(terminal, ask)
    await asyncio.gather(first.end(), second.end())
    assert re.search(rb"<\$'\\E\[\d+;\d+'\|''>", first.output)
    assert first.output == second.output


async def test_resize_is_a_record_and_reaches_the_program(table: Terminals) -> None:
    """The new size stands in the log and in the terminal."""
    terminal = await open_live(table)
    follower = Follower(terminal.spool)
    table.resize(terminal.session_id, Size(101, 33))
    await type_line(terminal, "stty size; exit")
    await follower.end()
    assert b"33 101" in follower.output
    assert [size_of(record) for record in follower.records if record.type is RecordType.RESIZE] == [(101, 33)]


async def test_title_is_a_record(table: Terminals) -> None:
    """What a program calls itself stands in the log."""
    terminal = await open_live(table)
    follower = Follower(terminal.spool)
    await type_line(terminal, r"printf '\e]2;bu''ild ✓\a'; exit")
    await follower.end()
    assert [record.body.decode() for record in follower.records if record.type is RecordType.TITLE] == ["build ✓"]


async def test_write_repeated_id_types_once(table: Terminals) -> None:
    """A write that is sent again types nothing."""
    terminal = await open_live(table)
    follower = Follower(terminal.spool)
    for _ in range(3):
        await terminal.input.write(b"echo a >> typed\n", 1, "5b6f")
    await type_line(terminal, "wc -l typed; exit")
    await follower.end()
    assert b"1 typed" in follower.output


async def test_write_old_lease_is_refused(table: Terminals) -> None:
    """Once a newer lease was seen an older one types nothing."""
    terminal = await open_live(table)
    await terminal.input.write(b"true\n", 4, "")
    with pytest.raises(LeaseEpochStale, match="3 was taken over; 4 is in force"):
        await terminal.input.write(b"false\n", 3, "")


async def test_write_that_waits_is_refused_when_the_lease_is_taken(table: Terminals) -> None:
    """A device that is stuck in a program that does not read makes room for the next."""
    terminal = await open_live(table)
    follower = Follower(terminal.spool)
    await type_line(terminal, "stty raw -echo; echo RE''ADY; sleep 600")
    await follower.until(b"READY")
    async with asyncio.TaskGroup() as group:
        stuck = group.create_task(_refused(terminal.input.write(b"x" * 60_000, 1, "")))
        while not terminal.input.waiting:  # noqa: ASYNC110  # one turn of the loop is all it takes
            await asyncio.sleep(0)
        terminal.input.claim(2)
        assert isinstance(await asyncio.wait_for(stuck, PATIENCE), LeaseEpochStale)


async def test_write_after_the_end_is_refused(table: Terminals) -> None:
    """An ended terminal takes no input."""
    terminal = await open_live(table)
    await type_line(terminal, "exit")
    await Follower(terminal.spool).end()
    with pytest.raises(TerminalEnded):
        table.live(terminal.session_id)


async def test_terminate_leaves_no_process(table: Terminals) -> None:
    """A child that ignores TERM and HUP and forked away twice is gone when the terminal has ended."""
    terminal = await open_live(table)
    follower = Follower(terminal.spool)
    child = "setsid bash -c 'trap \"\" TERM HUP; echo RE''ADY; while :; do sleep 1; done'"
    stubborn = f"trap '' TERM HUP INT; ({child} &); sleep 700"
    await type_line(terminal, stubborn)
    await follower.until(b"READY")

    async def all_started() -> bool:
        return len(terminal.running_program.processes()) >= 3

    await until(all_started)
    running = terminal.running_program.processes()
    await table.signal(terminal.session_id, signal.SIGTERM, 0.3)
    ended = exit_of(await follower.end())
    assert ended.reason == "signal"
    assert (ended.code is None) != (ended.signal is None)
    assert [found for found in running if processes.find(found.pid) == found] == []


async def test_terminate_idle_shell_ends_before_the_grace(table: Terminals) -> None:
    """A shell at its prompt does not use up the grace period."""
    terminal = await open_live(table)
    await type_line(terminal, "echo RE''ADY")
    follower = Follower(terminal.spool)
    await follower.until(b"READY")
    await table.signal(terminal.session_id, signal.SIGTERM, 600.0)
    assert exit_of(await follower.end()).signal == signal.SIGHUP


async def test_exit_with_a_child_on_the_terminal_keeps_its_output(table: Terminals, sandbox: Sandbox) -> None:
    """What a background child prints soon after the shell's end comes before EXIT, and the child does not live on."""
    if sandbox.level is Level.BWRAP:
        pytest.skip("bubblewrap ends what a shell leaves behind together with the shell")
    terminal = await open_live(table)
    follower = Follower(terminal.spool)
    await type_line(terminal, "(trap '' HUP; sleep 0.5; echo LA''TE; sleep 800) & exit 7")
    last = await follower.end()
    assert b"LATE" in follower.output
    assert exit_of(last).code == 7
    assert terminal.running_program.processes() == []


async def test_open_environment_is_clean(table: Terminals, monkeypatch: pytest.MonkeyPatch) -> None:
    """A shell sees what was asked for and nothing of the runner's own environment."""
    monkeypatch.setenv("CANARY", "canary-of-the-runner")
    terminal = await open_live(table, order(environment={"WORKSPACE_NAME": "demo", "HOME": "/elsewhere"}))
    follower = Follower(terminal.spool)
    await type_line(terminal, "env; cat /proc/1/environ /proc/$PPID/environ; exit")
    await follower.end()
    assert b"WORKSPACE_NAME=demo" in follower.output
    assert b"HOME=/elsewhere" not in follower.output
    assert b"canary-of-the-runner" not in follower.output


@pytest.mark.parametrize("path", ["/etc", "..", "missing", "a\0b", "link"])
async def test_open_bad_directory_is_refused(table: Terminals, room_folder: Path, path: str) -> None:
    """A working directory outside the workspace, or none at all, opens nothing."""
    (room_folder / "files" / "link").symlink_to("/etc")
    with pytest.raises(InvalidWorkingDirectory):
        await table.open(order(working_directory=path))
    assert table.noteworthy() == []


async def test_open_twice_returns_the_same(table: Terminals) -> None:
    """Opening is idempotent by session."""
    wanted = order()
    first, second = await asyncio.gather(table.open(wanted), table.open(wanted))
    assert first is second


async def _refused(write: object) -> Exception | None:
    try:
        await write  # type: ignore[misc]  # a coroutine
    except LeaseEpochStale as error:
        return error
    return None
