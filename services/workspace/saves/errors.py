"""What can go wrong with saves."""

from uuid import UUID

from chassis.errors import NotFound, WrongState


class SaveNotFound(NotFound):
    """There is no save {saveId} in this account."""

    reason = "SAVE_NOT_FOUND"

    def __init__(self, save_id: UUID) -> None:
        super().__init__(saveId=str(save_id))


class SaveNotComplete(WrongState):
    """Save {saveId} is {state}; that needs a save that is COMPLETE."""

    reason = "SAVE_NOT_COMPLETE"

    def __init__(self, save_id: UUID, state: str) -> None:
        super().__init__(saveId=str(save_id), state=state)


class WorkspaceNotSaved(WrongState):
    """Workspace {workspaceId} stays, because its work is in no complete save: {cause}."""

    reason = "WORKSPACE_NOT_SAVED"

    def __init__(self, workspace_id: UUID, cause: str) -> None:
        super().__init__(workspaceId=str(workspace_id), cause=cause)
