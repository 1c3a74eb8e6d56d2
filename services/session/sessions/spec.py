"""What a session is to be: decided once, when it is created."""

from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum
from pathlib import PurePath
from uuid import UUID


class Kind(Enum):
    """What runs in a session."""

    TERMINAL = "TERMINAL"
    COMMAND = "COMMAND"
    AGENT = "AGENT"
    EDITOR = "EDITOR"


@dataclass(frozen=True, slots=True)
class SessionSpec:
    """What a new session is to be. Sizes are in cells; the environment's values are not part of it.

    `agent` is what an agent has beside others, by the names of the contract; `parent_session_id` whose agent opened it.
    """

    session_id: UUID
    workspace_id: UUID
    kind: Kind
    shell: str
    command: tuple[str, ...]
    timeout: timedelta | None
    title: str
    metadata: dict[str, str]
    working_directory: str
    environment_names: tuple[str, ...]
    columns: int
    rows: int
    secret_names: tuple[str, ...] = ()
    restarted_from: UUID | None = None
    agent: dict[str, str] = field(default_factory=dict)
    parent_session_id: UUID | None = None

    @property
    def own_title(self) -> str:
        """What it is called before anybody or anything names it."""
        if self.kind is Kind.EDITOR:
            return "editor"
        return self.shell or (PurePath(self.command[0]).name if self.command else self.agent["preset"])
