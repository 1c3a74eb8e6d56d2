"""Previews as messages."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from uuid import UUID

from stateroom.session.v1 import preview_pb2 as pb

from chassis import etag, ids, messages
from services.session.conversations.domain.action import Action
from services.session.previews.domain import Preview, PreviewSpec, State, Visibility
from services.session.sessions.spec import Kind, SessionSpec

TICKET_PARAMETER = "stateroom_ticket"
"""What the gateway looks for in the query of the first request at a preview's origin."""

_INTERVAL = timedelta(seconds=10)
_COLUMNS, _ROWS = 80, 24


def preview_to_proto(preview: Preview, base_url: str) -> pb.Preview:
    """Return a preview's public form; `base_url` is below which all previews have their origins."""
    message = pb.Preview(
        preview_id=str(preview.preview_id),
        workspace_id=str(preview.workspace_id),
        context_id=str(preview.context_id or ""),
        title=preview.shown_title,
        visibility=pb.Preview.Visibility.Value(preview.visibility.name),
        command=preview.command,
        working_directory=preview.working_directory,
        environment_names=preview.environment_names,
        port=preview.port,
        health_path=preview.health_path,
        metadata=preview.metadata,
        state=pb.Preview.State.Value(preview.state.name),
        state_reason=preview.state_reason,
        url=url_of(preview, base_url),
        session_id=str(preview.session_id or ""),
        etag=etag.of(preview),
    )
    message.health_interval.FromTimedelta(preview.health_interval)
    messages.set_times(message, preview, "delete_time", "create_time", "update_time")
    return message


def url_of(preview: Preview, base_url: str) -> str:
    """Return a preview's address: its id is a name below the host of all previews, and so an origin of its own."""
    scheme, _, host = base_url.partition("://")
    return f"{scheme}://{preview.preview_id.hex}.{host.rstrip('/')}/"


def spec_from_proto(preview_id: UUID, message: pb.Preview, port: int) -> PreviewSpec:
    """Return what a new preview is to be, with what is not said."""
    return PreviewSpec(
        preview_id=preview_id,
        workspace_id=ids.parse(message.workspace_id),
        context_id=ids.parse(message.context_id) if message.context_id else None,
        title=message.title,
        visibility=Visibility.ACCOUNT,
        command=tuple(message.command),
        working_directory=message.working_directory,
        environment_names=tuple(sorted(message.environment)),
        port=port,
        health_path=message.health_path or "/",
        health_interval=message.health_interval.ToTimedelta() if message.HasField("health_interval") else _INTERVAL,
        metadata=dict(message.metadata),
    )


def deployed_by(action: Action) -> pb.Preview:
    """Return the preview that an action of type DEPLOY wants."""
    fields: dict[str, Any] = action.payload["deploy"]
    return pb.Preview(workspace_id=str(action.workspace_id), context_id=str(action.context_id), **fields)


def session_of(preview: PreviewSpec | Preview, session_id: UUID, environment_names: Iterable[str]) -> SessionSpec:
    """Return the session in which a preview's command is to run: in a terminal, because servers read and colour."""
    return SessionSpec(
        session_id=session_id,
        workspace_id=preview.workspace_id,
        kind=Kind.TERMINAL,
        shell="",
        command=preview.command,
        timeout=None,
        title=preview.title,
        metadata={},
        working_directory=preview.working_directory,
        environment_names=tuple(sorted(environment_names)),
        columns=_COLUMNS,
        rows=_ROWS,
    )


def state_from_proto(state: pb.Preview.State.ValueType) -> State | None:
    """Return the state a filter names; None for no filter."""
    return messages.member(State, pb.Preview.State, state)
