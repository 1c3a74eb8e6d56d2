"""Connections of people and browsers to the servers of previews."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Protocol
from uuid import UUID

from stateroom.session.v1 import preview_service_pb2 as pb

from chassis.actor import Actor
from chassis.beside import beside
from chassis.database import Database
from chassis.errors import Unavailable
from services.session.previews import operations, queries
from services.session.previews.errors import PreviewConnectionLimitReached
from services.session.previews.live.tunnels import Tunnel, Tunnels

RECHECK_SECONDS = 2.0
"""How often an open connection is looked at, so that it ends within five after what it depends on."""
NOTED_EVERY = 10.0
"""Seconds between two notes that somebody visits a preview; shorter by far than the time for which one counts."""


class Bytes(Protocol):
    """A message with bytes for a server."""

    content: bytes


@dataclass(slots=True)
class Connections:
    """Connects to the servers of previews."""

    database: Database
    tunnels: Tunnels
    limit: int
    """Connections that a preview may have open in this process."""
    _open: Counter[UUID] = field(default_factory=Counter)
    _visits: dict[UUID, float] = field(default_factory=dict)
    """When a preview's visitors were noted last."""

    async def serve(
        self,
        actor: Actor,
        preview_id: UUID,
        sent: AsyncIterator[Bytes],
        allowed: Callable[[], Awaitable[object]] | None = None,
    ) -> AsyncGenerator[pb.ConnectPreviewResponse, None]:
        """Carry bytes both ways until the server closes its side or the preview stops.

        Args:
            actor: acts in the preview's account.
            preview_id: the preview.
            sent: what the caller sends.
            allowed: raises once the caller may not go on.

        Raises:
            PreviewNotFound, PreviewStopped, PreviewConnectionLimitReached: it is not connected, or not any more.
            PortNotOpen: nothing listens.
        """
        preview = await self.database.read(actor, queries.get_preview, preview_id=preview_id)
        preview.expect_reachable()

        async def look() -> None:
            await self._note_visit(actor, preview_id)
            (await self.database.read(actor, queries.get_preview, preview_id=preview_id)).expect_reachable()
            if allowed is not None:
                await allowed()

        with self._counted(preview_id):
            async with self.tunnels.open(preview.account_id, preview.workspace_id, preview.port) as tunnel:
                await self._note_visit(actor, preview_id)
                yield pb.ConnectPreviewResponse(connected=pb.ConnectPreviewResponse.Connected())
                async with beside(_pass_on(sent, tunnel), _until_over(look)):
                    while data := await tunnel.read():
                        yield pb.ConnectPreviewResponse(content=data)

    async def _note_visit(self, actor: Actor, preview_id: UUID) -> None:
        """Store that somebody is here, once in a while: a page makes a hundred connections."""
        now = time.monotonic()
        self._visits = {visited: then for visited, then in self._visits.items() if now < then + NOTED_EVERY}
        if preview_id not in self._visits:
            self._visits[preview_id] = now
            await self.database.write(replace(actor, repeat=None), operations.note_visit, preview_id=preview_id)

    @contextmanager
    def _counted(self, preview_id: UUID) -> Iterator[None]:
        if self._open[preview_id] >= self.limit:
            raise PreviewConnectionLimitReached(self.limit)
        self._open[preview_id] += 1
        try:
            yield
        finally:
            self._open[preview_id] -= 1
            if not self._open[preview_id]:
                del self._open[preview_id]


async def _pass_on(sent: AsyncIterator[Bytes], tunnel: Tunnel) -> None:
    async for message in sent:
        if not await tunnel.write(message.content):
            return
    await tunnel.close_writing()


async def _until_over(look: Callable[[], Awaitable[None]]) -> None:
    """Look again and again until that raises. A neighbour that does not answer proves nothing, and ends nothing."""
    while True:
        await asyncio.sleep(RECHECK_SECONDS)
        with suppress(Unavailable):
            await look()
