"""What sessions printed, with the command line and over REST, as files and searched."""

from typing import Any

import httpx2

from tests.support import asciicast
from tests.support.embedded_stack import EmbeddedStack


async def _printed(stack: EmbeddedStack, workspace_id: str, script: str) -> str:
    started: Any
    started, *_ = (await stack.command("exec", "--json", workspace_id, "--", "sh", "-c", script)).json()
    return str(started["started"]["sessionId"])


async def test_cli_export_writes_text_and_recordings(embedded_stack: EmbeddedStack, workspace_id: str) -> None:
    """Text for a pipe, and a file that has its name once it is whole."""
    stack = embedded_stack
    session_id = await _printed(stack, workspace_id, "seq 1 9000; printf 'no newline'")
    text = await stack.command("session", "export", session_id, "--format", "text")
    assert text.output == "".join(f"{number}\n" for number in range(1, 9001)) + "no newline\n"
    target = stack.folder / "recording.cast"
    made = await stack.command("session", "export", session_id, "-o", str(target), "--idle-time-limit", "2")
    assert (made.code, made.output) == (0, ""), made.errors
    whole = target.read_bytes()
    assert asciicast.read(whole).output == text.output.replace("\n", "\r\n").removesuffix("\r\n")
    missing = await stack.command("session", "export", session_id, "-o", str(stack.folder / "no" / "folder"))
    assert (missing.code, "cannot be written" in missing.errors) == (2, True)


async def test_cli_search_shows_lines_of_all_sessions(embedded_stack: EmbeddedStack, workspace_id: str) -> None:
    """For people with the session and the offset in front, for programs as the API has it."""
    stack = embedded_stack
    session_id = await _printed(stack, workspace_id, r"printf 'a\nthe w\033[1manted li\033[0mne\nb\n'")
    (found,) = (await stack.command("session", "search", "WANTED line", "--workspace", workspace_id, "--json")).json()
    assert (found["sessionId"], found["line"], found["lineAfter"]) == (session_id, "the wanted line", "b")
    shown = await stack.command("session", "search", "wa.ted", "--regex", "--session", session_id)
    assert shown.output.split()[0] == session_id
    assert shown.output.endswith("the wanted line\n")
    assert "Nothing found" in (await stack.command("session", "search", "never printed")).errors
    refused = await stack.command("session", "search", "(", "--regex")
    assert (refused.code, "regular expression" in refused.errors) == (4, True)


async def test_export_over_rest_is_a_file_with_a_name(embedded_stack: EmbeddedStack, workspace_id: str) -> None:
    """A browser saves it, and a client that has a part of it asks for the rest."""
    session_id = await _printed(embedded_stack, workspace_id, "echo hello")
    headers = {"Authorization": f"Bearer {embedded_stack.api.api_key}"}
    async with httpx2.AsyncClient(base_url=embedded_stack.api.url, headers=headers) as client:
        path = f"/v1/sessions/{session_id}:export"
        whole = await client.get(path, params={"format": "NDJSON"})
        assert whole.headers["content-type"] == "application/x-ndjson"
        assert whole.headers["content-disposition"] == f"attachment; filename*=UTF-8''{session_id}.ndjson"
        rest = await client.get(path, params={"format": "NDJSON", "offset": 10})
        assert rest.content == whole.content[10:]
        beyond = await client.get(path, params={"offset": 10**9})
        assert (beyond.status_code, beyond.json()["error"]["status"]) == (400, "OUT_OF_RANGE")
