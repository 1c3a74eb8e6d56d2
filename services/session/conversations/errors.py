"""What can go wrong with contexts, messages and actions."""

from uuid import UUID

from chassis.errors import NotFound, WrongState


class ContextNotFound(NotFound):
    """There is no context {contextId} in this account."""

    reason = "CONTEXT_NOT_FOUND"

    def __init__(self, context_id: UUID) -> None:
        super().__init__(contextId=str(context_id))


class NoActiveContext(NotFound):
    """You have no active context here; create and activate one."""

    reason = "NO_ACTIVE_CONTEXT"


class ContextInWrongState(WrongState):
    """Context {contextId} is {state}; this needs one that is {needed}."""

    reason = "CONTEXT_IN_WRONG_STATE"

    def __init__(self, context_id: UUID, state: str, needed: str) -> None:
        super().__init__(contextId=str(context_id), state=state, needed=needed)


class ContextNotDeleted(WrongState):
    """Context {contextId} is not deleted."""

    reason = "CONTEXT_NOT_DELETED"

    def __init__(self, context_id: UUID) -> None:
        super().__init__(contextId=str(context_id))


class ContextInUse(WrongState):
    """Context {contextId} has actions that have not ended: {count}; cancel them, or wait for them."""

    reason = "CONTEXT_IN_USE"

    def __init__(self, context_id: UUID, count: int) -> None:
        super().__init__(contextId=str(context_id), count=str(count))


class MessageNotFound(NotFound):
    """There is no message {messageId} in this account."""

    reason = "MESSAGE_NOT_FOUND"

    def __init__(self, message_id: UUID) -> None:
        super().__init__(messageId=str(message_id))


class ActionNotFound(NotFound):
    """There is no action {actionId} in this account."""

    reason = "ACTION_NOT_FOUND"

    def __init__(self, action_id: UUID) -> None:
        super().__init__(actionId=str(action_id))


class ActionEnded(WrongState):
    """Action {actionId} is {state} already."""

    reason = "ACTION_ENDED"

    def __init__(self, action_id: UUID, state: str) -> None:
        super().__init__(actionId=str(action_id), state=state)


class ActionNotUndoable(WrongState):
    """Action {actionId} is {type} and {state}; only COMPLETED MODIFY_FILES can be undone. Stop a preview instead."""

    reason = "ACTION_NOT_UNDOABLE"

    def __init__(self, action_id: UUID, type: str, state: str) -> None:  # noqa: A002  # the field's name
        super().__init__(actionId=str(action_id), type=type, state=state)
