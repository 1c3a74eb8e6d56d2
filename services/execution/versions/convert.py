"""What messages of versions have in common."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from chassis import etag, ids, messages
from services.execution.versions.domain import State, Version
from services.execution.versions.queries import Filter


def describe(message: Any, version: Version) -> None:  # the message of any kind of versions
    """Set the fields that the messages of all versions have."""
    name = version.ID
    setattr(message, name, str(version.entity_id))
    setattr(message, f"parent_{name}", str(version.family_id))
    for same in ("version_number", "name", "description", "is_public"):
        setattr(message, same, getattr(version, same))
    message.tags.extend(version.tags)
    message.state = message.State.Value(version.state.name)
    message.user_id = str(version.user_id)
    message.deleted_by = str(version.deleted_by or "")
    message.etag = etag.of(version)
    messages.set_times(message, version, "create_time", "update_time", "delete_time")


def first(name: str, account_id: UUID, user_id: UUID, now: datetime) -> dict[str, Any]:
    """Return the fields of a first version that its creator does not choose; `name` is that of its id."""
    entity_id = ids.new()
    return {
        name: entity_id,
        f"parent_{name}": entity_id,
        "account_id": account_id,
        "version_number": 1,
        "user_id": user_id,
        "state": State.DRAFT,
        "version": 1,
        "create_time": now,
        "update_time": now,
    }


def described(message: Any) -> Mapping[str, Any]:  # as above
    """Return the fields that people choose for all versions."""
    chosen = {name: getattr(message, name) for name in ("name", "description", "is_public")}
    return chosen | {"tags": tuple(message.tags)}


def filter_from_proto(request: Any, parent_id: str, state: State | None) -> Filter:  # any request for a list of them
    """Return which versions somebody wants listed."""
    return Filter(
        parent_id=ids.parse(parent_id) if parent_id else None,
        name=request.name,
        words=request.words,
        tags=tuple(request.tags),
        state=state,
        is_public=request.is_public,
        show_deleted=request.show_deleted,
    )
