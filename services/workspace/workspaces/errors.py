"""What can go wrong with workspaces."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from chassis.errors import AlreadyExists, Conflict, InvalidField, LimitExceeded, NotFound, Violation, WrongState

_NAMED_SESSIONS = 20


class WorkspaceNotFound(NotFound):
    """There is no workspace {workspaceId} in this account."""

    reason = "WORKSPACE_NOT_FOUND"

    def __init__(self, workspace_id: UUID) -> None:
        super().__init__(workspaceId=str(workspace_id))


class WorkspaceNameTaken(AlreadyExists):
    """A workspace named {name} exists in this account; choose another name."""

    reason = "WORKSPACE_NAME_TAKEN"

    def __init__(self, name: str) -> None:
        super().__init__(name=name)


class WorkspaceNotActive(WrongState):
    """Workspace {workspaceId} is {state}; it must be ACTIVE."""

    reason = "WORKSPACE_NOT_ACTIVE"

    def __init__(self, workspace_id: UUID, state: str) -> None:
        super().__init__(workspaceId=str(workspace_id), state=state)


class WorkspaceArchived(WrongState):
    """Workspace {workspaceId} is archived; unarchive it to work in it."""

    reason = "WORKSPACE_ARCHIVED"

    def __init__(self, workspace_id: UUID) -> None:
        super().__init__(workspaceId=str(workspace_id))


class WorkspaceNotArchived(WrongState):
    """Workspace {workspaceId} is {state}; only an ARCHIVED one can be unarchived."""

    reason = "WORKSPACE_NOT_ARCHIVED"

    def __init__(self, workspace_id: UUID, state: str) -> None:
        super().__init__(workspaceId=str(workspace_id), state=state)


class WorkspaceNotDeleted(AlreadyExists):
    """Workspace {workspaceId} is {state}; only a DELETED one can be brought back."""

    reason = "WORKSPACE_NOT_DELETED"

    def __init__(self, workspace_id: UUID, state: str) -> None:
        super().__init__(workspaceId=str(workspace_id), state=state)


class WorkspaceInUse(WrongState):
    """Sessions that run in workspace {workspaceId}: {count} ({sessionIds}); end them first, or say `force`."""

    reason = "WORKSPACE_IN_USE"

    def __init__(self, workspace_id: UUID, session_ids: Sequence[str]) -> None:
        named = [*session_ids[:_NAMED_SESSIONS], *(["…"] if len(session_ids) > _NAMED_SESSIONS else [])]
        super().__init__(workspaceId=str(workspace_id), count=str(len(session_ids)), sessionIds=", ".join(named))


class WorkspaceBusy(Conflict):
    """Workspace {workspaceId} is still being put away; try again in a few seconds."""

    reason = "WORKSPACE_BUSY"

    def __init__(self, workspace_id: UUID) -> None:
        super().__init__(workspaceId=str(workspace_id), retry_after=timedelta(seconds=2))


class WorkspaceLimitReached(LimitExceeded):
    """This account has {limit} workspaces, as many as it may; archive or delete one first."""

    reason = "WORKSPACE_LIMIT_REACHED"

    def __init__(self, limit: int) -> None:
        super().__init__(limit=str(limit))


class RepositoryUrlNotAllowed(InvalidField):
    """{field}: {description}."""

    reason = "REPOSITORY_URL_NOT_ALLOWED"

    def __init__(self, cause: str) -> None:
        super().__init__(Violation("workspace.repository_url", cause))


class RunnerNotFound(NotFound):
    """Workspace {workspaceId} has no live runner."""

    reason = "RUNNER_NOT_FOUND"

    def __init__(self, workspace_id: UUID) -> None:
        super().__init__(workspaceId=str(workspace_id))
