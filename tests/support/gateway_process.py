"""The real gateway as a process of its own, in front of whatever address it is given."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
from joserfc.jwk import OKPKey

from embedded.ports import free_port
from tests.support.waiting import PATIENCE

LOG = "gateway.log"


def write_keys(folder: Path) -> dict[str, str]:
    """Write a key pair for the gateway; returns the settings that name its files."""
    key = OKPKey.generate_key("Ed25519")
    (folder / "key.json").write_text(json.dumps(key.as_dict(private=True)))
    (folder / "trust.json").write_text(json.dumps({"keys": [key.as_dict(private=False)]}))
    return {"SIGNING_KEY_FILE": str(folder / "key.json"), "TRUST_KEYS_FILE": str(folder / "trust.json")}


@asynccontextmanager
async def running_gateway(
    folder: Path, address: str, **settings: str
) -> AsyncIterator[tuple[str, asyncio.subprocess.Process]]:
    """Run the gateway until the block ends; gives `host:port` and the process, and stops it by SIGTERM.

    What it logs is in `gateway.log` in the folder.
    """
    listen = f"127.0.0.1:{free_port()}"
    environment = {
        "PYTHONPATH": ":".join(path for path in sys.path if path),
        "HTTP_LISTEN": listen,
        "DRAIN_SECONDS": "0",
        **{f"{name}_ADDRESS": address for name in ("WORKSPACE", "SESSION", "EXECUTION", "AUDIT")},
        **write_keys(folder),
        **settings,
    }
    with (folder / LOG).open("ab") as log:
        process = await asyncio.create_subprocess_exec(sys.executable, "-m", "gateway", env=environment, stderr=log)
    try:
        await _answers(f"http://{listen}/healthz", process, folder / LOG)
        yield listen, process
    finally:
        if process.returncode is None:
            process.terminate()
        await asyncio.wait_for(process.wait(), PATIENCE)


async def _answers(url: str, process: asyncio.subprocess.Process, log: Path) -> None:
    async with asyncio.timeout(PATIENCE), httpx2.AsyncClient(timeout=PATIENCE) as client:
        while process.returncode is None:
            try:
                await client.get(url)
            except httpx2.ConnectError:
                await asyncio.sleep(0)
            else:
                return
    msg = f"the gateway exited with {process.returncode}: {log.read_text()}"
    raise RuntimeError(msg)
