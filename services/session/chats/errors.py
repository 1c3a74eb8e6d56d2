"""What can go wrong with chats."""

from uuid import UUID

from chassis.errors import LimitExceeded, NotFound, PermissionDenied, WrongState


class ChatNotFound(NotFound):
    """There is no chat {chatId} in this account that you may see."""

    reason = "CHAT_NOT_FOUND"

    def __init__(self, chat_id: UUID) -> None:
        super().__init__(chatId=str(chat_id))


class ChatMessageNotFound(NotFound):
    """There is no message {chatMessageId} in this account."""

    reason = "CHAT_MESSAGE_NOT_FOUND"

    def __init__(self, chat_message_id: UUID) -> None:
        super().__init__(chatMessageId=str(chat_message_id))


class ParticipantNotFound(NotFound):
    """{userId} takes no part in this chat."""

    reason = "PARTICIPANT_NOT_FOUND"

    def __init__(self, user_id: UUID) -> None:
        super().__init__(userId=str(user_id))


class NotParticipant(PermissionDenied):
    """You take no part in chat {chatId}; join it first."""

    reason = "NOT_PARTICIPANT"

    def __init__(self, chat_id: UUID) -> None:
        super().__init__(chatId=str(chat_id))


class NotTheCreator(PermissionDenied):
    """Only the creator of chat {chatId} may do this."""

    reason = "NOT_THE_CREATOR"

    def __init__(self, chat_id: UUID) -> None:
        super().__init__(chatId=str(chat_id))


class ChatOfTeam(WrongState):
    """Chat {chatId} is that of team {teamId}: who belongs to the team takes part."""

    reason = "CHAT_OF_TEAM"

    def __init__(self, chat_id: UUID, team_id: UUID) -> None:
        super().__init__(chatId=str(chat_id), teamId=str(team_id))


class ChatFull(LimitExceeded):
    """{limit} users take part in this chat, as many as may."""

    reason = "CHAT_FULL"

    def __init__(self, limit: int) -> None:
        super().__init__(limit=str(limit))
