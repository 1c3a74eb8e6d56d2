"""Contexts, messages and actions as messages of the contract."""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from uuid import UUID

from google.protobuf.json_format import MessageToDict, ParseDict
from stateroom.session.v1 import action_pb2, action_service_pb2
from stateroom.session.v1 import context_pb2 as pb

from chassis import etag, ids, messages
from chassis.errors import InvalidField, Violation
from services.session.conversations.domain import action as actions
from services.session.conversations.domain.action import Action, ActionSpec, Type
from services.session.conversations.domain.context import FLOW, Config, Context, Message, Metadata, Role, Saying, State

MEBIBYTE = 1024 * 1024
MAXIMUM_PAYLOAD = 2 * MEBIBYTE
"""Bytes of what an action may say, as the contract has it: half of what gRPC takes, because JSON writes more."""


def context_to_proto(context: Context) -> pb.Context:
    """Return a context's public form."""
    config = context.config
    message = pb.Context(
        context_id=str(context.context_id),
        workspace_id=str(context.workspace_id),
        user_id=str(context.user_id),
        state=pb.Context.State.Value(context.state.name),
        flow=pb.Context.Flow(**context.flow),
        config=pb.Context.Config(
            template=config.template,
            tooling=config.tooling,
            features=config.features,
            customizations=config.customizations,
        ),
        metadata=context.metadata,
        deleted_by=str(context.deleted_by or ""),
        etag=etag.of(context),
    )
    messages.set_times(message, context, "create_time", "update_time", "delete_time", "purge_time")
    return message


def context_from_proto(message: pb.Context, account_id: UUID, user_id: UUID, now: datetime) -> Context:
    """Return a new context as its creator wants it."""
    return Context(
        context_id=ids.new(),
        account_id=account_id,
        workspace_id=ids.parse(message.workspace_id),
        user_id=user_id,
        state=State.SETUP,
        flow=_flow(message.flow),
        config=_config(message.config),
        metadata=dict(message.metadata),
        version=1,
        create_time=now,
        update_time=now,
        delete_time=None,
        purge_time=None,
        deleted_by=None,
    )


def values_from_proto(message: pb.Context, names: Iterable[str]) -> dict[str, object]:
    """Return the fields of these names as a context holds them."""
    held: dict[str, object] = {
        "workspace_id": ids.parse(message.workspace_id) if message.workspace_id else None,
        "flow": _flow(message.flow),
        "config": _config(message.config),
        "metadata": dict(message.metadata),
    }
    return {name: held[name] for name in names}


def state_from_proto(state: pb.Context.State.ValueType) -> State | None:
    """Return the state a filter names; None for no filter."""
    return messages.member(State, pb.Context.State, state)


def message_to_proto(message: Message) -> pb.Message:
    """Return a message's public form."""
    said = pb.Message(
        message_id=str(message.message_id),
        context_id=str(message.context_id),
        sequence=message.sequence,
        role=pb.Message.Role.Value(message.role.name),
        author_id=str(message.author_id or ""),
        content=message.content,
        metadata=pb.Message.Metadata(**asdict(message.metadata)),
        etag=etag.of(message),
    )
    messages.set_times(said, message, "create_time")
    return said


def saying_from_proto(message: pb.Message, author_id: UUID) -> Saying:
    """Return what a person says."""
    about = message.metadata
    confidence = about.confidence if about.HasField("confidence") else None
    return Saying(
        role=Role.USER,
        author_id=author_id,
        content=message.content,
        metadata=Metadata(about.intent, tuple(about.entities), confidence),
    )


def action_to_proto(action: Action) -> action_pb2.Action:
    """Return an action's public form."""
    message = action_pb2.Action(
        action_id=str(action.action_id),
        context_id=str(action.context_id),
        type=action_pb2.Action.Type.Value(action.type.name),
        state=action_pb2.Action.State.Value(action.state.name),
        session_id=str(action.session_id or ""),
        preview_id=str(action.preview_id or ""),
        user_id=str(action.user_id),
        cancel_requested=action.cancel_requested,
        etag=etag.of(action),
    )
    ParseDict(action.payload, message)
    message.timeout.FromTimedelta(action.timeout)
    if action.result is not None:
        ParseDict(action.result, message.result)
    if action.failure is not None:
        ParseDict(asdict(action.failure), message.failure)
    messages.set_times(message, action, "create_time", "update_time", "end_time")
    return message


def action_spec_from_proto(message: action_pb2.Action) -> ActionSpec:
    """Return what somebody wants done. InvalidField when it is more than a runner takes."""
    name = str(message.WhichOneof("payload"))
    payload = getattr(message, name)
    if payload.ByteSize() > MAXIMUM_PAYLOAD:
        raise InvalidField(Violation(f"action.{name}", f"is larger than {MAXIMUM_PAYLOAD // MEBIBYTE} MiB"))
    return ActionSpec(
        Type[name.upper()],
        {name: MessageToDict(payload, preserving_proto_field_name=True)},
        message.timeout.ToTimedelta() if message.HasField("timeout") else actions.DEFAULT_TIMEOUT,
    )


def outcome_to_proto(action: Action) -> action_service_pb2.ActionOutcome:
    """Return an action and what came of it, which is then not in the action as well."""
    message = action_service_pb2.ActionOutcome(action=action_to_proto(action))
    if message.action.HasField("result"):
        message.result.CopyFrom(message.action.result)
        message.action.ClearField("result")
    return message


def action_state_from_proto(state: action_pb2.Action.State.ValueType) -> actions.State | None:
    """Return the state a filter names; None for no filter."""
    return messages.member(actions.State, action_pb2.Action.State, state)


def action_type_from_proto(number: action_pb2.Action.Type.ValueType) -> Type | None:
    """Return the type a filter names; None for no filter."""
    return messages.member(Type, action_pb2.Action.Type, number)


def _flow(message: pb.Context.Flow) -> dict[str, str]:
    return {name: getattr(message, name) or default for name, default in FLOW.items()}


def _config(message: pb.Context.Config) -> Config:
    return Config(message.template, tuple(message.tooling), tuple(message.features), dict(message.customizations))
