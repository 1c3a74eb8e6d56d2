"""The main job with the command line, as a person and as a script."""

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest

from cli.client import Client
from cli.endpoint import Endpoint
from cli.errors import Refused
from tests.support.embedded_stack import EmbeddedStack
from tests.support.sessions import make_repository
from tests.support.window import opened_window


async def test_cli_script_does_the_main_job(embedded_stack: EmbeddedStack) -> None:
    """Every step with `--json`: who am I, a room, a terminal, a command, its output, the list, the audit log."""
    stack = embedded_stack
    repository = await make_repository(stack.folder / "scripted", {"greeting": b"hello from the room\n"})
    (me,) = (await stack.command("whoami", "--json")).json()
    (room,) = (await stack.command("workspace", "create", "scripted", "--repo", repository, "--json")).json()
    assert (me["handle"], room["state"]) == ("owner", "ACTIVE")
    (session,) = (await stack.command("session", "create", "scripted", "--json")).json()
    identity = str(session["sessionId"])
    typed = await stack.command("session", "attach", identity, stdin=b"cat greeting; exit 5\n")
    assert (typed.code, "hello from the room" in typed.output) == (0, True), typed.errors
    (shown,) = (await stack.command("session", "show", identity, "--json")).json()
    assert (shown["state"], shown["exitCode"]) == ("STOPPED", 5)
    assert "\nhello from the room\n" in (await stack.command("session", "screen", identity)).output
    listed = (await stack.command("session", "list", "--workspace", "scripted", "--json")).json()
    assert [one["sessionId"] for one in listed] == [identity]
    table = (await stack.command("session", "list", "--workspace", "scripted")).output
    assert table.splitlines()[1].split()[:4] == [identity, "STOPPED", "scripted", "bash"]
    (gone,) = (await stack.command("session", "delete", identity, "--json")).json()
    assert str(gone["purgeTime"]) > str(gone["deleteTime"])
    assert (await stack.command("session", "list", "--workspace", "scripted", "--json")).json() == []
    (kept,) = (await stack.command("session", "list", "--workspace", "scripted", "--deleted", "--json")).json()
    assert (await stack.command("session", "undelete", str(kept["sessionId"]))).code == 0
    entries = (await stack.command("audit", "list", "--entity", str(room["workspaceId"]), "--json")).json()
    assert [entry["action"] for entry in entries] == ["workspace.activated", "workspace.created"]
    (deleted,) = (await stack.command("workspace", "delete", "scripted", "--json")).json()
    assert deleted["state"] == "DELETED"


async def test_cli_attach_to_a_workspace_is_to_its_one_terminal(embedded_stack: EmbeddedStack) -> None:
    """Where there is none or several, the sentence has the commands to go on with."""
    stack = embedded_stack
    await stack.command("ws", "create", "named", "--json")
    none = await stack.command("session", "attach", "named")
    assert (none.code, "session create named --attach" in none.errors) == (4, True)
    made = [(await stack.command("session", "create", "named", "--json")).json()[0]["sessionId"] for _ in range(2)]
    several = await stack.command("session", "attach", "named")
    assert (several.code, [one for one in made if f"session attach {one}" not in several.errors]) == (4, [])
    ended = await stack.command("session", "attach", str(made[0]), stdin=b"exit\n")
    assert ended.code == 0, ended.errors
    attached = await stack.command("session", "attach", "named", stdin=b"echo at''tached; exit\n")
    assert (attached.code, "attached" in attached.output) == (0, True), attached.errors


async def test_cli_session_is_paused_shared_and_opened_again(embedded_stack: EmbeddedStack, workspace_id: str) -> None:
    """A guest comes in with a link's secret and nothing else; once it is revoked, not any more."""
    stack = embedded_stack

    async def one(*words: str) -> Any:
        (answer,) = (await stack.command(*words, "--json")).json()
        return answer

    identity = str((await one("session", "create", workspace_id))["sessionId"])
    states = [(await one("session", verb, identity))["state"] for verb in ("pause", "resume")]
    assert states == ["PAUSED", "ACTIVE"]
    link = await one("session", "share", identity, "--control", "--label", "Grace")
    words = ("session", "attach", link["secret"])
    typed = await stack.guest_command(*words, stdin=b"echo from a gu''est; exit 3\n")
    assert (typed.code, "from a guest" in typed.output) == (0, True), typed.errors
    assert [each["openCount"] for each in (await stack.command("session", "shares", identity, "--json")).json()] == [1]
    await one("session", "unshare", link["shareLinkId"])
    late = await stack.guest_command(*words)
    assert (late.code, "revoked" in late.errors) == (4, True)
    again = await one("session", "restart", identity)
    assert (again["restartedFrom"], again["missingEnvironmentNames"]) == (identity, [])
    findings = (await stack.command("session", "clean-up", "--dry-run", "--json")).json()
    assert ("WORKED", again["sessionId"]) in [(each["verdict"], each["sessionId"]) for each in findings]
    assert (await one("session", "idle", "--after", "120"))["idleAfter"] == "7200s"
    assert int((await one("session", "stats"))["active"]) >= 1


async def test_cli_exec_is_the_command(embedded_stack: EmbeddedStack, workspace_id: str) -> None:
    """Its bytes on standard output and nothing else, its exit code, and its session afterwards."""
    stack = embedded_stack
    script = "printf 'one\\ntwo %s' $FLAVOUR; exit 7"
    ran = await stack.command("exec", "--env", "FLAVOUR=mint", workspace_id, "--", "sh", "-c", script)
    assert (ran.code, ran.output, ran.errors) == (7, "one\ntwo mint", "")
    told: Any = (await stack.command("exec", "--json", workspace_id, "--", "echo", "hello")).json()
    assert [next(iter(message)) for message in told] == ["started", "output", "ended"]
    assert told[1]["output"] == {"offset": "0", "data": "aGVsbG8K"}
    assert told[0]["started"]["sessionId"] == told[2]["ended"]["sessionId"]
    late = await stack.command("exec", "--timeout", "1", workspace_id, "--", "sleep", "600")
    assert (late.code, "timed out" in late.errors) == (124, True)
    killed = await stack.command("exec", workspace_id, "--", "sh", "-c", "kill -KILL $$")
    assert killed.code == 137
    own = await stack.command("exec", workspace_id, "sh", "-c", "echo $0 $1", "--", "--json")
    assert (own.code, own.output) == (0, "-- --json\n")
    missing = await stack.command("exec", workspace_id, "--", "no-such-program")
    assert (missing.code, "no program no-such-program" in missing.errors) == (4, True)


async def test_cli_room_is_described_put_away_and_brought_back(embedded_stack: EmbeddedStack) -> None:
    """A room in use is kept from being put away by mistake; what was said about it stays."""
    stack = embedded_stack
    await stack.command("ws", "create", "kept", "--json")
    changes = ("--description", "Ours", "--metadata", "team=core", "--metadata", "a=b=c")
    (updated,) = (await stack.command("ws", "update", "kept", *changes, "--json")).json()
    assert (updated["description"], updated["metadata"]) == ("Ours", {"team": "core", "a": "b=c"})
    (status,) = (await stack.command("ws", "status", "kept", "--json")).json()
    assert (status["branch"], status["untracked"]) == ("main", {"count": 0, "files": [], "truncated": False})
    assert "none yet" in (await stack.command("ws", "status", "kept")).output
    (session,) = (await stack.command("session", "create", "kept", "--json")).json()
    refused = await stack.command("ws", "archive", "kept")
    assert refused.code == 4
    assert str(session["sessionId"]) in refused.errors
    assert "say `--force`" in refused.errors
    called = await stack.command("call", "POST", f"/v1/workspaces/{updated['workspaceId']}:archive", "-d", "{}")
    assert "say `force`" in called.errors
    (archived,) = (await stack.command("ws", "archive", "kept", "--force", "--json")).json()
    assert archived["state"] == "ARCHIVED"
    (active,) = (await stack.command("ws", "unarchive", "kept", "--json")).json()
    assert active["state"] == "ACTIVE"
    (deleted,) = (await stack.command("ws", "delete", "kept", "--json")).json()
    listed = (await stack.command("ws", "list", "--deleted", "--json")).json()
    assert deleted["workspaceId"] in [one["workspaceId"] for one in listed]
    (back,) = (await stack.command("ws", "undelete", "kept", "--json")).json()
    assert (back["state"], back["metadata"]) == ("ARCHIVED", {"team": "core", "a": "b=c"})


async def test_cli_room_that_is_gone_is_restored_from_its_save(embedded_stack: EmbeddedStack) -> None:
    """By its name, with what nobody had committed."""
    stack = embedded_stack
    await stack.command("ws", "create", "lost", "--json")
    await stack.command("exec", "lost", "--", "sh", "-c", "echo unsaved > work")
    (save,) = (await stack.command("ws", "save", "lost", "--json")).json()
    assert (save["state"], save["cause"], save["untracked"]) == ("COMPLETE", "ON_DEMAND", 1)
    await stack.command("ws", "delete", "lost", "--json")
    table = (await stack.command("ws", "saves", "lost")).output
    assert str(save["saveId"]) in table
    (back,) = (await stack.command("ws", "restore", "lost", "--json")).json()
    assert (back["name"], back["state"]) == ("lost", "ACTIVE")
    assert (await stack.command("exec", "lost", "--", "cat", "work")).output == "unsaved\n"
    (deleted,) = (await stack.command("ws", "delete-save", str(save["saveId"]), "--json")).json()
    assert deleted["state"] == "DELETED"
    assert "nothing to clean up" in (await stack.command("ws", "clean-up", "--dry-run")).output


async def test_cli_undelete_of_a_name_that_two_had_asks_for_the_id(embedded_stack: EmbeddedStack) -> None:
    """Which of them is meant is not guessed; one id is enough."""
    stack, deleted = embedded_stack, set[str]()
    for _ in range(2):
        await stack.command("ws", "create", "twice", "--no-wait", "--json")
        (room,) = (await stack.command("ws", "delete", "twice", "--json")).json()
        deleted.add(str(room["workspaceId"]))
    refused = await stack.command("ws", "undelete", "twice")
    assert (refused.code, [one for one in deleted if one not in refused.errors]) == (4, [])
    missing = await stack.command("ws", "undelete", "never")
    assert (missing.code, "workspace list --deleted" in missing.errors) == (4, True)


async def test_cli_key_works_until_it_is_revoked(embedded_stack: EmbeddedStack) -> None:
    """Its secret is shown once, it may do what its scopes say, and its name is enough to revoke it."""
    stack = embedded_stack
    (made,) = (await stack.command("key", "create", "deploys", "--scope", "users.read", "--json")).json()
    (other,) = (await stack.command("key", "create", "builds", "--json")).json()
    assert made["scopes"] == ["users.read"]
    async with Client(Endpoint(stack.api.url, str(made["secret"]))) as client:
        assert (await client.get("/v1/users/me"))["handle"] == "owner"
        with pytest.raises(Refused, match="workspaces"):
            await client.get("/v1/workspaces")
    listed = await stack.command("key", "list", "--json")
    assert {made["apiKeyId"], other["apiKeyId"]} < {one["apiKeyId"] for one in listed.json()}
    assert str(made["secret"]) not in listed.output
    assert f"{made['keyPrefix']}  deploys" in (await stack.command("key", "list")).output
    (revoked,) = (await stack.command("key", "revoke", "deploys", "--json")).json()
    assert (revoked["apiKeyId"], revoked["state"]) == (made["apiKeyId"], "REVOKED")
    (revoked,) = (await stack.command("key", "revoke", str(other["keyPrefix"]), "--json")).json()
    assert revoked["apiKeyId"] == other["apiKeyId"]
    again = await stack.command("key", "revoke", "deploys")
    assert (again.code, "key list" in again.errors) == (4, True)


async def test_cli_revoke_of_a_name_that_two_keys_have_asks_for_the_id(embedded_stack: EmbeddedStack) -> None:
    """Which of them is meant is not guessed."""
    stack = embedded_stack
    made = [(await stack.command("key", "create", "twin", "--json")).json()[0]["apiKeyId"] for _ in range(2)]
    refused = await stack.command("key", "revoke", "twin")
    assert (refused.code, [one for one in made if str(one) not in refused.errors]) == (4, [])


async def test_cli_unknown_session_fails_with_a_sentence(embedded_stack: EmbeddedStack) -> None:
    """A refusal is exit code 4, one sentence, and no traceback."""
    finished = await embedded_stack.command("session", "show", "01890000-0000-7000-8000-000000000000", "--json")
    assert (finished.code, finished.output) == (4, "")
    assert "01890000-0000-7000-8000-000000000000" in finished.errors
    assert "Traceback" not in finished.errors


async def test_env_below_an_installation_tells_a_shell_where_all_is(
    embedded_stack: EmbeddedStack, tmp_path: Path
) -> None:
    """What `stateroom env` prints makes variables of a shell."""
    (tmp_path / ".stateroom").symlink_to(embedded_stack.data)
    environment = {
        name: value for name, value in embedded_stack.command_environment().items() if "STATEROOM" not in name
    }
    shell = await asyncio.create_subprocess_exec(
        *("/bin/sh", "-c", f'eval "$({sys.executable} -P -m cli.main env)"; echo "$STATEROOM_URL $STATEROOM_AUDIT"'),
        cwd=tmp_path,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
    )
    printed, _ = await shell.communicate()
    endpoint = embedded_stack.endpoint
    assert printed.decode().split() == [endpoint.gateway, endpoint.services["audit"]]


async def test_cli_attach_in_a_window_is_a_terminal(embedded_stack: EmbeddedStack, workspace_id: str) -> None:
    """Keys reach the shell, its size follows the window, the detach key leaves it running."""
    stack = embedded_stack
    (session,) = (await stack.command("session", "create", workspace_id, "--json")).json()
    arguments = ("session", "attach", str(session["sessionId"]))
    async with opened_window(stack.command_environment(), *arguments) as window:
        await window.until_shown(b"# ")
        window.resize(111, 37)
        window.press(b"until [ \"$(stty size)\" = '37 111' ]; do :; done; echo fol''lowed\r")
        await window.until_shown(b"followed")
        window.press(b"\x1d")
        assert await window.process.wait() == 0
    (shown,) = (await stack.command("session", "show", str(session["sessionId"]), "--json")).json()
    assert (shown["state"], shown["columns"], shown["rows"]) == ("ACTIVE", 111, 37)
    async with opened_window(stack.command_environment(), *arguments) as window:
        await window.until_shown(b"followed")
        window.press(b"exit 6\r")
        await window.until_shown(b"The session ended: exit code 6.")
        assert await window.process.wait() == 0
