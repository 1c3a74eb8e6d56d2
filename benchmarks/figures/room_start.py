"""A room that is a Pod, from the wish for a workspace until its first prompt: how much of that is ours.

The API server of the tests runs the Pod as a process at once. Not ours is what passes between the patch that lets the
Pod be scheduled and the Pod being ready: in a cluster the scheduler, the disk, the image and the runner's process take
that. All else is: what is asked of the API server before, and afterwards the connection, the empty repository, the
session, the shell and its prompt.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from benchmarks.installation import Installation
from benchmarks.row import Row, at_most, percentile
from tests.support.cluster.cluster import NAMESPACE
from tests.support.cluster.home import Home, open_home
from tests.support.cluster.objects import Object, Objects
from tests.support.nats import running_nats
from tests.support.postgres import running_postgres
from tests.support.product import migrate_template
from tests.support.waiting import running

ROUNDS = 8
"""With the first, almost all workspaces that a person may have."""
LIMIT = 500.0
"""Milliseconds."""


async def measure(_running: Installation) -> list[Row]:
    """Make rooms one after the other, in an installation of their own."""
    async with _home() as home:
        seen = _Seen(home.cluster.objects)
        async with running(seen.follow):
            await _start(home, seen)  # the first one opens connections
            starts = [await _start(home, seen) for _ in range(ROUNDS)]
    whole, theirs = ([start[part] * 1000 for start in starts] for part in (0, 1))
    ours = [start[0] * 1000 - start[1] * 1000 for start in starts]
    return [
        Row("start of a room's Pod until its first prompt p50", "ms", percentile(whole, 50)),
        Row("  of it until the Pod is ready p50", "ms", percentile(theirs, 50)),
        Row("  our share p50", "ms", percentile(ours, 50)),
        at_most(Row("  our share, the longest", "ms", max(ours)), LIMIT),
    ]


@dataclass(slots=True)
class _Seen:
    """When Pods were first seen without a gate, and ready, by their names."""

    objects: Objects
    opened: dict[str, float] = field(default_factory=dict)
    ready: dict[str, float] = field(default_factory=dict)
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def follow(self) -> None:
        """Follow all Pods."""
        async for change in self.objects.watch("pods", NAMESPACE, self.objects.version):
            name, now = change.found["metadata"]["name"], time.perf_counter()
            if not change.found["spec"].get("schedulingGates"):
                self.opened.setdefault(name, now)
            if _is_ready(change.found):
                self.ready.setdefault(name, now)
            async with self.changed:
                self.changed.notify_all()


async def _start(home: Home, seen: _Seen) -> tuple[float, float]:
    """Return the seconds until the prompt, and those of the cluster in them."""
    began = time.perf_counter()
    room = await home.person.settled(await home.person.create_room())
    await home.printed(await home.open(room), room.name.encode())  # its prompt has its name
    whole, name = time.perf_counter() - began, f"room-{room.workspace_id}"
    async with asyncio.timeout(10), seen.changed:  # its probe may come later than the prompt
        await seen.changed.wait_for(lambda: name in seen.ready)
    end = min(seen.ready[name], began + whole)
    return whole, end - seen.opened[name]


@asynccontextmanager
async def _home() -> AsyncIterator[Home]:
    async with running_postgres() as postgres, running_nats() as nats:
        await migrate_template(postgres)
        async with open_home(postgres, nats) as home:
            yield home


def _is_ready(pod: Object) -> bool:
    conditions = (pod.get("status") or {}).get("conditions", ())
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
