"""Chats, who takes part in them, and who may do what there."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from services.session.chats.errors import ChatNotFound, ChatOfTeam, NotParticipant, NotTheCreator

MAXIMUM_PARTICIPANTS = 1000
"""Users who take part in one chat: each message changes what is unread for all of them."""


@dataclass(frozen=True, slots=True)
class Chat:
    """A chat, of a team or of anybody. `message_count` belongs to what is said and changes without a version."""

    chat_id: UUID
    account_id: UUID
    creator_id: UUID
    team_id: UUID | None
    is_private: bool
    open_to_anyone_with_invite: bool
    config: dict[str, str]
    message_count: int
    version: int
    create_time: datetime
    update_time: datetime

    @property
    def entity_id(self) -> UUID:
        """The chat's id."""
        return self.chat_id

    def update(self, now: datetime, values: Mapping[str, object]) -> "Chat":
        """Return the chat with other values, itself when it has them all."""
        changed = {name: value for name, value in values.items() if value != getattr(self, name)}
        if not changed:
            return self
        return replace(self, version=self.version + 1, update_time=now, **changed)  # type: ignore[arg-type]  # fields of this class

    def expect_no_team(self) -> None:
        """Raise ChatOfTeam where who takes part follows from who belongs to a team."""
        if self.team_id is not None:
            raise ChatOfTeam(self.chat_id, self.team_id)

    def expect_creator(self, user_id: UUID) -> None:
        """Raise NotTheCreator for anybody else."""
        if user_id != self.creator_id:
            raise NotTheCreator(self.chat_id)


@dataclass(frozen=True, slots=True)
class Participant:
    """Somebody who takes part in a chat, and how far they have read; that changes without a version."""

    participant_id: UUID
    account_id: UUID
    chat_id: UUID
    user_id: UUID
    read_sequence: int
    create_time: datetime

    @property
    def entity_id(self) -> UUID:
        """The participant's id."""
        return self.participant_id

    @property
    def version(self) -> int:
        """Always 1."""
        return 1


@dataclass(frozen=True, slots=True)
class Membership:
    """Whether a member of a team takes part in its chat: as long as they belong to it, if they may read there."""

    member_id: UUID
    user_id: UUID
    takes_part: bool


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """Something that was said: it never changes."""

    chat_message_id: UUID
    account_id: UUID
    chat_id: UUID
    sequence: int
    author_id: UUID
    content: str
    create_time: datetime

    @property
    def entity_id(self) -> UUID:
        """The message's id."""
        return self.chat_message_id

    @property
    def version(self) -> int:
        """Always 1."""
        return 1


@dataclass(frozen=True, slots=True)
class Seat:
    """A chat as one user sees it: `participant` is None for who takes no part."""

    chat: Chat
    user_id: UUID
    participant: Participant | None

    @property
    def unread_count(self) -> int:
        """How many messages the user has not read."""
        return 0 if self.participant is None else self.chat.message_count - self.participant.read_sequence

    def expect_sight(self) -> None:
        """Raise ChatNotFound where the user may not see the chat."""
        if self.chat.is_private and self.participant is None:
            raise ChatNotFound(self.chat.chat_id)

    def expect_participant(self) -> Participant:
        """Return the user's part. ChatNotFound, NotParticipant."""
        self.expect_sight()
        if self.participant is None:
            raise NotParticipant(self.chat.chat_id)
        return self.participant

    def expect_may_add(self, user_id: UUID) -> None:
        """Raise ChatNotFound, ChatOfTeam, NotParticipant or NotTheCreator unless the user may bring somebody in."""
        self.expect_sight()
        self.chat.expect_no_team()
        if user_id == self.user_id:
            return
        self.expect_participant()
        if not self.chat.open_to_anyone_with_invite:
            self.chat.expect_creator(self.user_id)
