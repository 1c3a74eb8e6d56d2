"""The compose file: what it says fits together, and what it starts is an installation."""

import tempfile
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.support import compose, warm_command
from tests.support.compose import Composed

SERVICES = compose.read()["services"]


@pytest.mark.parametrize("name", SERVICES)
def test_compose_service_is_confined(name: str) -> None:
    """Nothing is writable but volumes and /tmp, nothing is privileged, and only the gateway is reached from outside."""
    service = SERVICES[name]
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    published = service.get("ports", [])
    assert published == (["127.0.0.1:8080:8080"] if name == "gateway" else [])
    keys = [volume for volume in service.get("volumes", []) if volume.startswith("keys")]
    assert keys == [f"keys-{name}:/etc/stateroom/keys:ro"] or name == "keys"


def test_compose_volumes_are_declared_and_used() -> None:
    """A volume that nobody declared, and one that nobody uses, is a mistake."""
    used = {volume.split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])}
    assert used == set(compose.read()["volumes"])


async def test_compose_up_sign_up_workspace_and_command_work() -> None:
    """The file's own commands, in its environment and order, are an installation in which a command runs in a room."""
    with tempfile.TemporaryDirectory(prefix="sr-test-") as scratch:
        composed = Composed(Path(scratch))
        try:
            await composed.up("gateway")
            environment = {"STATEROOM_URL": composed.url, "STATEROOM_API_KEY": await _signed_up(composed)}
            assert await _command(environment, composed, "workspace", "create", "room")
            assert await _command(environment, composed, "exec", "room", "--", "echo", "hello") == "hello\n"
        finally:
            await composed.down()


async def _signed_up(composed: Composed) -> str:
    token = (composed.volume("keys-workspace") / "bootstrap.token").read_text()
    async with httpx2.AsyncClient(base_url=composed.url, trust_env=False) as client:
        answer = await client.post("/v1/users", json={"user": {"handle": "owner"}, "bootstrapToken": token})
        created: dict[str, Any] = answer.raise_for_status().json()
    return str(created["secret"])


async def _command(environment: dict[str, str], composed: Composed, *arguments: str) -> str:
    code, output, errors = await warm_command.run(arguments, environment, composed.folder, b"")
    assert code == 0, errors.decode() + composed.said("workspace")
    return output.decode()
