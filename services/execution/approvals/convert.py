"""Approvals as messages of the contract."""

from uuid import UUID

from google.protobuf.json_format import ParseDict
from stateroom.execution.v1 import approval_service_pb2 as pb

from chassis import ids, messages
from services.execution.approvals.domain import Approval


def approval_to_proto(approval: Approval) -> pb.Approval:
    """Return the public form of what a step asks, and of the answer."""
    message = pb.Approval(
        approval_id=str(approval.approval_id or ""),
        execution_id=str(approval.execution_id),
        path=approval.path,
        state=pb.Approval.State.Value(approval.state.name),
        message=approval.message,
        user_id=str(approval.user_id or ""),
        comment=approval.comment,
    )
    ParseDict(dict(approval.inputs), message.inputs)
    messages.set_times(message, approval, "request_time", "expire_time", "answer_time")
    return message


def key_of(approval: Approval) -> str:
    """Return what a page ends with."""
    return f"{approval.execution_id}/{approval.path}"


def after_from_key(key: str | None) -> tuple[UUID, str] | None:
    """Return the execution and step that a page ended with; None for the first page."""
    execution_id, _, path = (key or "").partition("/")
    return (ids.parse(execution_id), path) if key else None


def execution_id_from_proto(text: str) -> UUID | None:
    """Return the execution a filter names; None for no filter."""
    return ids.parse(text) if text else None
