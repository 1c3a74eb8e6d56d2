"""What can go wrong with buffers."""

from uuid import UUID

from chassis.errors import AlreadyExists, Conflict, InvalidArgument, LimitExceeded, NotFound, WrongState

_SHOWN = 200
"""Characters of a path that an error repeats."""


class BufferNotFound(NotFound):
    """There is no buffer {bufferId} in this account."""

    reason = "BUFFER_NOT_FOUND"

    def __init__(self, buffer_id: UUID) -> None:
        super().__init__(bufferId=str(buffer_id))


class BufferClosed(WrongState):
    """Buffer {bufferId} is closed; open its file again."""

    reason = "BUFFER_CLOSED"

    def __init__(self, buffer_id: UUID) -> None:
        super().__init__(bufferId=str(buffer_id))


class BufferChanged(Conflict):
    """Buffer {bufferId} was changed since revision {baseRevision}; read revision {revision} and edit that."""

    reason = "BUFFER_CHANGED"

    def __init__(self, buffer_id: UUID, base_revision: int, revision: int) -> None:
        super().__init__(bufferId=str(buffer_id), baseRevision=str(base_revision), revision=str(revision))


class BufferUnsaved(WrongState):
    """Buffer {bufferId} of {path} has unsaved text; save it, or close it with `discard` to give that up."""

    reason = "BUFFER_UNSAVED"

    def __init__(self, buffer_id: UUID, path: str) -> None:
        super().__init__(bufferId=str(buffer_id), path=path[:_SHOWN])


class BufferInUse(WrongState):
    """Buffer {bufferId} is open in session {sessionId}, which lives; edit it there."""

    reason = "BUFFER_IN_USE"

    def __init__(self, buffer_id: UUID, session_id: UUID) -> None:
        super().__init__(bufferId=str(buffer_id), sessionId=str(session_id))


class BufferAlreadyOpen(AlreadyExists):
    """The session has buffer {bufferId} of {path} open; close that first."""

    reason = "BUFFER_ALREADY_OPEN"

    def __init__(self, path: str, buffer_id: UUID) -> None:
        super().__init__(path=path[:_SHOWN], bufferId=str(buffer_id))


class BufferTooLarge(InvalidArgument):
    """The text of {path} has more than {limit} bytes, the most that is edited here."""

    reason = "BUFFER_TOO_LARGE"

    def __init__(self, path: str, limit: int) -> None:
        super().__init__(path=path[:_SHOWN], limit=str(limit))


class NotText(InvalidArgument):
    """{path} is no text: it is not UTF-8, or has zero bytes."""

    reason = "NOT_TEXT"

    def __init__(self, path: str) -> None:
        super().__init__(path=path[:_SHOWN])


class FileChangedOutside(Conflict):
    """{path} is not as it was opened or saved last; revert the buffer to see it, or save with `overwrite`."""

    reason = "FILE_CHANGED_OUTSIDE"

    def __init__(self, path: str) -> None:
        super().__init__(path=path[:_SHOWN])


class BufferLimitReached(LimitExceeded):
    """The account has {limit} open or unsaved buffers, as many as it may have; close some first."""

    reason = "BUFFER_LIMIT_REACHED"

    def __init__(self, limit: int) -> None:
        super().__init__(limit=str(limit))
