"""After a start with new code: every runner goes on with it, and no shell ends for that."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

from stateroom.runner.v1 import runner_service_pb2 as runner_pb

from chassis import logs
from chassis.errors import DomainError, ServiceUnavailable, Unavailable
from services.workspace.placement.handles import RunnerHandle
from services.workspace.placement.placement import START_DEADLINE, Placement

_AT_ONCE = 2
"""Upgrades at the same time: each costs about a second of a processor, and people wait for the others."""

_CHECK_DEADLINE = 40.0  # seconds for a runner to find out whether the installed code can take over
_LOOK_AGAIN = 0.1  # seconds between looks at a runner that is about to change

_log = logs.get("upgrades")


@dataclass(frozen=True, slots=True)
class Upgrades:
    """Upgrades the runners of this machine."""

    placement: Placement
    living: Callable[[], Awaitable[list[tuple[UUID, UUID]]]]
    """Gives the runners that live or start, each with its workspace."""

    async def run(self) -> None:
        """Ask each runner once. One that cannot upgrade is logged and stays as it is."""
        turn = asyncio.Semaphore(_AT_ONCE)
        async with asyncio.TaskGroup() as group:
            for runner_id, workspace_id in await self.living():
                group.create_task(self._take_turn(turn, runner_id, workspace_id))

    async def _take_turn(self, turn: asyncio.Semaphore, runner_id: UUID, workspace_id: UUID) -> None:
        async with turn, self.placement.kept(runner_id, workspace_id) as runner:
            try:
                upgraded = await _upgrade(runner)
            except DomainError as exc:
                _log.warning("runner not upgraded", runner_id=str(runner_id), error=exc.message)
            else:
                _log.info("runner met", runner_id=str(runner_id), upgraded=upgraded)


async def _upgrade(runner: RunnerHandle) -> bool:
    """Have a runner become the installed code; return once that serves, and whether it was other code."""
    before = await _version(runner)
    answer = await runner.peer.call(runner.stub.Upgrade, runner_pb.UpgradeRequest(), timeout=_CHECK_DEADLINE)
    if not answer.upgrading:
        return False
    give_up_time = time.monotonic() + START_DEADLINE
    while time.monotonic() < give_up_time:
        try:
            if await _version(runner) != before:
                return True
        except Unavailable:
            continue
        await asyncio.sleep(_LOOK_AGAIN)
    raise ServiceUnavailable(service="runner")


async def _version(runner: RunnerHandle) -> str:
    status: runner_pb.Status = await runner.peer.call(runner.stub.GetStatus, runner_pb.GetStatusRequest())
    return status.version
