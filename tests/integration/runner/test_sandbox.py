"""What a program can reach from inside."""

# Looking at a file for a moment blocks nobody but the test itself:

import asyncio
import signal
from pathlib import Path

import pytest

from chassis import processes
from runner import program
from runner.sandbox import Level, Program, Sandbox
from runner.terminals import Terminals
from tests.support.runner_rooms import Follower, open_live, type_line


async def test_shell_cannot_reach_spool_socket_or_other_rooms(
    table: Terminals, sandbox: Sandbox, room_folder: Path, socket: Path
) -> None:
    """From inside a shell neither the spool nor the socket nor another room exists."""
    if sandbox.level is Level.PROCESS:
        pytest.skip("this machine allows no namespaces, and the level says so")
    socket.write_text("secret-of-the-socket")
    other = room_folder.parent / "other"
    other.mkdir()
    (other / "file").write_text("secret-of-the-other-room")
    (room_folder / "spool" / "canary").write_text("secret-of-the-spool")
    terminal = await open_live(table)
    follower = Follower(terminal.spool)
    paths = f"{socket} {other}/file {room_folder}/spool/canary"
    attempts = (
        f"cat {paths} /proc/1/root/{socket}; unshare -r cat {paths}; nsenter -t 1 -m cat {paths}; "
        "test -w /usr && echo WRIT''ABLE; exit"
    )
    await type_line(terminal, attempts)
    await follower.end()
    assert b"secret-of" not in follower.output
    assert b"WRITABLE" not in follower.output


async def test_shell_has_no_capabilities(table: Terminals, sandbox: Sandbox) -> None:
    """Root inside is root of nothing: no capability in force, and none that a set-uid program could get."""
    if sandbox.level is Level.PROCESS:
        pytest.skip("this machine allows no namespaces, and the level says so")
    terminal = await open_live(table)
    follower = Follower(terminal.spool)
    await type_line(terminal, "grep -E 'Cap(Prm|Eff)|NoNew' /proc/self/status; exit")
    await follower.end()
    for line in (b"CapPrm:\t0000000000000000", b"CapEff:\t0000000000000000", b"NoNewPrivs:\t1"):
        assert line in follower.output


async def test_shell_cannot_set_up_the_machine(table: Terminals, sandbox: Sandbox) -> None:
    """Settings of the kernel are read-only inside: with `core_pattern` root would name what runs outside as root."""
    if sandbox.level is Level.PROCESS:
        pytest.skip("this machine allows no namespaces, and the level says so")
    terminal = await open_live(table)
    follower = Follower(terminal.spool)
    paths = "/proc/sys/kernel/core_pattern /proc/sys/kernel/modprobe /proc/sys/vm/drop_caches /proc/sysrq-trigger"
    look = f"for path in {paths} /proc/irq/*/smp_affinity; do test -w $path && echo WRIT''ABLE $path; done; "
    await type_line(terminal, f"{look} umount /proc/sys && echo OP''EN; exit")
    await follower.end()
    assert b"WRITABLE" not in follower.output
    assert b"OPEN" not in follower.output


@pytest.mark.parametrize("level", list(Level))
async def test_start_every_level_that_works_ends_with_the_programs_status(
    room_folder: Path, socket: Path, level: Level
) -> None:
    """Each level hands on the exit code and the signal."""
    try:
        walls = await program.probe(room_folder, [room_folder.parent, socket.parent], level)
    except program.CannotStart:
        pytest.skip(f"this machine has no {level}")
    silent = program.Streams(-3, -3, -3)
    for command, code, number in (("exit 5", 5, None), ("kill -USR1 $$", None, 10)):
        described = Program(("/bin/sh", "-c", command), {}, room_folder / "files")
        running = await program.start(walls, described, silent)
        ended = await running.wait()
        await running.kill()
        assert (ended.code, ended.signal) == (code, number)


async def test_start_missing_program_says_so(sandbox: Sandbox, room_folder: Path) -> None:
    """A program that is not there cannot start."""
    described = Program(("/bin/missing",), {}, room_folder / "files")
    running = await program.start(sandbox, described, program.Streams(-3, -3, -3))
    ended = await running.wait()
    await running.kill()
    assert ended.code == 127


async def test_probe_wanted_level_that_is_missing_is_refused(room_folder: Path) -> None:
    """An operator who demands a level gets it or a refusal, never less."""
    if (Path("/usr/bin/bwrap")).exists():
        pytest.skip("bubblewrap is installed here")
    with pytest.raises(program.CannotStart):
        await program.probe(room_folder, [], Level.BWRAP)


async def test_process_level_terminal_works_and_leaves_nothing(room_folder: Path) -> None:
    """Where only sessions are possible, a shell has job control, and what left its session still dies with it."""
    async with asyncio.TaskGroup() as group:
        table = Terminals(room_folder, Sandbox(Level.PROCESS, room_folder, []), 1 << 20, group)
        terminal = await open_live(table)
        follower = Follower(terminal.spool)
        child = "setsid bash -c 'trap : TERM HUP; echo RE''ADY; while :; do sleep 1; done'"
        await type_line(terminal, f"sleep 900 & jobs; ({child} &)")
        await follower.until(b"READY")
        assert b"Running" in follower.output
        running = terminal.running_program.processes()
        await table.signal(terminal.session_id, signal.SIGTERM, 0.3)
        await follower.end()
        assert [found for found in running if processes.find(found.pid) == found] == []
        await table.shutdown(0, "test")
