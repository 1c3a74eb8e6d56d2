"""Files of a room in an editor of this machine, and buffers over REST."""

from pathlib import Path

import pytest

from cli.client import Client
from cli.errors import Refused
from tests.support.embedded_stack import EmbeddedStack
from tests.support.sessions import create_workspace, until_state

pytestmark = pytest.mark.asyncio(loop_scope="session")


def _editor(folder: Path, script: str) -> str:
    """Return an editor that does to the file, `$1`, what a script says."""
    program = folder / "editor"
    program.write_text(f"#!/bin/sh\nset -e\n{script}\n")
    program.chmod(0o755)
    return str(program)


async def test_cli_edit_saves_and_keeps_what_it_cannot_save(
    embedded_stack: EmbeddedStack, client: Client, tmp_path: Path
) -> None:
    """A file that changed meanwhile is not replaced, unless that is wanted; the next call has the text."""
    stack, room = embedded_stack, await create_workspace(client, "edited")
    file = stack.room(room["workspaceId"]) / "files" / "notes.txt"
    append = _editor(tmp_path, 'echo more >> "$1"')
    (made,) = (await stack.command("edit", "edited", "./notes.txt", "--editor", append, "--json")).json()
    assert (made["path"], made["unsaved"], file.read_text()) == ("notes.txt", False, "more\n")
    race = _editor(tmp_path, f'echo twice >> "$1"; echo theirs > {file}')
    refused = await stack.command("edit", "edited", "notes.txt", "--editor", race)
    assert (refused.code, "--overwrite" in refused.errors, file.read_text()) == (4, True, "theirs\n")
    saved = await stack.command("edit", "edited", "notes.txt", "--editor", "true", "--overwrite")
    assert (saved.code, "unsaved text of" in saved.errors, file.read_text()) == (0, True, "more\ntwice\n")


async def test_cli_recovers_what_an_editor_that_failed_left_in_a_room_that_is_gone(
    embedded_stack: EmbeddedStack, client: Client, tmp_path: Path
) -> None:
    """What the editor wrote before it failed was sent by then; it goes into another room."""
    stack, room = embedded_stack, await create_workspace(client, "failing")
    fails = _editor(tmp_path, 'echo text > "$1"; sleep 1.5; exit 3')
    failed = await stack.command("edit", "failing", "left.txt", "--editor", fails)
    assert (failed.code, "code 3" in failed.errors) == (2, True)
    (left,) = (await client.get("/v1/buffers", workspaceId=room["workspaceId"], unsaved="true"))["buffers"]
    await client.call("DELETE", f"/v1/workspaces/{room['workspaceId']}", parameters={"force": "true"})
    await until_state(client, left["sessionId"], "STOPPED")
    assert (await stack.command("buffer", "show", left["bufferId"])).output == "text\n"
    other = await create_workspace(client, "recovering")
    await stack.command("buffer", "recover", left["bufferId"], "--workspace", "recovering")
    listed = (await stack.command("buffer", "list", "--unsaved")).output.splitlines()[1].split()
    assert listed[:4] == [left["bufferId"], "recovering", "left.txt", "unsaved"]
    await client.post(f"/v1/buffers/{left['bufferId']}:save", {})
    assert (stack.room(other["workspaceId"]) / "files" / "left.txt").read_text() == "text\n"


async def test_rest_edit_of_an_old_revision_is_a_conflict(client: Client) -> None:
    """The second of two devices is told the revision; the events have both sides of it, in order."""
    room = await create_workspace(client, "revised")
    session = await client.post("/v1/sessions", {"workspaceId": room["workspaceId"], "kind": "EDITOR"})
    events = client.stream(f"/v1/sessions/{session['sessionId']}/editorEvents", afterSequence=0)
    wanted = {"path": "a.txt", "allowMissing": True}
    buffer = await client.post(f"/v1/sessions/{session['sessionId']}/buffers", wanted)
    path = f"/v1/buffers/{buffer['bufferId']}"
    edited = await client.post(f"{path}:edit", {"baseRevision": "1", "edits": [{"text": "one ✓"}]})
    with pytest.raises(Refused, match="read revision 2") as refused:
        await client.post(f"{path}:edit", {"baseRevision": "1", "text": "two"})
    assert (refused.value.code, refused.value.reason) == (409, "BUFFER_CHANGED")
    assert (edited["revision"], edited["sizeBytes"]) == ("2", 7)
    assert (await client.get(path))["text"] == "one ✓"
    told = [(await anext(events))["event"]["type"] for _ in range(2)]
    assert told == ["OPENED", "EDITED"]
    await events.aclose()
