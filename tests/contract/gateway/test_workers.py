"""Several processes behind one port, which look like one from outside."""

import asyncio
import os
import signal
from pathlib import Path

import httpx2
import pytest

from embedded.ports import free_port
from tests.support.gateway_process import running_gateway
from tests.support.waiting import PATIENCE, until

pytestmark = pytest.mark.asyncio(loop_scope="session")

COUNT = 2


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _workers(pid: int) -> set[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return {int(child) for child in children if _is_alive(int(child))}


async def _answers(listen: str) -> bool:
    try:
        async with httpx2.AsyncClient(base_url=f"http://{listen}") as client:
            return (await client.get("/healthz")).status_code == 200
    except httpx2.TransportError:
        return False


async def test_worker_killed_is_replaced_and_calls_go_on(tmp_path: Path) -> None:
    """After both first workers were killed in turn, their successors serve the port, and each its own metrics."""
    metrics = free_port(count=COUNT)
    settings = {"WORKERS": str(COUNT), "METRICS_LISTEN": f"127.0.0.1:{metrics}"}
    async with running_gateway(tmp_path, "127.0.0.1:1", **settings) as (listen, process):
        first = _workers(process.pid)
        assert len(first) == COUNT
        for victim in first:
            before = _workers(process.pid)
            os.kill(victim, signal.SIGKILL)

            async def replaced(before: set[int] = before) -> bool:
                return len(_workers(process.pid)) == COUNT and _workers(process.pid) != before

            await until(replaced)
            await until(lambda: _answers(listen))
        for number in range(COUNT):
            await until(lambda number=number: _answers(f"127.0.0.1:{metrics + number}"))  # type: ignore[misc]  # bound now
        last = _workers(process.pid)
        assert not last & first
        process.terminate()
        assert await asyncio.wait_for(process.wait(), PATIENCE) == 0
        assert not [pid for pid in last if _is_alive(pid)]


async def test_supervisor_killed_leaves_no_workers(tmp_path: Path) -> None:
    """Workers whose supervisor is gone end by themselves, and give the port back."""
    async with running_gateway(tmp_path, "127.0.0.1:1", WORKERS=str(COUNT)) as (_, process):
        workers = _workers(process.pid)
        assert len(workers) == COUNT
        process.kill()
        await process.wait()

        async def gone() -> bool:
            return not any(_is_alive(pid) for pid in workers)

        await until(gone)
