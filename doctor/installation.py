"""How an installation of this machine is that a supervisor runs."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import httpx2

from cli import program
from doctor import figures
from doctor.finding import Finding
from embedded import endpoint, lock
from embedded.status import GOOD, parts_of

_ANSWERS = 5.0  # seconds


async def findings(data: Path) -> list[Finding]:
    """Look at the installation in a folder."""
    found = endpoint.read(data / "endpoint.json")
    if found is None or not lock.is_held(data):
        advice = f"`{program.name()} up` starts an installation"
        return [Finding.degraded("installation", f"nothing runs in {data}", advice)]
    states = [_state(data, part) for part in await parts_of(found)]
    return [*states, *await _figures(data, found.metrics)]


def _state(data: Path, part: Mapping[str, object]) -> Finding:
    name, state = str(part["part"]), str(part["state"])
    if state in GOOD:
        return Finding.good(name, state)
    return Finding.missing(name, state, f"see {data / 'logs' / f'{name}.log'}")


async def _figures(data: Path, urls: Mapping[str, str]) -> list[Finding]:
    """Return what the metrics of processes say is wrong, by their names and where those are."""
    wrong: list[Finding] = []
    async with httpx2.AsyncClient(timeout=_ANSWERS, trust_env=False) as client:
        pages = await asyncio.gather(*(_page(client, url) for url in urls.values()))
    for part, page in zip(urls, pages, strict=True):
        if page is None:
            advice = f"see {data / 'logs' / f'{part}.log'}"
            wrong.append(Finding.degraded(part, "its metrics cannot be read", advice))
        else:
            wrong += figures.judged(part, page)
    return wrong


async def _page(client: httpx2.AsyncClient, url: str) -> str | None:
    try:
        return (await client.get(url)).text
    except httpx2.HTTPError:
        return None
