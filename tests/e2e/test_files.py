"""Files of a room with the command line and over REST."""

import asyncio
import hashlib
import os
import zipfile
from pathlib import Path

import httpx2
import pytest

from cli.client import Client
from tests.support.embedded_stack import EmbeddedStack
from tests.support.sessions import create_workspace
from tests.support.waiting import PATIENCE

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_cli_files_there_and_back(embedded_stack: EmbeddedStack, tmp_path: Path) -> None:
    """Every verb once, as a script uses them; what was done is in the audit log, and no content is."""
    stack = embedded_stack
    (room,) = (await stack.command("ws", "create", "filed", "--json")).json()
    (tmp_path / "a.txt").write_text("one secret line\n")
    (put,) = (await stack.command("file", "put", "filed", str(tmp_path / "a.txt"), "--json")).json()
    assert (put["path"], put["sizeBytes"]) == ("a.txt", "16")
    stale = await stack.command("file", "put", "filed", "-", "a.txt", "--etag", '"0-0-0"', stdin=b"two")
    assert (stale.code, "read it again" in stale.errors) == (4, True)
    assert (await stack.command("file", "cat", "filed", "./a.txt")).output == "one secret line\n"
    await stack.command("file", "mkdir", "filed", "src/lib")
    (moved,) = (await stack.command("file", "mv", "filed", "a.txt", "src/b.txt", "--json")).json()
    (copied,) = (await stack.command("file", "cp", "filed", "src/b.txt", "c.txt", "--json")).json()
    assert (copied["path"], copied["sizeBytes"]) == ("c.txt", "16")
    assert (await stack.command("file", "cp", "filed", "src/b.txt", "c.txt")).code == 4
    assert (await stack.command("file", "cp", "--overwrite", "filed", "src/b.txt", "c.txt")).code == 0
    assert (await stack.command("file", "rm", "filed", "c.txt")).code == 0
    listed = (await stack.command("file", "ls", "filed", "src")).output.splitlines()
    assert [line.split()[-1] for line in listed] == ["NAME", "b.txt", "lib/"]
    (match,) = (await stack.command("file", "search", "filed", "SECRET", "-i", "--json")).json()
    assert (match["path"], match["line"], match["column"]) == ("src/b.txt", 1, 5)
    archive = tmp_path / "all.zip"
    await stack.command("file", "download", "filed", "--to", str(archive))
    assert zipfile.ZipFile(archive).namelist() == ["src/", "src/b.txt", "src/lib/"]
    (unpacked,) = (await stack.command("file", "upload", "filed", str(archive), "again", "--json")).json()
    assert unpacked == {"fileCount": 1, "sizeBytes": "16"}
    await stack.command("file", "get", "filed", "again/src/b.txt", str(tmp_path / "back"))
    assert (tmp_path / "back").read_text() == "one secret line\n"
    full = await stack.command("file", "rm", "filed", "again")
    assert (full.code, "recursive" in full.errors) == (4, True)
    assert (await stack.command("file", "rm", "-r", "filed", "again")).code == 0
    entries = (await stack.command("audit", "list", "--json")).json()
    told = [str(entry["action"]) for entry in entries]
    assert {"file.written", "file.write_failed", "file.moved", "file.uploaded", "file.deleted"} <= set(told)
    assert moved["etag"] != put["etag"]
    assert room["state"] == "ACTIVE"


async def test_rest_large_file_goes_both_ways_as_a_stream(client: Client, embedded_stack: EmbeddedStack) -> None:
    """Forty megabytes through a gateway that takes bodies of one: parts of it, known versions, and ranges beyond it."""
    room = await create_workspace(client, "large")
    data = os.urandom(1 << 20) * 40
    files = f"/v1/workspaces/{room['workspaceId']}/files"

    async def parts() -> object:
        for at in range(0, len(data), 1 << 18):
            yield data[at : at + (1 << 18)]

    made = await client.send_content("PUT", f"{files}:write", parts(), path="large.bin")  # type: ignore[arg-type]
    assert made["sizeBytes"] == str(len(data))
    headers = {"authorization": f"Bearer {embedded_stack.endpoint.api_key}"}
    async with httpx2.AsyncClient(base_url=embedded_stack.api.url, headers=headers, timeout=PATIENCE) as http:
        whole = await http.get(f"{files}:read?path=large.bin")
        assert hashlib.sha256(whole.content).digest() == hashlib.sha256(data).digest()
        assert (whole.headers["etag"], whole.headers["content-length"]) == (made["etag"], str(len(data)))
        known = await http.get(f"{files}:read?path=large.bin", headers={"if-none-match": made["etag"]})
        assert (known.status_code, known.content) == (304, b"")
        part = await http.get(f"{files}:read?path=large.bin", headers={"range": "bytes=1000-1999"})
        assert (part.status_code, part.content) == (206, data[1000:2000])
        assert part.headers["content-range"] == f"bytes 1000-1999/{len(data)}"
        beyond = await http.get(f"{files}:read?path=large.bin", headers={"range": f"bytes={len(data) + 1}-"})
        assert beyond.status_code == 416
        old = await http.put(f"{files}:write?path=large.bin", content=b"x" * (3 << 20), headers={"if-match": '"0-0-0"'})
        assert (old.status_code, old.json()["error"]["status"]) == (412, "ABORTED")


async def test_rest_write_repeated_with_its_key_writes_once(client: Client, embedded_stack: EmbeddedStack) -> None:
    """A client that heard no answer sends it all again, and gets the answer of the first."""
    room = await create_workspace(client, "repeated")
    target = f"/v1/workspaces/{room['workspaceId']}/files:write?path=a"
    headers = {"authorization": f"Bearer {embedded_stack.endpoint.api_key}"}
    key = {"idempotency-key": "00000000-0000-7000-8000-0000000000aa"}
    async with httpx2.AsyncClient(base_url=embedded_stack.api.url, headers=headers, timeout=PATIENCE) as http:
        first = (await http.put(target, content=b"a", headers=key)).json()
        await http.put(target, content=b"b")
        again = (await http.put(target, content=b"a", headers=key)).json()
        content = await http.get(target.replace(":write", ":read"))
    assert content.content == b"b"
    assert (first["path"], again["path"]) == ("a", "a")
    assert first["etag"] != again["etag"]


async def test_rest_watch_tells_what_a_shell_does(client: Client) -> None:
    """As events over HTTP: the watch is on, then what changed."""
    room = await create_workspace(client, "watched")
    files = f"/v1/workspaces/{room['workspaceId']}/files"
    watch = client.stream(f"{files}:watch")
    assert (await anext(watch)) == {"changes": [], "overflow": False}
    exec_ = client.post_stream(
        f"/v1/workspaces/{room['workspaceId']}:exec",
        {"command": ["sh", "-c", "mkdir d; echo > d/a"]},
        "00000000-0000-7000-8000-0000000000ab",
    )
    seen: set[tuple[str, str]] = set()
    async with asyncio.timeout(PATIENCE):
        async for _ in exec_:
            pass
        while ("d/a", "CREATED") not in seen:
            seen |= {(change["path"], change["type"]) for change in (await anext(watch))["changes"]}
    assert ("d", "CREATED") in seen
    await watch.aclose()
