"""A buffer, what an edit makes of its text, and what is known of its file."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from hashlib import sha256
from typing import Self
from uuid import UUID

from chassis.errors import InvalidField, Violation
from services.session.editors.errors import BufferChanged, BufferClosed, BufferTooLarge, BufferUnsaved, NotText

LIMIT = 2 << 20
"""Bytes of the largest text: it is a row, and fits into one message."""

SAVE_LEASE = timedelta(seconds=5)
"""How long whoever saves has to write the file and say so."""

_NOT_SAVING: dict[str, object] = {"saving_sha256": None, "saving_time": None}

NOTHING = sha256(b"").digest()
"""Digest of the text of a file that is not there."""


class Outside(Enum):
    """What somebody else has done to a file."""

    CHANGED = "CHANGED"
    DELETED = "DELETED"


@dataclass(frozen=True, slots=True)
class FileState:
    """A file on the disk; without an etag it is not there. `sha256` is None for what is too large to be compared."""

    etag: str = ""
    sha256: bytes | None = NOTHING


@dataclass(frozen=True, slots=True)
class Place:
    """What a buffer is of, and where it is open."""

    session_id: UUID
    workspace_id: UUID
    path: str


@dataclass(frozen=True, slots=True)
class Edit:
    """Characters from `start` up to `end` become `text`."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Buffer:
    """A file's text on its way; the text itself stands beside it.

    `file_etag` and `file_sha256` are the file as it was opened or saved last. `saving_sha256` is a text that was about
    to be written, while nobody knows whether it was.
    """

    buffer_id: UUID
    account_id: UUID
    session_id: UUID
    workspace_id: UUID
    path: str
    revision: int
    size_bytes: int
    text_sha256: bytes
    file_etag: str
    file_sha256: bytes
    saving_sha256: bytes | None
    saving_time: datetime | None
    outside: Outside | None
    outside_etag: str
    version: int
    create_time: datetime
    update_time: datetime
    close_time: datetime | None

    @classmethod
    def open(cls, now: datetime, buffer_id: UUID, account_id: UUID, place: Place, text: bytes, etag: str) -> Self:
        """Return the buffer of a file as it was read."""
        digest = sha256(text).digest()
        return cls(
            buffer_id=buffer_id,
            account_id=account_id,
            session_id=place.session_id,
            workspace_id=place.workspace_id,
            path=place.path,
            revision=1,
            size_bytes=len(text),
            text_sha256=digest,
            file_etag=etag,
            file_sha256=digest,
            saving_sha256=None,
            saving_time=None,
            outside=None,
            outside_etag="",
            version=1,
            create_time=now,
            update_time=now,
            close_time=None,
        )

    @property
    def entity_id(self) -> UUID:
        """The buffer's id."""
        return self.buffer_id

    @property
    def unsaved(self) -> bool:
        """Whether its text is in no file. The database computes the same, to list by it."""
        if self.close_time is not None:
            return False
        return self.text_sha256 != self.file_sha256 or (self.outside is Outside.DELETED and self.size_bytes > 0)

    def expect_open(self) -> None:
        """Raise BufferClosed once it is."""
        if self.close_time is not None:
            raise BufferClosed(self.buffer_id)

    def expect_revision(self, base: int) -> None:
        """Raise BufferChanged unless the text is still that of a revision."""
        if base != self.revision:
            raise BufferChanged(self.buffer_id, base, self.revision)

    def edit(self, now: datetime, text: str) -> Self:
        """Return the buffer with another text. BufferTooLarge."""
        data = text.encode()
        if len(data) > LIMIT:
            raise BufferTooLarge(self.path, LIMIT)
        return self._changed(now, revision=self.revision + 1, size_bytes=len(data), text_sha256=sha256(data).digest())

    def begin_save(self, now: datetime) -> Self:
        """Return the buffer as one whose text is about to be written."""
        return self._changed(now, saving_sha256=self.text_sha256, saving_time=now)

    def is_being_saved(self, now: datetime) -> bool:
        """Whether somebody writes its file now; one of whom nothing is heard for long has died, or lost the runner."""
        return self.saving_time is not None and now < self.saving_time + SAVE_LEASE

    def knows_file_as(self, other: Self) -> bool:
        """Whether nothing was learned of the file between the two, so that a look at it is not outdated."""
        names = ("file_etag", "saving_time", "outside", "outside_etag")
        return all(getattr(self, name) == getattr(other, name) for name in names)

    def fail_save(self, now: datetime) -> Self:
        """Return the buffer as one whose text was not written after all."""
        return self._changed(now, **_NOT_SAVING)

    def saved(self, now: datetime, etag: str, digest: bytes) -> Self:
        """Return the buffer with a file that has a text which was its own."""
        known = {"file_etag": etag, "file_sha256": digest, "outside": None, "outside_etag": ""}
        return self._changed(now, **known, **_NOT_SAVING)

    def is_saved_as(self, found: FileState) -> bool:
        """Whether a file has a text of ours: a write may have been cut off from its answer."""
        own = {self.file_sha256, self.text_sha256, self.saving_sha256}
        return bool(found.etag) and found.sha256 is not None and found.sha256 in own

    def meet(self, now: datetime, found: FileState) -> Self:
        """Return the buffer with what a look at its file found; itself when that is nothing new."""
        if found.etag != self.file_etag and self.is_saved_as(found):
            return self.saved(now, found.etag, found.sha256 or NOTHING)
        if found.etag == self.file_etag:  # also: it was not there, and is not there
            outside, etag = None, ""
        else:
            outside, etag = (Outside.CHANGED if found.etag else Outside.DELETED), found.etag
        if (outside, etag, None) == (self.outside, self.outside_etag, self.saving_time):
            return self
        return self._changed(now, outside=outside, outside_etag=etag, **_NOT_SAVING)

    def revert(self, now: datetime, text: str, etag: str) -> Self:
        """Return the buffer with the text of its file. BufferTooLarge."""
        reverted = self.edit(now, text)
        return replace(reverted.saved(now, etag, reverted.text_sha256), version=self.version + 1)

    def close(self, now: datetime, *, discard: bool) -> Self:
        """Return the buffer closed; itself when it was. BufferUnsaved."""
        if self.close_time is not None:
            return self
        if self.unsaved and not discard:
            raise BufferUnsaved(self.buffer_id, self.path)
        return self._changed(now, close_time=now)

    def move(self, now: datetime, session_id: UUID, workspace_id: UUID) -> Self:
        """Return the buffer in another session; in another workspace its file is not there yet."""
        if workspace_id == self.workspace_id:
            return self._changed(now, session_id=session_id)
        away = {"file_etag": "", "file_sha256": NOTHING, "outside": None, "outside_etag": ""}
        return self._changed(now, session_id=session_id, workspace_id=workspace_id, **away, **_NOT_SAVING)

    def _changed(self, now: datetime, **values: object) -> Self:
        return replace(self, update_time=now, version=self.version + 1, **values)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a device of somebody's is in a buffer, in characters."""

    session_id: UUID
    subject: str
    device: str
    account_id: UUID
    buffer_id: UUID
    person: str
    anchor: int
    head: int
    move_time: datetime


def decoded(path: str, data: bytes) -> str:
    """Return the text of a file. NotText."""
    try:
        text = data.decode()
    except UnicodeDecodeError as exc:
        raise NotText(path) from exc
    if "\0" in text:
        raise NotText(path)
    return text


def edits_of(before: str, text: str | None, edits: Sequence[Edit]) -> Sequence[Edit]:
    """Return what changes a text: edits, or one that makes it another as a whole. InvalidField for none or both."""
    if (text is None) == (not edits):
        raise InvalidField(Violation("edits", "send either `text` or `edits`"))
    return edits if text is None else [Edit(0, len(before), text)]


def apply(text: str, edits: Sequence[Edit]) -> str:
    """Return a text with parts of it replaced. InvalidField when they overlap, or lie beyond its end."""
    parts, at = [], 0
    for number, edit in enumerate(edits):
        if not at <= edit.start <= edit.end <= len(text):
            told = f"must lie between {at} and {len(text)}, in ascending order"
            raise InvalidField(Violation(f"edits[{number}]", told))
        parts += [text[at : edit.start], edit.text]
        at = edit.end
    return "".join((*parts, text[at:]))
