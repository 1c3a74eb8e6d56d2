"""What programs of a room reach where only Landlock holds them: a runner on the network, as in a container."""

import asyncio
import os
import shutil
import socket as sockets
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from stateroom.runner.v1 import record_pb2
from stateroom.runner.v1 import runner_service_pb2 as pb

from chassis import ids
from runner import program, room
from runner.program import CannotStart, Streams
from runner.sandbox import PATH, Level, Program, Sandbox
from tests.support.runner_rooms import Network, RunnerProcess, network_runner
from tests.support.waiting import PATIENCE

USER = 10001
"""Somebody whom no machine knows, as in the images."""

# Whoever runs the tests may have the interpreter where only they may look.
_AS_USER = (
    *("setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", "--no-new-privs"),
    *("--inh-caps=-all,+dac_read_search", "--ambient-caps=-all,+dac_read_search"),
)

_TRY = """
try() { name=$1; shift; if "$@" > /dev/null 2>&1; then echo "reached $name"; else echo "refused $name"; fi; }
py() { python3 -c "$@"; }
"""

REFUSED = """
try environ cat /proc/$RUNNER/environ
try keeper cat /proc/$PPID/environ
try maps cat /proc/$RUNNER/maps
try memory py "open('/proc/$RUNNER/mem', 'rb')"
try descriptor cat /proc/$RUNNER/fd/0
try root ls /proc/$RUNNER/root/
try directory ls /proc/$RUNNER/cwd/
try trace py "import ctypes; exit(ctypes.CDLL(None).ptrace(16, $RUNNER, 0, 0) != 0)"
try steal-descriptor py "import ctypes, os; exit(ctypes.CDLL(None).syscall(438, os.pidfd_open($RUNNER), 0, 0) < 0)"
try token cat $CREDENTIALS/token
try key cat $CREDENTIALS/tls.key
try symbolic-link sh -c "ln -s $CREDENTIALS/token link; cat link"
try hard-link ln $CREDENTIALS/token hard
try spool ls $ROOM/spool
try spool-file cat $ROOM/spool/canary
try spool-write sh -c ": >> $ROOM/spool/canary"
try spool-cut truncate -s 0 $ROOM/spool/canary
try spool-remove rm -f $ROOM/spool/canary
try spool-rename mv $ROOM/spool $ROOM/other
try spool-replace sh -c ": > home; mv -f home $ROOM/spool/canary"
try staging ls $ROOM/staging
try announcement cat $ROOM/runner.json
try other-room cat $OTHER/file
try kill kill -9 $RUNNER
try stop kill -STOP $PPID
try limits prlimit --pid $RUNNER --core=1:1
try out-of-memory sh -c ": >> /proc/$RUNNER/oom_score_adj"
try raw-socket py "import socket; socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)"
try abstract-socket py "import socket; socket.socket(socket.AF_UNIX).connect('\\\\0$ABSTRACT')"
try mount mount -t tmpfs none $HOME
try bind-mount unshare -rm mount --bind $CREDENTIALS $HOME
try as-root unshare -r cat $CREDENTIALS/token
try change-root unshare -r chroot $CREDENTIALS /bin/true
try device mknod null c 1 3
try kernel sh -c ": >> /proc/sys/kernel/core_pattern"
try modules sh -c ": >> /proc/sys/kernel/modprobe"
try system sh -c ": >> /etc/passwd"
try homes ls /root
"""

REACHED = """
try files sh -c "mkdir d && echo text > d/file && mv d/file d/other && ln d/other again && rm -r d"
try home sh -c "echo text > ~/file && mv ~/file file && truncate -s 1 file && mv file ~"
try sockets py "import socket; socket.socket(socket.AF_UNIX).bind('socket')"
try pipes mkfifo pipe
try temporary sh -c "mktemp && echo text > /tmp/$ABSTRACT && rm /tmp/$ABSTRACT"
try git sh -c "git init r && cd r && git -c user.name=a -c user.email=b commit --allow-empty -m c && git gc"
try terminal py "import os, pty; exit(os.waitstatus_to_exitcode(pty.spawn(['/bin/sh', '-c', 'echo > /dev/tty'])))"
try devices sh -c "head -c 1 /dev/urandom > /dev/null"
try shared-memory py "import multiprocessing; multiprocessing.Lock()"
try processes ps
try own-process cat /proc/self/environ /proc/self/maps
try signals sh -c 'sleep 900 & kill $!'
try limits sh -c "ulimit -n 100"
try here-document bash -c "cat <<< text"
try zsh-document sh -c "! command -v zsh || zsh -c 'cat <<< text'"
try fish sh -c "! command -v fish || fish -c 'echo text | cat'"
try script sh -c "! command -v script || script -qc tty /dev/null"
try resolver cat /etc/resolv.conf
"""


@pytest.fixture
def place() -> Iterator[Path]:
    """Return a folder below no folder that only somebody may enter, and not in that for temporary files."""
    folder = Path(tempfile.mkdtemp(prefix="sr-", dir="/var/tmp"))  # others would be the session's own
    yield folder
    shutil.rmtree(folder)


async def _expect_landlock(folder: Path) -> Sandbox:
    """Return the sandbox of a fresh room in the folder; skip the test where the kernel cannot make it."""
    room.prepare(folder / "fresh")
    try:
        return await program.probe(folder / "fresh", [folder], Level.LANDLOCK)
    except CannotStart as error:
        pytest.skip(str(error))


async def _outcomes(runner: RunnerProcess, probes: str, variables: dict[str, str]) -> dict[str, str]:
    """Run probes in the room, and return what came of each."""
    session_id = str(ids.new())
    command = ["/bin/sh", "-c", _TRY + probes]
    order = pb.OpenTerminalRequest(
        session_id=session_id, piped=True, columns=80, rows=24, command=command, environment=variables
    )
    await runner.stub.OpenTerminal(order, metadata=runner.metadata)
    request, printed = record_pb2.StreamRecordsRequest(session_id=session_id), b""
    async for batch in runner.stub.StreamRecords(request, metadata=runner.metadata, timeout=PATIENCE):
        printed += b"".join(record.data for record in batch.records if record.type == record_pb2.Record.OUTPUT)
    words = (line.split() for line in printed.decode().splitlines())
    return {name: outcome for outcome, name in words}


@pytest.mark.parametrize("user", [0, USER])
async def test_program_at_landlock_reaches_its_room_and_nothing_of_the_runners(place: Path, user: int) -> None:
    """Not its memory, credentials, spool and signals, nor another room or the system: as root, and as nobody known."""
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("only root can become somebody else, and by setpriv")
    await _expect_landlock(place)
    network = Network.furnish(place / "credentials")
    (place / "other").mkdir()
    (place / "other" / "file").write_text("secret")
    (place / "room").mkdir()
    for path in (place, *place.rglob("*")):
        os.chown(path, user, user)
    abstract = f"stateroom-{ids.new().hex}"
    with sockets.socket(sockets.AF_UNIX) as listening:
        listening.bind(f"\0{abstract}")
        listening.listen()
        prefix = _AS_USER if user else ()
        async with network_runner(place / "room", network, prefix=prefix, SANDBOX="landlock") as runner:
            (place / "room" / "spool" / "canary").write_text("secret")
            os.chown(place / "room" / "spool" / "canary", user, user)
            variables = {
                "RUNNER": str(runner.process.pid),
                "CREDENTIALS": str(place / "credentials"),
                "ROOM": str(place / "room"),
                "OTHER": str(place / "other"),
                "ABSTRACT": abstract,
            }
            refused = await _outcomes(runner, REFUSED, variables)
            assert {name: outcome for name, outcome in refused.items() if outcome != "refused"} == {}
            assert len(refused) == REFUSED.count("\ntry ")
            reached = await _outcomes(runner, REACHED, variables)
            assert {name: outcome for name, outcome in reached.items() if outcome != "reached"} == {}
            assert len(reached) == REACHED.count("\ntry ")
            status = await runner.stub.GetStatus(pb.GetStatusRequest(), metadata=runner.metadata)
            assert status.sandbox == "landlock"


async def test_folder_with_something_hidden_shows_the_rest(place: Path) -> None:
    """A rule of Landlock holds for all beneath, so what is hidden in a folder that is shown is left out by its name."""
    sandbox = await _expect_landlock(place)
    shown = place / "shown"
    for name in ("open/file", "deep/open/file", "deep/hidden/file"):
        (shown / name).parent.mkdir(parents=True, exist_ok=True)
        (shown / name).write_text(name)
    (shown / "link").symlink_to("deep")
    walls = replace(sandbox, hidden=[place / "fresh", shown / "deep" / "hidden"])
    look = f"cd {shown} && cat open/file deep/open/file; cat deep/hidden/file link/hidden/file; :"
    described = Program(("/bin/sh", "-c", look), {"PATH": PATH}, walls.room / "files", readable=[shown])
    running = await program.start(walls, described, Streams(-3, -1, -3))
    assert running.keeper.stdout is not None
    assert await running.keeper.stdout.read() == b"open/filedeep/open/file"
    await running.kill()


async def test_kernel_of_the_first_version_still_hides_files(place: Path) -> None:
    """Rights that an older kernel does not know are not asked for; moving between folders is what it never allows."""
    await _expect_landlock(place)
    secret, (one, other) = place / "secret", (place / "one", place / "other")
    secret.write_text("secret")
    for folder in (one, other):
        folder.mkdir()
    code = f"""
import ctypes, errno, os
from runner import landlock
landlock._KNOWN_SINCE = dict.fromkeys(landlock._KNOWN_SINCE, 99)
landlock._SCOPES_SINCE = 99
ctypes.CDLL(None).prctl(38, 1, 0, 0, 0)
landlock.confine(["/usr"], [{str(one)!r}, {str(other)!r}], ["/dev/null"])
open({str(one / "file")!r}, "w").write("text")
try:
    open({str(secret)!r})
except PermissionError:
    print("hidden")
try:
    os.rename({str(one / "file")!r}, {str(other / "file")!r})
except OSError as error:
    print(errno.errorcode[error.errno])
"""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE)
    said, _ = await process.communicate()
    assert said.split() == [b"hidden", b"EXDEV"]
