"""Secrets that went through a whole installation are in none of its files and no process shows them."""

from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import httpx2

from chassis import ids
from cli.attachment import Wish
from cli.client import Client
from tests.support.embedded_stack import EmbeddedStack
from tests.support.left_over import processes_naming
from tests.support.sessions import attached, ended, opened_session, shown
from tests.support.waiting import until


def _forms(secret: str) -> list[bytes]:
    raw = secret.encode()
    return [raw, raw.hex().encode(), b64encode(raw).rstrip(b"=")]


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def _found(stack: EmbeddedStack, secrets: dict[str, str]) -> list[str]:
    """Return where a secret lies: files of the installation, arguments and environments of its processes."""
    found = []
    places = list(_files(stack.folder))
    places += [Path(f"/proc/{pid}/{what}") for pid in processes_naming(stack.folder) for what in ("cmdline", "environ")]
    for place in places:
        try:
            content = place.read_bytes()
        except OSError:  # it ended, or was dropped, meanwhile
            continue
        found += [
            f"{name} in {place}" for name, secret in secrets.items() if any(form in content for form in _forms(secret))
        ]
    return found


async def test_secrets_after_their_use_are_nowhere(
    embedded_stack: EmbeddedStack, client: Client, workspace_id: str
) -> None:
    """A key, a variable, a typed password and credentials in refused requests leave no trace; other text does."""
    stack, mark = embedded_stack, ids.new().hex
    secrets = {name: f"{name}-{mark}" for name in ("variable", "password", "in-url", "wrong-key")}
    secrets["key"] = str((await client.post("/v1/apiKeys", {"name": "canary"}))["secret"])
    public = f"public-{mark}"
    async with httpx2.AsyncClient(base_url=stack.api.url) as http:
        refused = await http.get("/v1/workspaces", headers={"Authorization": f"Bearer {secrets['wrong-key']}"})
        assert refused.status_code == 401
        url = f"https://me:{secrets['in-url']}@example.com/a.git"
        key = {"Authorization": f"Bearer {secrets['key']}"}
        assert (await http.get(f"/v1/workspaces/{secrets['key']}")).status_code == 400
        encoded = secrets["key"].replace("_", "%5F")
        assert (await http.get(f"/v1/workspaces/{encoded}", headers={"User-Agent": secrets["key"]})).status_code == 401
        assert (
            await http.post("/v1/workspaces", json={"name": "a", "repositoryUrl": url}, headers=key)
        ).status_code == 400
        assert (await http.get("/v1/workspaces", headers=key)).status_code == 200
    async with (
        opened_session(client, workspace_id, environment={"CANARY": secrets["variable"]}) as session_id,
        attached(stack.api, Wish(session_id, role="CONTROLLER")) as device,
    ):
        await device.device.type(b"read -rsp 'pass''word: ' typed; echo; echo got ${#typed} $((6 * 7))\n")
        await shown(device, b"password: ")
        await device.device.type(f"{secrets['password']}\n".encode())
        await shown(device, f"got {len(secrets['password'])} 42".encode())
        await device.device.type(f"unset CANARY; echo {public}; exec true\n".encode())
        await shown(device, public.encode())

    async def public_is_stored() -> bool:
        return any("postgres" in place for place in _found(stack, {"public": public}))

    await until(public_is_stored)
    assert _found(stack, secrets) == []


async def test_masked_secrets_that_are_printed_are_nowhere(
    embedded_stack: EmbeddedStack, client: Client, workspace_id: str
) -> None:
    """Printed as they are, in parts and encoded, those of its creation and one that was registered later."""
    stack, mark = embedded_stack, ids.new().hex
    secrets = {"TOKEN": f"token/{mark}", "LATER": f"token/{mark}"[::-1]}
    environment = {"TOKEN": secrets["TOKEN"], "PLAIN": "visible"}
    wishes: dict[str, object] = {"environment": environment, "secretNames": ["TOKEN"]}
    async with (
        opened_session(client, workspace_id, **wishes) as session_id,
        attached(stack.api, Wish(session_id, role="CONTROLLER")) as device,
    ):
        value = b64encode(secrets["LATER"].encode()).decode()
        path = f"/v1/sessions/{session_id}"
        session = await client.post(f"{path}:registerSecret", {"name": "LATER", "value": value})
        assert session["secretNames"] == ["LATER", "TOKEN"]
        await device.device.type(
            b"echo one:$TOKEN:$PLAIN; printf 'a:%s' $TOKEN | base64 -w0; echo\n"
            b"printf %s $TOKEN | od -An -tx1 -w99 | tr -d ' '\n"
            b"for c in $(echo $TOKEN | rev | grep -o .); do printf %s $c; done; echo :two; unset TOKEN; exit\n"
        )
        await shown(device, b"[secret LATER]:two")
        await ended(device)
        printed = bytes(device.data)
    assert b"one:[secret TOKEN]:visible" in printed
    assert printed.count(b"[secret ") >= 4
    for form in ("CAST", "TEXT", "NDJSON"):
        exported = (await stack.command("session", "export", session_id, "--format", form.lower())).output
        assert not any(part.decode() in exported for secret in secrets.values() for part in _forms(secret))
    assert not any(part in printed for secret in secrets.values() for part in _forms(secret))
    assert _found(stack, secrets) == []


async def test_cli_registers_a_secret_from_standard_input(embedded_stack: EmbeddedStack, workspace_id: str) -> None:
    """It never stands in arguments; one that is too short is refused."""
    stack, secret = embedded_stack, f"hush-{ids.new().hex}".encode()
    (session,) = (await stack.command("session", "create", workspace_id, "--json")).json()
    identity = str(session["sessionId"])
    (masked,) = (await stack.command("session", "mask", identity, "KEY", "--json", stdin=secret + b"\n")).json()
    assert masked["secretNames"] == ["KEY"]
    refused = await stack.command("session", "mask", identity, "KEY", stdin=b"short")
    assert refused.code == 4
    typed = await stack.command("session", "attach", identity, stdin=b"echo " + secret + b"; exit\n")
    assert ("[secret KEY]" in typed.output, secret.decode() in typed.output) == (True, False)
