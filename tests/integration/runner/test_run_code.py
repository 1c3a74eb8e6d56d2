"""Code of steps inside the sandbox: what it is given, what it gives, and how each limit ends it."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from runner.errands import Errand
from runner.record import exit_of
from runner.terminals import Terminals
from tests.support.runner_rooms import Follower, open_live, order

MARK = "a-mark"
MIB = 1024 * 1024


@pytest.fixture
def room(table: Terminals, room_folder: Path) -> Terminals:
    """Return the terminals of a room."""
    (room_folder / "files").mkdir(exist_ok=True)
    return table


async def run(room: Terminals, source: str, **wanted: Any) -> tuple[dict[str, Any], list[str]]:
    """Run code to its end; returns its report and the lines that it printed."""
    told = {"language": "PYTHON", "inputs": {}, "key": "a", "seconds": 30, "memory": 512 * MIB, "processes": 64}
    content = {"mark": MARK, "run_code": told | {"source": source} | wanted}
    errand = Errand("run_code", json.dumps(content).encode())
    follower = Follower((await open_live(room, order(piped=True, errand=errand))).spool)
    ended = exit_of(await follower.end())
    lines = follower.output.decode().split("\n")
    (report,) = [json.loads(line.partition(" ")[2]) for line in lines if line.startswith(f"\x1e{MARK} ")]
    assert ended.code == (1 if "failure" in report else 0), follower.output.decode()
    return report, [line for line in lines if line[:2] in {"o ", "e "}]


async def reason(room: Terminals, source: str, **wanted: Any) -> str:
    """Run code that fails; returns why."""
    report, _ = await run(room, source, **wanted)
    return str(report["failure"]["reason"])


async def test_code_is_given_its_inputs_and_gives_what_main_returns(room: Terminals) -> None:
    """What it prints comes line by line, output and errors told apart, the last one without an end too."""
    source = (
        "import sys\ndef main(inputs):\n    print('seen', inputs['n'])\n    print('bad', file=sys.stderr)\n"
        "    sys.stdout.write('rest')\n    return {'n': inputs['n'] * 2}\n"
    )
    report, lines = await run(room, source, inputs={"n": 21})
    assert report["result"] == {"output": {"n": 42}}
    assert [line for line in lines if line.startswith("o ")] == ["o seen 21", "o rest"]
    assert [line for line in lines if line.startswith("e ")] == ["e bad"]


async def test_code_finds_its_variables_in_its_environment(room: Terminals) -> None:
    """Beside those of the room; the key is always ours."""
    source = "import os\ndef main(inputs):\n    return [os.environ[name] for name in ('TOKEN', 'STATEROOM_KEY')]"
    report, _ = await run(room, source, environment={"TOKEN": "abc", "STATEROOM_KEY": "b"})
    assert report["result"] == {"output": ["abc", "a"]}


async def test_code_that_fails_says_how_it_ended(room: Terminals) -> None:
    """An exception, an exit, a signal, and what is no JSON."""
    assert await reason(room, "def main(inputs):\n    raise ValueError") == "EXITED"
    report, _ = await run(room, "import os\ndef main(inputs):\n    os.kill(os.getpid(), 11)")
    assert (report["failure"]["reason"], "SIGSEGV" in report["failure"]["message"]) == ("KILLED", True)
    assert await reason(room, "def main(inputs):\n    return 'a' * 300_000") == "OUTPUT_TOO_LARGE"


async def test_code_that_takes_too_long_is_stopped_with_what_it_has_begun(room: Terminals) -> None:
    """An endless loop, with a child that wants to outlive it."""
    source = "import subprocess\ndef main(inputs):\n    subprocess.Popen(['sleep', '1000'])\n    while True: pass"
    assert await reason(room, source, seconds=1) == "TIMED_OUT"


async def test_code_that_uses_too_much_memory_is_stopped(room: Terminals) -> None:
    """Whichever of its processes does."""
    source = "import time\ndef main(inputs):\n    kept = b'a' * (300 * 1024 * 1024)\n    time.sleep(60)"
    assert await reason(room, source, memory=100 * MIB) == "OUT_OF_MEMORY"


async def test_code_of_too_many_processes_is_stopped(room: Terminals) -> None:
    """And nothing of them is left, or the run would not end."""
    source = (
        "import subprocess, time\ndef main(inputs):\n"
        "    for _ in range(30): subprocess.Popen(['sleep', '1000'])\n    time.sleep(60)"
    )
    assert await reason(room, source, processes=10) == "TOO_MANY_PROCESSES"


async def test_code_that_prints_without_end_is_read_up_to_a_limit(room: Terminals) -> None:
    """The rest goes nowhere, and the code ends as it would."""
    report, lines = await run(room, "def main(inputs):\n    for _ in range(5000): print('a' * 1000)\n    return 1")
    assert report["result"] == {"output": 1}
    assert MIB < sum(map(len, lines)) < 1.2 * MIB


@pytest.mark.skipif(shutil.which("node") is None, reason="this machine has no node")
async def test_code_in_javascript_gives_what_its_default_export_returns(room: Terminals) -> None:
    """Also what it waits for."""
    report, lines = await run(
        room,
        "export default async (inputs) => { console.log('hello'); return { n: inputs.n + 1 }; }",
        language="JAVASCRIPT",
        inputs={"n": 1},
    )
    assert (report.get("result"), lines) == ({"output": {"n": 2}}, ["o hello"])


@pytest.mark.skipif(shutil.which("node") is None, reason="this machine has no node")
async def test_code_in_typescript_runs_or_says_which_node_it_needs(room: Terminals) -> None:
    """By the version that is there."""
    report, _ = await run(
        room, "export default (inputs: { n: number }): number => inputs.n + 1;", language="TYPESCRIPT", inputs={"n": 1}
    )
    if "failure" in report:
        assert report["failure"]["reason"] == "LANGUAGE_NOT_INSTALLED"
        assert "node 22.6" in report["failure"]["message"]
    else:
        assert report["result"] == {"output": 2}
