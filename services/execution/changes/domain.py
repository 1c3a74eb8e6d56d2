"""A change that a trigger waits for, until it is decided about."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.execution.triggers.domain import EventFilter

DEPTH = 16
"""How many triggers, each set off by an execution of the one before, may lead to an execution."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A trigger that waits for changes, since a time."""

    trigger_id: UUID
    account_id: UUID
    config: EventFilter
    enable_time: datetime

    def waits_for(self, entity_type: str, entity_id: UUID, change_type: str, time: datetime) -> bool:
        """Whether a change of its account is one of those that its filter names."""
        return (
            entity_type == self.config.entity_type
            and (not self.config.change_types or change_type in self.config.change_types)
            and self.config.entity_id in {None, entity_id}
            and time >= self.enable_time
        )


@dataclass(frozen=True, slots=True)
class TriggerEvent:
    """A change that a trigger waits for. `depth` is how many triggers have led to it, `change` a serialized Change."""

    trigger_event_id: UUID
    account_id: UUID
    trigger_id: UUID
    key: str
    depth: int
    change: bytes
