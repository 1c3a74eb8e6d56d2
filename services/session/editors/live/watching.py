"""Watching the files that are open in editors, while somebody follows those."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from uuid import UUID

from stateroom.file.v1.file_pb2 import FileChanges

from chassis import cancellation, logs
from chassis.actor import Actor
from chassis.database import Database
from chassis.errors import DomainError, InvalidArgument, PermissionDenied, WrongState
from services.session.editors import queries
from services.session.editors.domain import Buffer
from services.session.editors.live.saving import Saving
from services.session.sessions.domain import Session
from services.session.sessions.live.background import Background

_AGAIN = 2.0
"""Seconds between two tries of a watch, and so between two looks at files where there is none."""
_UNREADABLE = (InvalidArgument, PermissionDenied, WrongState)
"""What is told of one file that cannot be looked at, and is no reason not to look at the others."""

_log = logs.get("editors")


@dataclass(slots=True)
class _Watch:
    task: asyncio.Task[None]
    followers: int = 0


@dataclass(frozen=True, slots=True)
class Watching:
    """The watches of this process, one for each editor that somebody follows here."""

    database: Database
    saving: Saving
    background: Background
    watches: dict[UUID, _Watch] = field(default_factory=dict)

    @asynccontextmanager
    async def on(self, session: Session) -> AsyncIterator[None]:
        """Watch the files of an editor for a block."""
        watch = self.watches.get(session.session_id)
        if watch is None:
            watch = self.watches[session.session_id] = _Watch(self.background.spawn(self._run(session)))
        watch.followers += 1
        try:
            yield
        finally:
            watch.followers -= 1
            if not watch.followers:
                del self.watches[session.session_id]
                watch.task.cancel()

    async def _run(self, session: Session) -> None:
        while True:
            cancellation.heed()
            try:
                with suppress(DomainError):  # the room is away, or gives no watch: look now and then
                    await self._watch(session)
                with suppress(DomainError):
                    await self._look(await self._open(session))
            except Exception as exc:  # noqa: BLE001  # the fault of one editor must not end the others
                _log.error("a watch failed, beginning again", session_id=str(session.session_id), exc_info=exc)
            await asyncio.sleep(_AGAIN)

    async def _watch(self, session: Session) -> None:
        is_first = True
        async for changes in self.saving.files.changes(session.account_id, session.workspace_id):
            buffers = await self._open(session)
            everything = is_first or changes.overflow
            await self._look(buffers if everything else _touched(buffers, changes))
            is_first = False

    async def _open(self, session: Session) -> list[Buffer]:
        actor = Actor.of_service("session", session.account_id)
        return await self.database.read(actor, queries.open_buffers, session_id=session.session_id)

    async def _look(self, buffers: Iterable[Buffer]) -> None:
        for buffer in buffers:
            with suppress(*_UNREADABLE):
                await self.saving.look(buffer)


def _touched(buffers: Iterable[Buffer], changes: FileChanges) -> list[Buffer]:
    """Return those whose file, or a directory above it, changed."""
    changed = {change.path for change in changes.changes}
    return [buffer for buffer in buffers if not changed.isdisjoint(_ways(buffer.path))]


def _ways(path: str) -> Iterable[str]:
    parts = path.split("/")
    return ("/".join(parts[:depth]) for depth in range(1, len(parts) + 1))
