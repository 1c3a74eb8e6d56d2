"""Following a conversation: what is there, then what comes, read again each time the bell rings."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from uuid import UUID

from chassis.actor import Actor
from chassis.bell import Bell
from chassis.database import Database
from services.session.conversations import queries
from services.session.conversations.domain.context import Message, State

_BATCH = 100  # messages read at once


@dataclass(frozen=True, slots=True)
class Followers:
    """Reads on for those who follow conversations."""

    database: Database
    bell: Bell

    async def messages(self, actor: Actor, context_id: UUID, after: int) -> AsyncIterator[Message]:
        """Yield what is said in a context after a sequence, until nothing more can be. ContextNotFound."""
        async with aclosing(self.bell.looks(context_id)) as looks:
            async for _ in looks:
                # Before the messages, so that none is said in between.
                context = await self.database.read(actor, queries.get_context, context_id=context_id)
                while found := await self._more(actor, context_id, after):
                    for message in found:
                        yield message
                    after = found[-1].sequence
                if context.state is State.COMPLETED or context.delete_time is not None:
                    return

    async def _more(self, actor: Actor, context_id: UUID, after: int) -> list[Message]:
        return await self.database.read(actor, queries.list_messages, context_id=context_id, after=after, limit=_BATCH)
