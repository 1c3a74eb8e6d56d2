"""A terminal through REST and WebSocket: what is typed, printed, resized, and how it ends."""

from base64 import b64decode

from cli.attachment import Wish
from cli.client import Client
from tests.support.embedded_stack import EmbeddedStack
from tests.support.sessions import (
    attached,
    create_workspace,
    ended,
    make_repository,
    opened_session,
    output,
    shown,
    until_state,
    write,
)


async def test_session_in_a_cloned_repository_works_as_a_terminal(
    embedded_stack: EmbeddedStack, client: Client
) -> None:
    """The main job: a room from a repository, a terminal in it, a command, its output, its end."""
    repository = await make_repository(embedded_stack.folder / "greeting", {"greeting": b"hello from the room\n"})
    workspace = await create_workspace(client, "greeting", repository)
    async with opened_session(client, workspace["workspaceId"]) as session_id:
        async with attached(embedded_stack.api, Wish(session_id, role="CONTROLLER")) as device:
            await device.device.type(b"git log --format=%s | cat; cat greeting\n")
            await shown(device, b"The first commit\r\nhello from the room\r\n")
            await device.device.type(b"exit\n")
            await ended(device)
        assert bytes(device.data) == await output(client, session_id)


async def test_shell_exits_with_a_code_session_keeps_it(
    embedded_stack: EmbeddedStack, client: Client, workspace_id: str
) -> None:
    """`exit 3` is the session's exit code, for devices and in the API."""
    async with opened_session(client, workspace_id) as session_id:
        async with attached(embedded_stack.api, Wish(session_id)) as device:
            await device.device.type(b"exit 3\n")
            await ended(device)
        session = await client.get(f"/v1/sessions/{session_id}")
    assert device.ended is not None
    assert (device.ended.state, device.ended.exit_code, device.ended.exit_signal) == ("STOPPED", 3, None)
    assert (session["state"], session["stopReason"], session["exitCode"]) == ("STOPPED", "EXIT", 3)
    assert "exitSignal" not in session
    assert session["logComplete"]
    assert int(session["outputBytes"]) == device.ended.end_offset == len(device.data)


async def test_shell_is_killed_session_keeps_the_signal(client: Client, workspace_id: str) -> None:
    """A shell that a signal ends has a signal and no exit code."""
    async with opened_session(client, workspace_id) as session_id:
        await write(client, session_id, b"kill -9 $$\n")
        session = await until_state(client, session_id, "STOPPED")
    assert (session["stopReason"], session["exitSignal"]) == ("SIGNAL", 9)
    assert "exitCode" not in session


async def test_terminate_session_stubborn_program_is_killed(
    embedded_stack: EmbeddedStack, client: Client, workspace_id: str
) -> None:
    """A session whose program ignores TERM ends all the same, by KILL, and says who wanted it."""
    async with opened_session(client, workspace_id) as session_id:
        async with attached(embedded_stack.api, Wish(session_id)) as device:
            await device.device.type(b"trap '' TERM HUP; echo trap''ped; while :; do sleep 1; done\n")
            await shown(device, b"trapped")
        await client.post(f"/v1/sessions/{session_id}:terminate", {})
        session = await until_state(client, session_id, "STOPPED")
    assert session["stopReason"] == "TERMINATED"


async def test_output_from_an_offset_is_the_rest(client: Client, workspace_id: str) -> None:
    """A stream that begins in the middle gives exactly the bytes from there on."""
    async with opened_session(client, workspace_id) as session_id:
        await write(client, session_id, b"seq 500; exit\n")
        whole = await output(client, session_id)
        assert b"\r\n499\r\n500\r\n" in whole
        for offset in (1, len(whole) // 2, len(whole)):
            assert await output(client, session_id, offset) == whole[offset:]


async def test_resize_session_programs_see_the_size(
    embedded_stack: EmbeddedStack, client: Client, workspace_id: str
) -> None:
    """A size set by a device, or by a call, is the terminal's."""
    async with (
        opened_session(client, workspace_id, columns=91, rows=31) as session_id,
        attached(embedded_stack.api, Wish(session_id, role="CONTROLLER")) as device,
    ):
        await device.device.type(b"stty size\n")
        await shown(device, b"31 91\r\n")
        await device.device.resize(132, 43)
        # No key waits for a size, so the program waits for it.
        await device.device.type(b"until [ \"$(stty size)\" = '43 132' ]; do :; done; echo fol''lowed\n")
        await shown(device, b"followed")
        resized = await client.post(f"/v1/sessions/{session_id}:resize", {"columns": 100, "rows": 30})
        assert (resized["columns"], resized["rows"]) == (100, 30)
        await device.device.type(b"until [ \"$(stty size)\" = '30 100' ]; do :; done; echo as''ked\n")
        await shown(device, b"asked")


async def test_list_session_events_pages_hold_every_record_once(client: Client, workspace_id: str) -> None:
    """Pages of records join without a gap, and their output is the log."""
    async with opened_session(client, workspace_id) as session_id:
        await write(client, session_id, b"for i in $(seq 30); do echo $i; sleep 0.02; done; exit 4\n")
        whole = await output(client, session_id)
        path, records, token = f"/v1/sessions/{session_id}/events", [], ""
        while True:
            page = await client.get(path, pageSize=7, **({"pageToken": token} if token else {}))
            assert len(page["sessionEvents"]) <= 7
            records += page["sessionEvents"]
            token = page.get("nextPageToken", "")
            if not token:
                break
    assert len(records) > 7
    assert [int(record["sequence"]) for record in records] == list(range(1, len(records) + 1))
    assert b"".join(b64decode(record.get("data", "")) for record in records) == whole
    assert (records[-1]["type"], records[-1]["exitCode"]) == ("EXIT", 4)
