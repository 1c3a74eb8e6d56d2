"""What can go wrong with workspaces."""

from uuid import UUID

from chassis.errors import AlreadyExists, InvalidArgument, LimitExceeded, NotFound, WrongState


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


class WorkspaceLimitReached(LimitExceeded):
    """This account has {limit} workspaces, as many as it may; delete one first."""

    reason = "WORKSPACE_LIMIT_REACHED"

    def __init__(self, limit: int) -> None:
        super().__init__(limit=str(limit))


class RepositoryUrlNotAllowed(InvalidArgument):
    """workspace.repository_url: {cause}."""

    reason = "REPOSITORY_URL_NOT_ALLOWED"

    def __init__(self, cause: str) -> None:
        super().__init__(cause=cause)


class RunnerNotFound(NotFound):
    """Workspace {workspaceId} has no live runner."""

    reason = "RUNNER_NOT_FOUND"

    def __init__(self, workspace_id: UUID) -> None:
        super().__init__(workspaceId=str(workspace_id))
