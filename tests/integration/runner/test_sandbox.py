"""What a program can reach from inside, at each level that this machine has; the others are skipped with the reason."""

# Looking at a file for a moment blocks nobody but the test itself:

import asyncio
import shutil
import signal
import sys
from pathlib import Path

import pytest

from chassis import processes
from runner import program
from runner.sandbox import Level, Program, Sandbox
from runner.terminals import Terminals
from tests.support.runner_rooms import Follower, open_live, type_line


@pytest.fixture(params=[Level.BWRAP, Level.NAMESPACES, Level.LANDLOCK])
async def sandbox(request: pytest.FixtureRequest, room_folder: Path, socket: Path) -> Sandbox:
    """The walls of one level."""
    try:
        return await program.probe(room_folder, [room_folder.parent, socket.parent], request.param)
    except program.CannotStart as error:
        pytest.skip(str(error))


async def test_shell_cannot_reach_spool_socket_or_other_rooms(
    table: Terminals, room_folder: Path, socket: Path
) -> None:
    """From inside a shell neither the spool nor the socket nor another room exists."""
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
        "(: >> /etc/passwd) && echo WRIT''ABLE; exit"
    )
    await type_line(terminal, attempts)
    await follower.end()
    assert b"secret-of" not in follower.output
    assert b"WRITABLE" not in follower.output


async def test_shell_has_no_capabilities(table: Terminals) -> None:
    """Root inside is root of nothing: no capability in force, and none that a set-uid program could get."""
    terminal = await open_live(table)
    follower = Follower(terminal.spool)
    await type_line(terminal, "grep -E 'Cap(Prm|Eff)|NoNew' /proc/self/status; exit")
    await follower.end()
    for line in (b"CapPrm:\t0000000000000000", b"CapEff:\t0000000000000000", b"NoNewPrivs:\t1"):
        assert line in follower.output


async def test_shell_cannot_set_up_the_machine(table: Terminals) -> None:
    """Settings of the kernel are read-only inside: with `core_pattern` root would name what runs outside as root."""
    terminal = await open_live(table)
    follower = Follower(terminal.spool)
    paths = "/proc/sys/kernel/core_pattern /proc/sys/kernel/modprobe /proc/sys/vm/drop_caches /proc/sysrq-trigger"
    look = f"for path in {paths} /proc/irq/*/smp_affinity; do (: >> $path) && echo WRIT''ABLE $path; done; "
    await type_line(terminal, f"{look} umount /proc/sys && echo OP''EN; exit")
    await follower.end()
    assert b"WRITABLE" not in follower.output
    assert b"OPEN" not in follower.output


async def test_shell_cannot_look_into_processes_outside(table: Terminals, sandbox: Sandbox) -> None:
    """Nobody's environment or root is read, nobody is signalled; where /proc is its own, nobody is even there."""
    arguments = (sys.executable, "-c", "print('up', flush=True); input()")
    pipe = asyncio.subprocess.PIPE
    outside = await asyncio.create_subprocess_exec(
        *arguments, stdin=pipe, stdout=pipe, env={"KEY": "secret-of-a-service"}
    )
    try:
        assert outside.stdout is not None
        assert await outside.stdout.readline() == b"up\n"
        terminal = await open_live(table)
        follower = Follower(terminal.spool)
        look = "cat /proc/[0-9]*/environ | tr '\\0' '\\n' | grep -a secret-of; ls /proc/[0-9]*/root/"
        await type_line(
            terminal, f"{look}; kill -9 {outside.pid} && echo KIL''LED; cat /proc/{outside.pid}/status; exit"
        )
        await follower.end()
        assert b"KEY=" not in follower.output
        assert b"KILLED" not in follower.output
        if sandbox.level is not Level.LANDLOCK:
            assert f"/proc/{outside.pid}/status: No such file".encode() in follower.output
        assert outside.returncode is None
    finally:
        outside.kill()
        await outside.wait()


async def test_shell_sees_its_room_and_nothing_else_of_the_machines_people(
    table: Terminals, room_folder: Path, sandbox: Sandbox
) -> None:
    """Its files and home are there; homes, other data and the folder of the rooms are not, or cannot be looked into."""
    (room_folder / "files" / "own").write_text("own-file")
    terminal = await open_live(table)
    follower = Follower(terminal.spool)
    folders = "/root /home /srv /mnt /media /boot /var/lib /var/log /run/* /sys"
    look = f"command ls {folders} {room_folder.parent} {room_folder} 2> /dev/null; cat own; echo; exit"
    await type_line(terminal, f"echo beg''in; {look}")
    await follower.end()
    shown = bytes(follower.output).partition(b"begin\r\n")[2].split()
    assert b"own-file" in shown
    if sandbox.level is not Level.LANDLOCK:
        assert {b"files", b"home"} <= set(shown)
    assert b"spool" not in shown
    assert {word.decode() for word in shown if word.startswith(b"/")} <= {f"{room_folder.parent}:", f"{room_folder}:"}


@pytest.mark.parametrize("level", list(Level))
async def test_start_every_level_that_works_ends_with_the_programs_status(
    room_folder: Path, socket: Path, level: Level
) -> None:
    """Each level hands on the exit code and the signal."""
    try:
        walls = await program.probe(room_folder, [room_folder.parent, socket.parent], level)
    except program.CannotStart as error:
        pytest.skip(str(error))
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
    assert ended.code in (1, 127)  # as bubblewrap says it, and as a shell does


async def test_probe_without_bubblewrap_says_so(room_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An operator who demands a level gets it or a refusal; else the next one says what a better one needs."""
    monkeypatch.setenv("PATH", str(room_folder))
    with pytest.raises(program.CannotStart, match="apt install bubblewrap"):
        await program.probe(room_folder, [], Level.BWRAP)
    found = await program.probe(room_folder, [])
    assert found.level is not Level.BWRAP
    assert "apt install bubblewrap" in found.obstacle


async def test_probe_with_a_bubblewrap_that_fails_says_how(room_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it is installed and not allowed, its own words are passed on."""
    refusing = room_folder / "bwrap"
    refusing.write_text("#!/bin/sh\necho bwrap: no permission for a namespace >&2\nexit 1\n")
    refusing.chmod(0o755)
    monkeypatch.setenv("PATH", str(room_folder))
    found = await program.probe(room_folder, [])
    assert found.level is not Level.BWRAP
    assert found.obstacle.startswith("bwrap: bwrap: no permission for a namespace; ")


async def test_probe_with_walls_that_hide_nothing_takes_another_level(
    room_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A level is in force only where a program inside was seen not to read what is hidden."""
    pretending = room_folder / "bwrap"
    pretending.write_text('#!/bin/sh\nshift 3\nexec "$@"\n')
    pretending.chmod(0o755)
    monkeypatch.setenv("PATH", str(room_folder))
    found = await program.probe(room_folder, [room_folder.parent])
    assert found.level is not Level.BWRAP
    assert found.obstacle.startswith("bwrap: programs inside it read what it should hide; ")
    assert not (room_folder / "canary").exists()


async def test_probe_below_the_least_level_is_refused(room_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who demands strong walls gets no weaker ones, and learns what they lack."""
    monkeypatch.setenv("PATH", str(room_folder))
    with pytest.raises(program.CannotStart, match="apt install bubblewrap"):
        await program.probe(room_folder, [], at_least=Level.BWRAP)
    assert (await program.probe(room_folder, [], at_least=Level.PROCESS)).level is not Level.BWRAP


async def test_probe_strongest_level_names_no_obstacle(room_folder: Path) -> None:
    """There is nothing to do where nothing is stronger."""
    if shutil.which("bwrap") is None:
        pytest.skip("bubblewrap is not installed here")
    assert (await program.probe(room_folder, [])).obstacle == ""


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
