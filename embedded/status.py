"""What runs of an installation, how it is, and where its metrics are."""

import argparse
import json

import httpx2

from chassis import processes
from cli import program
from embedded import lock
from embedded.endpoint import Endpoint, read
from embedded.progress import Progress

NOT_READY = 1
"""Exit code when a part does not run or should not be called."""

_ANSWERS = 5.0  # seconds
GOOD = {"RUNNING", "SERVING"}
"""States of parts that do what they should."""


async def status(options: argparse.Namespace, progress: Progress) -> int:
    """Print a line for each part of the folder's installation."""
    endpoint = read(options.data / "endpoint.json")
    if endpoint is None or not lock.is_held(options.data):
        progress.say(f"Nothing runs in {options.data}; `{program.name()} up` starts an installation.")
        return NOT_READY
    parts = await parts_of(endpoint)
    # In one piece: a reader that goes away after its first lines, such as `head`, is not an error.
    progress.say("\n".join(json.dumps(part) if options.json else _line(part) for part in parts))
    return 0 if all(part["state"] in GOOD for part in parts) else NOT_READY


_COLUMNS = {"part": 10, "state": 11, "pid": 8, "address": 22, "metrics": 0}


def _line(part: dict[str, object]) -> str:
    return "  ".join(f"{part[key]!s:{width}}" for key, width in _COLUMNS.items()).rstrip()


async def parts_of(endpoint: Endpoint) -> list[dict[str, object]]:
    """Return each part with its state, and where it is reached."""
    states = await _states(endpoint)
    addresses = {"gateway": endpoint.gateway, **endpoint.services}
    return [
        {
            "part": name,
            "state": states.get(name, "RUNNING") if processes.find(pid) else "GONE",
            "pid": pid,
            "address": addresses.get(name, ""),
            "metrics": endpoint.metrics.get(name, ""),
        }
        for name, pid in endpoint.pids.items()
    ]


async def _states(endpoint: Endpoint) -> dict[str, str]:
    """Return what the gateway says of itself and of each service."""
    async with httpx2.AsyncClient(timeout=_ANSWERS, trust_env=False) as client:
        try:
            answer = (await client.get(f"{endpoint.gateway}/readyz")).json()
        except httpx2.TransportError:
            return {"gateway": "UNREACHABLE"}
    return {"gateway": "SERVING", **answer.get("services", {"gateway": answer["status"]})}
