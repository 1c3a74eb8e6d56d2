"""What the runner tells its callers when it cannot do what they ask."""

from collections.abc import Iterable

from chassis.errors import Conflict, InvalidField, NotFound, OutOfRange, Unavailable, Violation, WrongState


class TerminalNotFound(NotFound):
    """This runner has no terminal {sessionId}."""

    reason = "TERMINAL_NOT_FOUND"

    def __init__(self, session_id: str) -> None:
        super().__init__(sessionId=session_id)


class TerminalEnded(WrongState):
    """The shell of terminal {sessionId} has ended; it takes no more input."""

    reason = "TERMINAL_ENDED"

    def __init__(self, session_id: str) -> None:
        super().__init__(sessionId=session_id)


class LeaseEpochStale(Conflict):
    """The input lease {leaseEpoch} was taken over; {current} is in force."""

    reason = "LEASE_EPOCH_STALE"

    def __init__(self, lease_epoch: int, current: int) -> None:
        super().__init__(leaseEpoch=str(lease_epoch), current=str(current))


class OutputTrimmed(OutOfRange):
    """Records after {sequence} were stored elsewhere and dropped here; the first one left is {first}."""

    reason = "OUTPUT_TRIMMED"

    def __init__(self, sequence: int, first: int) -> None:
        super().__init__(sequence=str(sequence), first=str(first))


class RunnerInUse(WrongState):
    """Something runs in this room, is not stored yet, or is asked of its runner, which so does not stop."""

    reason = "RUNNER_IN_USE"


class CloneFailed(WrongState):
    """The repository cannot be cloned: {cause}."""

    reason = "CLONE_FAILED"

    def __init__(self, cause: str) -> None:
        super().__init__(cause=cause)


class GitFailed(WrongState):
    """git fails in this workspace: {cause}."""

    reason = "GIT_FAILED"

    def __init__(self, cause: str) -> None:
        super().__init__(cause=cause)


class SaveRefused(WrongState):
    """The save is not possible: {cause}."""

    reason = "SAVE_REFUSED"

    def __init__(self, cause: str) -> None:
        super().__init__(cause=cause)


class ShellNotFound(WrongState):
    """The shell {shell} is not installed where this workspace runs; there are: {installed}."""

    reason = "SHELL_NOT_FOUND"

    def __init__(self, shell: str, installed: Iterable[str]) -> None:
        super().__init__(shell=shell, installed=", ".join(installed) or "none")


class CommandNotFound(WrongState):
    """The workspace has no program {command} that can be executed."""

    reason = "COMMAND_NOT_FOUND"

    def __init__(self, command: str) -> None:
        super().__init__(command=command[:64])


class InvalidWorkingDirectory(InvalidField):
    """{field}: {description}."""

    reason = "INVALID_WORKING_DIRECTORY"

    def __init__(self, path: str) -> None:
        super().__init__(Violation("working_directory", f"{path[:64]!r} is no directory inside the workspace"))


class UpgradeRefused(WrongState):
    """The installed code cannot take over from the running one: {cause}."""

    reason = "UPGRADE_REFUSED"

    def __init__(self, cause: str) -> None:
        super().__init__(cause=cause[:200])


class CannotOpenTerminal(Unavailable):
    """The terminal {sessionId} cannot be opened: {cause}."""

    reason = "CANNOT_OPEN_TERMINAL"

    def __init__(self, session_id: str, cause: str) -> None:
        super().__init__(sessionId=session_id, cause=cause)


class AgentNotInstalled(WrongState):
    """The agent {preset} is not installed in this room, which has no program {program}: {remedy}."""

    reason = "AGENT_NOT_INSTALLED"

    def __init__(self, preset: str, program: str, remedy: str) -> None:
        super().__init__(preset=preset, program=program, remedy=remedy)


class TurnRunning(WrongState):
    """The agent still works on turn {turnId}; wait for its end, or cancel it."""

    reason = "TURN_RUNNING"

    def __init__(self, turn_id: str) -> None:
        super().__init__(turnId=turn_id)


class PermissionNotFound(NotFound):
    """The agent asked for no permission {permissionId}."""

    reason = "PERMISSION_NOT_FOUND"

    def __init__(self, permission_id: str) -> None:
        super().__init__(permissionId=permission_id)


class PermissionAnswered(WrongState):
    """Permission {permissionId} has its answer: {optionId}, from {userId}."""

    reason = "PERMISSION_ANSWERED"

    def __init__(self, permission_id: str, option_id: str, user_id: str) -> None:
        super().__init__(
            permissionId=permission_id,
            optionId=option_id or "withdrawn",
            userId=user_id or "nobody, as its turn ended",
        )


class AgentRefused(WrongState):
    """The agent refuses: {cause}."""

    reason = "AGENT_REFUSED"

    def __init__(self, cause: str) -> None:
        super().__init__(cause=cause[:200])


class PortNotOpen(WrongState):
    """No program of this workspace listens on port {port}."""

    reason = "PORT_NOT_OPEN"

    def __init__(self, port: int) -> None:
        super().__init__(port=str(port))
