"""What a command ends with when it fails: a sentence, and an exit code that says whose move it is."""

from typing import ClassVar


class CommandFailed(Exception):
    """The message is one sentence, and a second one that says what to do next where that helps."""

    exit_code: ClassVar[int] = 1


class WrongUse(CommandFailed):
    """The command line or the set-up around it is wrong."""

    exit_code = 2


class Refused(CommandFailed):
    """The server understood and said no. `reason` is the stable name of why, `code` the HTTP status."""

    exit_code = 4

    def __init__(self, message: str, *, reason: str = "", code: int = 0) -> None:
        self.reason = reason
        self.code = code
        super().__init__(message)


class ServerFailed(CommandFailed):
    """The server could not do it, and it is not the caller's fault."""

    exit_code = 5


class Passing(ServerFailed):
    """A service is stopping, gone or slow; the same call may succeed soon."""


class Unreachable(CommandFailed):
    """Nobody answers, or somebody who is not Stateroom."""

    exit_code = 6
