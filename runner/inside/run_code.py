"""Runs the code of a step: gives it what it is given, passes on what it prints, and keeps it within its limits.

Memory and processes are looked at many times a second, and whatever is too much is killed: there is nothing in the
kernel that a program without privileges could have them counted by, for one tree of processes.
"""

import ctypes
import json
import os
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from runner.inside.report import Refused

OUTPUT = 256 * 1024
"""Bytes of what the code gives, as JSON."""
PRINTED = 1024 * 1024 + 65536
"""Bytes that are passed on of what it prints; whoever reads them takes less."""
LINE = 8192
"""Bytes after which a line goes on in the next."""

_INTERVAL = 0.05  # seconds between two looks
_LAST_WORDS = 2.0  # seconds to read what is left in the pipes once nobody writes into them
_SUBREAPER = 36  # of prctl: who loses its parent becomes our child
_TYPES = (22, 6)  # of node, which takes TypeScript from then on
_PAGE = os.sysconf("SC_PAGE_SIZE")

_PYTHON = """\
import json, os, runpy, sys
source, inputs, output = sys.argv[1:]
sys.path.insert(0, os.getcwd())
sys.argv[:] = [source]
with open(inputs) as given:
    inputs = json.load(given)
main = runpy.run_path(source, {"inputs": inputs}, "step").get("main")
made = None if main is None else main(inputs)
with open(output, "w") as file:
    json.dump(made, file, allow_nan=False)
"""
_JAVASCRIPT = """\
import { readFileSync, writeFileSync } from 'node:fs';
const [source, given, output] = process.argv.slice(2);
const inputs = JSON.parse(readFileSync(given, 'utf8'));
globalThis.inputs = inputs;
const { default: main } = await import(source);
const made = typeof main === 'function' ? await main(inputs) : main;
writeFileSync(output, JSON.stringify(made ?? null));
"""


def run(order: dict[str, Any]) -> dict[str, Any]:
    """Run the code of an order to its end. Refused when it fails, or is stopped because of a limit."""
    wanted = order["run_code"]
    ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)
    with tempfile.TemporaryDirectory(prefix="step-") as name:
        folder = Path(name)
        (folder / "inputs.json").write_text(json.dumps(wanted["inputs"]))
        arguments = _arguments(wanted, folder)
        environment = os.environ | wanted.get("environment", {}) | {"STATEROOM_KEY": wanted["key"]}  # noqa: TID251  # what a program of the room gets
        with subprocess.Popen(  # noqa: S603  # what this is for
            arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
        ) as process:
            try:
                _Watch(process, wanted).until_end()
            finally:
                _kill_all()
        return {"output": _output(process.returncode, folder / "output.json")}


class _Watch:
    """The code while it runs."""

    def __init__(self, process: subprocess.Popen[bytes], wanted: dict[str, Any]) -> None:
        self._process = process
        self._wanted = wanted
        self._end = time.monotonic() + wanted["seconds"]
        self._printed = 0
        self._lines = {"o": b"", "e": b""}
        self._selector = selectors.DefaultSelector()
        for pipe, stream in ((process.stdout, "o"), (process.stderr, "e")):
            if pipe is not None:
                os.set_blocking(pipe.fileno(), False)
                self._selector.register(pipe, selectors.EVENT_READ, stream)

    def until_end(self) -> None:
        """Pass on what is printed until the code has ended. Refused when a limit was reached."""
        looked = 0.0
        while self._process.poll() is None:
            self._read(_INTERVAL)
            now = time.monotonic()
            if now - looked >= _INTERVAL:
                looked = now
                self._expect_within_limits(now)
        _kill_all()
        end = time.monotonic() + _LAST_WORDS
        while self._selector.get_map() and time.monotonic() < end:
            self._read(_INTERVAL)
        for stream, rest in self._lines.items():
            if rest:
                self._pass_on(stream, rest)

    def _expect_within_limits(self, now: float) -> None:
        if now >= self._end:
            reason = "TIMED_OUT"
            raise Refused(reason, f"it took more than {self._wanted['seconds']:g} s")
        pids = list(_descendants(os.getpid()))
        if len(pids) > self._wanted["processes"]:
            reason = "TOO_MANY_PROCESSES"
            raise Refused(reason, f"it had more than {self._wanted['processes']} processes")
        limit = self._wanted["memory"]
        if sum(map(_resident, pids)) > limit and sum(map(_proportional, pids)) > limit:
            reason = "OUT_OF_MEMORY"
            raise Refused(reason, f"it used more than {limit // 1024 // 1024} MiB")

    def _read(self, seconds: float) -> None:
        for key, _ in self._selector.select(seconds):
            pipe: IO[bytes] = key.fileobj  # type: ignore[assignment]  # what was registered
            data = os.read(pipe.fileno(), 65536)
            if not data:
                self._selector.unregister(pipe)
            *lines, rest = (self._lines[key.data] + data).split(b"\n")
            while len(rest) > LINE:
                lines, rest = [*lines, rest[:LINE]], rest[LINE:]
            self._lines[key.data] = rest
            for line in lines:
                self._pass_on(key.data, line)
        if not self._selector.get_map():  # its pipes are closed, and it runs on
            time.sleep(seconds)  # noqa: TID251  # there is no event loop here

    def _pass_on(self, stream: str, line: bytes) -> None:
        self._printed += len(line) + 1
        if self._printed <= PRINTED:
            sys.stdout.buffer.write(f"{stream} {line.decode(errors='replace')}\n".encode())
            sys.stdout.buffer.flush()


def _arguments(wanted: dict[str, Any], folder: Path) -> list[str]:
    """Return the command that runs the code, whose file is written."""
    name, starter, text, interpreter = {
        "PYTHON": ("step.py", "start.py", _PYTHON, ["python3", "-B", "-u"]),
        "JAVASCRIPT": ("step.mjs", "start.mjs", _JAVASCRIPT, ["node"]),
        "TYPESCRIPT": ("step.mts", "start.mjs", _JAVASCRIPT, ["node"]),
    }[wanted["language"]]
    if shutil.which(interpreter[0]) is None:
        reason = "LANGUAGE_NOT_INSTALLED"
        raise Refused(reason, f"there is no {interpreter[0]} in this workspace")
    if wanted["language"] == "TYPESCRIPT":
        interpreter += _options_for_types(interpreter[0])
    if interpreter[0] == "node":
        interpreter.append(f"--max-old-space-size={wanted['memory'] // 1024 // 1024}")
    (folder / name).write_text(wanted["source"])
    (folder / starter).write_text(text)
    files = (folder / starter, folder / name, folder / "inputs.json", folder / "output.json")
    return [*interpreter, *map(str, files)]


def _options_for_types(node: str) -> list[str]:
    said = subprocess.run((node, "--version"), capture_output=True, text=True, check=False).stdout.strip()  # noqa: S603  # found on the path
    version = tuple(int(part) for part in said.removeprefix("v").split(".")[:2] if part.isdecimal())
    if version < _TYPES:
        reason = "LANGUAGE_NOT_INSTALLED"
        raise Refused(reason, f"TypeScript needs node 22.6 or newer in this workspace; this is {said or 'none'}")
    return ["--experimental-strip-types", "--disable-warning=ExperimentalWarning"]


def _output(code: int, file: Path) -> object:
    """Return what code gave that ended so. Refused when it failed."""
    if code < 0:
        reason = "KILLED"
        raise Refused(reason, f"signal {-code} ended it ({signal.Signals(-code).name})")
    if code > 0:
        reason = "EXITED"
        raise Refused(reason, f"it ended with exit code {code}")
    if not file.is_file():
        return None
    if file.stat().st_size > OUTPUT:
        reason = "OUTPUT_TOO_LARGE"
        raise Refused(reason, f"what it gives is larger than {OUTPUT // 1024} KiB")
    try:
        return json.loads(file.read_bytes())
    except ValueError as exc:
        reason = "OUTPUT_UNREADABLE"
        raise Refused(reason, "what it gives is no JSON") from exc


def _descendants(pid: int) -> Iterator[int]:
    """Yield the processes below one."""
    with suppress(OSError):  # it ended meanwhile
        for thread in Path(f"/proc/{pid}/task").iterdir():
            for child in (thread / "children").read_text().split():
                yield int(child)
                yield from _descendants(int(child))


def _resident(pid: int) -> int:
    with suppress(OSError, ValueError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    return 0


def _proportional(pid: int) -> int:
    """Return the memory of a process, of what it shares with others its part."""
    with suppress(OSError, ValueError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0


def _kill_all() -> None:
    """Kill everything below this process; when this returns nothing is there."""
    while found := list(_descendants(os.getpid())):
        for pid in found:
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        time.sleep(0.01)  # noqa: TID251  # as above
