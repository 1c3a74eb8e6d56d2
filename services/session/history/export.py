"""A log on its way into a file: a page is read, made into bytes in a thread, and sent before the next is read."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass

from chassis.actor import Actor
from chassis.database import Database
from services.session.history import forms, queries
from services.session.history.domain import Form, Recording, Wish
from services.session.sessions.errors import OffsetOutOfRange
from services.session.sessions.log import Record


@dataclass(frozen=True, slots=True)
class Piece:
    """Some bytes of a file."""

    form: Form
    data: bytes


async def export(database: Database, actor: Actor, wish: Wish) -> AsyncGenerator[Piece, None]:
    """Yield a file's bytes, from the offset on, to the end of what is stored now; there is at least one piece.

    The file is made from its beginning whatever the offset, since each part depends on those before.

    Raises:
        SessionNotFound: the account has no such session.
        LogExpired: its log was let go.
        OffsetOutOfRange: the file has fewer bytes.
    """
    recording = await database.read(actor, queries.get_recording, session_id=wish.session_id)
    form = forms.form_of(wish, recording)
    end, is_empty = 0, True
    async for data in _parts(database, actor, recording, form):
        begin, end = end, end + len(data)
        if end > wish.offset:
            is_empty = False
            yield Piece(form, data[max(wish.offset - begin, 0) :])
    if end < wish.offset:
        raise OffsetOutOfRange(wish.offset, end)
    if is_empty:
        yield Piece(form, b"")


async def _parts(database: Database, actor: Actor, recording: Recording, form: Form) -> AsyncIterator[bytes]:
    session, last = recording.session, recording.last_sequence
    yield form.begin()
    after: Record | None = None
    while records := await database.read(actor, queries.read_records, session=session, after=after, last=last):
        yield await asyncio.to_thread(_made, form, records)
        after = records[-1]
    if recording.session.log_complete:
        yield form.end()


def _made(form: Form, records: Sequence[Record]) -> bytes:
    return b"".join(map(form.add, records))
