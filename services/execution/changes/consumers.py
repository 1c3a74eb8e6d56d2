"""Changes of all services: those for which a trigger waits are kept, in the transaction that moves the cursor."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC
from uuid import UUID

from stateroom.event.v1.change_pb2 import Change, ChangeHeader

from chassis import ids
from services.execution.changes import store
from services.execution.changes.domain import TriggerEvent

_OWN = "execution"
"""The kind of resource that triggers lead to."""


@dataclass(frozen=True, slots=True)
class Changes:
    """Keeps changes for the triggers that wait for them. Whoever decides about them is woken."""

    wake: Callable[[], None]

    async def apply(self, connection: store.Driver, changes: Sequence[Change]) -> None:
        """Apply a run of changes of one service."""
        read = [(change, ChangeHeader.FromString(change.header)) for change in changes]
        done = [(change, header) for change, header in read if header.outcome == ChangeHeader.SUCCEEDED]
        waiting = await store.waiting(connection, {UUID(header.account_id) for _, header in done}) if done else []
        if not waiting:
            return
        own = {UUID(header.entity_id) for _, header in done if header.entity_type == _OWN}
        depths = await store.depths(connection, own)
        found = []
        for change, header in done:
            account_id, entity_id = UUID(header.account_id), UUID(header.entity_id)
            about = (header.entity_type, entity_id, header.type, header.time.ToDatetime(UTC))
            key = f"{change.source}/{change.epoch}/{change.position}"
            depth = depths.get(entity_id, 0) if header.entity_type == _OWN else 0
            found += [
                TriggerEvent(ids.new(), account_id, each.trigger_id, key, depth, change.SerializeToString())
                for each in waiting
                if each.account_id == account_id and each.waits_for(*about)
            ]
        if found:
            await store.add(connection, found)
            self.wake()
