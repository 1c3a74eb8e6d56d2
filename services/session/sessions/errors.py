"""What can go wrong with sessions."""

from uuid import UUID

from chassis.errors import LimitExceeded, NotFound, OutOfRange, Unavailable, WrongState


class SessionNotFound(NotFound):
    """There is no session {sessionId} in this account."""

    reason = "SESSION_NOT_FOUND"

    def __init__(self, session_id: UUID) -> None:
        super().__init__(sessionId=str(session_id))


class SessionNotActive(WrongState):
    """Session {sessionId} is {state}; it takes no more of this."""

    reason = "SESSION_NOT_ACTIVE"

    def __init__(self, session_id: UUID, state: str) -> None:
        super().__init__(sessionId=str(session_id), state=state)


class SessionNotEnded(WrongState):
    """Session {sessionId} lives; only one that has ended is opened again."""

    reason = "SESSION_NOT_ENDED"

    def __init__(self, session_id: UUID) -> None:
        super().__init__(sessionId=str(session_id))


class SessionWithoutTerminal(WrongState):
    """Session {sessionId} has no terminal; it takes neither input nor a size."""

    reason = "SESSION_WITHOUT_TERMINAL"

    def __init__(self, session_id: UUID) -> None:
        super().__init__(sessionId=str(session_id))


class NoAgent(WrongState):
    """Session {sessionId} runs no coding agent."""

    reason = "NO_AGENT"

    def __init__(self, session_id: UUID) -> None:
        super().__init__(sessionId=str(session_id))


class NoEditor(WrongState):
    """Session {sessionId} is no editor."""

    reason = "NO_EDITOR"

    def __init__(self, session_id: UUID) -> None:
        super().__init__(sessionId=str(session_id))


class EditorSession(WrongState):
    """Session {sessionId} is an editor, which has no process: it prints nothing and takes no input."""

    reason = "EDITOR_SESSION"

    def __init__(self, session_id: UUID) -> None:
        super().__init__(sessionId=str(session_id))


class SessionLimitReached(LimitExceeded):
    """The account has {limit} live sessions, as many as it may have; end one first."""

    reason = "SESSION_LIMIT_REACHED"

    def __init__(self, limit: int) -> None:
        super().__init__(limit=str(limit))


class CannotStartSession(Unavailable):
    """Session {sessionId} could not be started: {cause}."""

    reason = "CANNOT_START_SESSION"

    def __init__(self, session_id: UUID, cause: str) -> None:
        super().__init__(sessionId=str(session_id), cause=cause)


class ControllerTaken(WrongState):
    """Another device controls session {sessionId}; take it over, or only watch."""

    reason = "CONTROLLER_TAKEN"

    def __init__(self, session_id: UUID) -> None:
        super().__init__(sessionId=str(session_id))


class ReadOnly(WrongState):
    """This device only watches session {sessionId}; take control before typing or resizing."""

    reason = "READ_ONLY"

    def __init__(self, session_id: UUID) -> None:
        super().__init__(sessionId=str(session_id))


class OffsetOutOfRange(OutOfRange):
    """The offset {offset} is beyond the end of the output, {end}."""

    reason = "OFFSET_OUT_OF_RANGE"

    def __init__(self, offset: int, end: int) -> None:
        super().__init__(offset=str(offset), end=str(end))


class DeviceSilent(Unavailable):
    """The device at session {sessionId} said nothing for {seconds} seconds; attach again."""

    reason = "DEVICE_SILENT"

    def __init__(self, session_id: UUID, seconds: float) -> None:
        super().__init__(sessionId=str(session_id), seconds=f"{seconds:g}")


class SlowConsumer(LimitExceeded):
    """Nothing beyond {offset} of session {sessionId} was taken or acknowledged for too long; go on from there."""

    reason = "SLOW_CONSUMER"

    def __init__(self, session_id: UUID, offset: int) -> None:
        super().__init__(sessionId=str(session_id), offset=str(offset))


class LogExpired(WrongState):
    """What session {sessionId} printed was let go: this installation keeps logs for a limited time."""

    reason = "LOG_EXPIRED"

    def __init__(self, session_id: UUID) -> None:
        super().__init__(sessionId=str(session_id))


class SecretLimitReached(LimitExceeded):
    """Session {sessionId} masks {limit} secrets, as many as it can."""

    reason = "SECRET_LIMIT_REACHED"

    def __init__(self, session_id: UUID, limit: int) -> None:
        super().__init__(sessionId=str(session_id), limit=str(limit))
