"""Every call in the API reference works as it is printed, on a running installation."""

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from cli.client import Client, Json
from tests.support.embedded_stack import EmbeddedStack
from tests.support.reference import Setting
from tests.support.waiting import PATIENCE

PAGES = Path(__file__).resolve().parents[2] / "docs" / "api"
METHOD = re.compile(r"^## (?P<method>\w+)\n(?P<text>.*?)(?=^## )", re.DOTALL | re.MULTILINE)
BLOCK = re.compile(r"^```(?P<language>\w+)\n(?P<code>.*?)^```", re.DOTALL | re.MULTILINE)
VARIABLE = re.compile(r'\$([A-Z_]+)|os\.environ\["([A-Z_]+)"\]')
NEVER_END = {"StreamChatMessages", "WatchFiles"}
"""Methods that stream until their caller leaves."""
SIGNED = {"ReceiveDelivery", "InvokeDeployment", "GetInvocation"}
"""Methods whose callers sign what they send, or show a key for it alone, which no example can."""


def _calls() -> list[tuple[str, str, str]]:
    """Return method, program and code of each call."""
    found = []
    for page in sorted(PAGES.glob("*.md")):
        for method in METHOD.finditer(page.read_text()):
            if method["method"] in NEVER_END | SIGNED:
                continue
            for block in BLOCK.finditer(method["text"]):
                code = block["code"]
                found.append((method["method"], "python" if block["language"] == "python" else code.split()[0], code))
    return found


def _parameters() -> Iterator[Any]:
    """Yield the calls. Of those by buf, which say what those in Python say, `make test` makes one for each service."""
    seen: set[str] = set()
    for name, program, code in _calls():
        service = re.findall(r"\$(STATEROOM_\w+)/", code)[-1:]
        again = program == "buf" and not seen.isdisjoint(service)
        seen.update(service if program == "buf" else ())
        marks = [pytest.mark.thorough] if again else []
        yield pytest.param(name, program, code, id=f"{name}-{program}", marks=marks)


async def _run(code: str, environment: Mapping[str, str]) -> list[object]:
    """Run a call in a shell, and return the JSON that it printed."""
    process = await asyncio.create_subprocess_exec(
        "/bin/sh", "-c", code, env=dict(environment), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    async with asyncio.timeout(PATIENCE):
        printed, errors = await process.communicate()
    assert process.returncode == 0, (printed.decode(), errors.decode())
    text, found = printed.decode().strip(), []
    while text:
        value, end = json.JSONDecoder().raw_decode(text)
        found.append(value)
        text = text[end:].lstrip()
    return found


async def _exec(code: str, variables: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Run a call in Python, of our own pages; a process for each would take a second."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    await asyncio.to_thread(exec, code, {})


@pytest.fixture(scope="module")
def shared() -> dict[str, str]:
    """Return what calls share that leave it as it is, by variable; it is made when one needs it."""
    return {}


@pytest_asyncio.fixture
async def setting(
    client: Client, workspace_id: str, preview: Json, tmp_path: Path, shared: dict[str, str], method: str
) -> AsyncIterator[Setting]:
    """Return what there is to call, and end what ran for this call alone."""
    made = Setting(client, workspace_id, preview["previewId"], method, tmp_path, shared)
    yield made
    await made.end_sessions()


@pytest.mark.parametrize(("method", "program", "code"), list(_parameters()))
async def test_call_as_printed_answers(  # noqa: PLR0913  # an example and where it runs
    embedded_stack: EmbeddedStack,
    setting: Setting,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *,
    method: str,
    program: str,
    code: str,
) -> None:
    """What a reader pastes into a shell or a file, with ids of their own, is answered."""
    search = f"{Path(sys.executable).parent}:{os.defpath}"
    if program != "python" and shutil.which(program, path=search) is None:
        pytest.skip(f"this machine has no {program}")
    endpoint = embedded_stack.endpoint
    variables = {"STATEROOM_URL": endpoint.gateway, "STATEROOM_API_KEY": endpoint.api_key}
    variables |= {f"STATEROOM_{name.upper()}": address for name, address in endpoint.services.items()}
    variables |= {"PATH": search, "HOME": str(embedded_stack.folder)}
    for name in sorted({first or second for first, second in VARIABLE.findall(code)} - variables.keys()):
        variables[name] = await setting.value(name)
    variables |= await setting.key(variables)
    if program == "python":
        await _exec(code, variables, monkeypatch)
        assert capsys.readouterr().out
    else:
        answers = await _run(code, variables)
        assert not [answer for answer in answers if isinstance(answer, dict) and "error" in answer]
