"""The size that a device gives its session: the newest counts, and those that came while it was applied never did."""

import asyncio
from contextlib import suppress

from chassis.actor import Actor
from chassis.errors import DomainError, Unavailable
from services.session.sessions import operations
from services.session.sessions.domain import Session
from services.session.sessions.errors import SessionNotActive
from services.session.sessions.live.desk import Desk

_RETRY = 0.5  # seconds after which a size that could not be stored is tried again


class Window:
    """Sizes a session on behalf of one device."""

    def __init__(self, desk: Desk, actor: Actor, session: Session) -> None:
        self._desk = desk
        self._actor = actor
        self._session = session
        self._wanted: tuple[int, int] | None = None
        self._applying: asyncio.Task[None] | None = None

    def resize(self, columns: int, rows: int) -> None:
        """Have the session resized soon; nobody waits for it."""
        self._wanted = (columns, rows)
        if self._applying is None or self._applying.done():
            self._applying = self._desk.background.spawn(self._apply_newest())

    def close(self) -> None:
        """Resize no more."""
        if self._applying is not None:
            self._applying.cancel()
        self._applying = None

    async def apply(self, columns: int, rows: int) -> Session:
        """Change the session's size, if it is another; a session that just ended keeps its own.

        The reconciler makes up for a runner that is away.
        """
        with suppress(SessionNotActive):
            self._session = await self._desk.database.write(
                self._actor,
                operations.resize_session,
                session_id=self._session.session_id,
                columns=columns,
                rows=rows,
                etag="",
            )
            with suppress(DomainError):
                await self._desk.reconciliation.apply(self._session)
        return self._session

    async def _apply_newest(self) -> None:
        applied: tuple[int, int] | None = None
        while self._wanted is not None and self._wanted != applied:
            wanted = self._wanted
            try:
                await self.apply(*wanted)
            except Unavailable:
                await asyncio.sleep(_RETRY)
            except DomainError:  # others resize the session as well, and one of them won
                applied = wanted
            else:
                applied = wanted
