"""Buffers, cursors and events as messages."""

from collections.abc import Iterable, Sequence

from stateroom.session.v1 import editor_pb2 as pb
from stateroom.session.v1 import editor_service_pb2 as service

from chassis import etag, messages
from services.session.editors.domain import Buffer, Cursor, Edit
from services.session.sessions.log import Record


def buffer_to_proto(buffer: Buffer, text: str = "") -> pb.EditorBuffer:
    """Return a buffer's public form, with its text where that is wanted."""
    message = pb.EditorBuffer(
        buffer_id=str(buffer.buffer_id),
        session_id=str(buffer.session_id),
        workspace_id=str(buffer.workspace_id),
        path=buffer.path,
        revision=buffer.revision,
        size_bytes=buffer.size_bytes,
        text_sha256=buffer.text_sha256,
        unsaved=buffer.unsaved,
        file_etag=buffer.file_etag,
        outside=pb.EditorBuffer.OUTSIDE_UNSPECIFIED,
        outside_etag=buffer.outside_etag,
        text=text,
        etag=etag.of(buffer),
    )
    if buffer.outside is not None:
        message.outside = pb.EditorBuffer.Outside.Value(buffer.outside.name)
    messages.set_times(message, buffer, "create_time", "update_time", "close_time")
    return message


def edits_from_proto(edits: Iterable[pb.TextEdit]) -> list[Edit]:
    """Return edits as they were asked for."""
    return [Edit(edit.start, edit.end, edit.text) for edit in edits]


def event_to_proto(record: Record) -> service.StreamEditorEventsResponse:
    """Return an event of an editor's log with its place."""
    event = pb.EditorEvent.FromString(record.data)
    message = service.StreamEditorEventsResponse(sequence=record.sequence, event=event)
    messages.set_times(message, record, "time")
    return message


def cursors_to_proto(cursors: Sequence[Cursor], sequence: int) -> service.StreamEditorEventsResponse:
    """Return where all devices are."""
    told = service.StreamEditorEventsResponse(sequence=sequence)
    told.cursors.SetInParent()
    for cursor in cursors:
        message = told.cursors.cursors.add(
            buffer_id=str(cursor.buffer_id),
            user_id=cursor.subject,
            person=cursor.person,
            device=cursor.device,
            anchor=cursor.anchor,
            head=cursor.head,
        )
        messages.set_times(message, cursor, "move_time")
    return told
