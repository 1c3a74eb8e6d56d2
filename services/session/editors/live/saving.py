"""Opening, saving and reverting: what crosses between a buffer's row and its file."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, replace
from uuid import UUID

from chassis import faults
from chassis.actor import Actor
from chassis.database import Database
from chassis.errors import DomainError, TransactionConflict, Unavailable
from services.session.editors import queries
from services.session.editors.domain import Buffer, FileState, Place
from services.session.editors.errors import FileChangedOutside
from services.session.editors.live.files import ABSENT, Files
from services.session.editors.operations import editing, saving
from services.session.sessions.queries import get_session

_NOT_THE_ONE = {"ETAG_MISMATCH", "FILE_ALREADY_EXISTS"}
"""What a runner says when the file is not the one that the buffer knows."""
_TRIES = 10
"""Of a save that other devices' saves of the same buffer overtake."""
_SOON = 0.05  # seconds between looks at a file that is being saved

_AFTER_WRITE = faults.Point("editors.after_write", "The text is in the file, and its buffer does not know.")


@dataclass(frozen=True, slots=True)
class Saving:
    """Reads and writes the files of buffers."""

    database: Database
    files: Files

    async def open(self, actor: Actor, session_id: UUID, path: str, *, allow_missing: bool) -> Buffer:
        """Open a file; one that is open in the session is returned as it is, even if the room is away.

        Raises what keeps it from being read, or being edited here.
        """
        repeated: Buffer | None = await self.database.find_repeated(actor)
        if repeated is not None:
            return repeated
        session = await self.database.read(_reader(actor), get_session, session_id=session_id)
        session.expect_editor()
        session.expect_running()
        place = Place(session_id, session.workspace_id, path.removesuffix("/"))
        present = await self.database.read(_reader(actor), queries.find_open, session_id=session_id, path=place.path)
        if present is not None:
            return present
        text, etag = await self._read(actor, place, allow_missing=allow_missing)
        opened = await self.database.write(actor, editing.open_buffer, place=place, text=text, etag=etag)
        with suppress(DomainError):  # what changed before there was a row to note it at; later looks find it too
            return await self.look(opened)
        return opened

    async def save(self, actor: Actor, buffer_id: UUID, *, overwrite: bool) -> Buffer:
        """Write a buffer's text into its file.

        Raises:
            BufferNotFound, BufferClosed, SessionNotActive: it cannot be saved.
            FileChangedOutside: the file is another one than the buffer knows, and has another text.
            DomainError: what the room has against it; then nothing was written, unless that is Unavailable.
        """
        repeated: Buffer | None = await self.database.find_repeated(actor)
        if repeated is not None:
            return repeated
        for _ in range(_TRIES):
            begun = await self.database.write(_reader(actor), saving.begin_save, buffer_id=buffer_id)
            if begun is None:
                await self.look(await self._buffer(buffer_id, actor))
                continue
            buffer, text = begun
            try:
                etag = await self.files.write(buffer, text, overwrite=overwrite)
            except DomainError as exc:
                saved = await self._refused(actor, buffer, exc)
                if saved is not None:
                    return saved
                continue
            _AFTER_WRITE.reach()
            return await self.database.write(
                actor, saving.finish_save, buffer_id=buffer_id, etag=etag, digest=buffer.text_sha256
            )
        raise TransactionConflict

    async def revert(self, actor: Actor, buffer_id: UUID, base: int) -> Buffer:
        """Take the text of a buffer's file. Raises what keeps it from being read, and as `revert_buffer`."""
        repeated: Buffer | None = await self.database.find_repeated(actor)
        if repeated is not None:
            return repeated
        buffer = await self._buffer(buffer_id, actor)
        buffer.expect_open()
        file, text = await self.files.open(buffer.account_id, buffer.workspace_id, buffer.path)
        return await self.database.write(
            actor, saving.revert_buffer, buffer_id=buffer_id, base=base, text=text, etag=file.etag
        )

    async def look(self, buffer: Buffer) -> Buffer:
        """Look at the file of a buffer, and note what is new of it; while somebody saves, what becomes of that."""
        actor = Actor.of_service("session", buffer.account_id)
        while True:
            found = await self.files.state(buffer)
            if _is_known(buffer, found):
                return buffer
            met = await self.database.write(actor, saving.meet_file, known=buffer, found=found)
            if met is not None:
                return met
            await asyncio.sleep(_SOON)
            buffer = await self._buffer(buffer.buffer_id, actor)

    async def _buffer(self, buffer_id: UUID, actor: Actor) -> Buffer:
        return await self.database.read(_reader(actor), queries.get_buffer, buffer_id=buffer_id)

    async def _read(self, actor: Actor, place: Place, *, allow_missing: bool) -> tuple[str, str]:
        try:
            file, text = await self.files.open(actor.account_id, place.workspace_id, place.path)
        except DomainError as exc:
            if allow_missing and exc.reason in ABSENT:
                return "", ""
            raise
        return text, file.etag

    async def _refused(self, actor: Actor, buffer: Buffer, refusal: DomainError) -> Buffer | None:
        """Return the buffer if its file has this text all the same; None if another device saved meanwhile."""
        if isinstance(refusal, Unavailable):  # nobody knows whether it was written; the next look tells
            raise refusal
        failed = await self.database.write(_reader(actor), saving.fail_save, buffer_id=buffer.buffer_id)
        if refusal.reason not in _NOT_THE_ONE:
            raise refusal
        met = await self.look(failed)
        if met.outside is not None:
            raise FileChangedOutside(buffer.path) from refusal
        return met if met.file_sha256 == buffer.text_sha256 else None


def _reader(actor: Actor) -> Actor:
    return replace(actor, repeat=None)


def _is_known(buffer: Buffer, found: FileState) -> bool:
    """Whether a look found what the buffer says already."""
    known = buffer.outside_etag if buffer.outside is not None else buffer.file_etag
    return found.etag == known and buffer.saving_time is None
