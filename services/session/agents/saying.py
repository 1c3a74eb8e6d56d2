"""What is asked of an agent and what it answers, said in the context that its session belongs to."""

from collections.abc import AsyncIterator
from uuid import UUID

from stateroom.agent.v1 import agent_event_pb2 as pb

from chassis import ids
from chassis.database import Transaction
from services.session.agents.domain import Turn
from services.session.conversations.domain.context import Metadata, Role, Saying
from services.session.conversations.errors import ContextInWrongState, ContextNotFound
from services.session.conversations.operations import contexts
from services.session.sessions import queries
from services.session.sessions.domain import Session
from services.session.sessions.log import Range, RecordType

_LONGEST = 65_536
"""Characters of one message; a longer answer is several."""


async def say_prompt(tx: Transaction, session: Session, prompt: pb.Prompt, author: pb.Author) -> None:
    """Say what somebody asked."""
    person = ids.parse(author.user_id) if not author.user_id.startswith("service:") else None
    await _say(tx, session, Role.USER, person, prompt.text)


async def say_answer(tx: Transaction, session: Session, turn: Turn, end: int) -> None:
    """Say what the agent answered in a turn whose end has the sequence `end`; nothing where it said nothing."""
    if "context_id" in session.agent:
        text = "".join([piece async for piece in _answer(tx, session, turn.sequence, end)]).strip()
        for start in range(0, len(text), _LONGEST):
            await _say(tx, session, Role.ASSISTANT, session.session_id, text[start : start + _LONGEST])


async def _answer(tx: Transaction, session: Session, after: int, end: int) -> AsyncIterator[str]:
    """Yield the pieces of what the agent said between two places; what it did in between separates paragraphs."""
    went_on = True
    while records := await queries.list_records(
        tx.connection,
        session_id=session.session_id,
        wanted=Range(after, end, types=frozenset({RecordType.AGENT})),
        limit=queries.PAGE_EVENTS,
    ):
        for record in records:
            event = pb.AgentEvent.FromString(record.data)
            said = event.WhichOneof("event") == "message" and not event.message.from_person
            if said and not event.message.replayed:
                yield event.message.text if went_on else f"\n\n{event.message.text}"
            went_on = said
        after = records[-1].sequence


async def _say(tx: Transaction, session: Session, role: Role, author_id: UUID | None, text: str) -> None:
    """Say something. A context that is over hears no more; the session's log has it all the same."""
    context_id, content = session.agent.get("context_id"), text.replace("\0", "")
    if not context_id or not content.strip():
        return
    try:
        await contexts.create_message(
            tx, context_id=UUID(context_id), saying=Saying(role, author_id, content, Metadata())
        )
    except (ContextInWrongState, ContextNotFound):
        return
