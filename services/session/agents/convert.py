"""Turns and requests for permission as messages."""

from stateroom.agent.v1 import agent_event_pb2
from stateroom.session.v1 import coding_agent_pb2 as pb
from stateroom.session.v1 import coding_agent_service_pb2

from chassis import messages
from chassis.actor import Actor
from services.session.agents.domain import Permission, PermissionState, Turn
from services.session.sessions import convert
from services.session.sessions.log import Record


def turn_to_proto(turn: Turn) -> pb.AgentTurn:
    """Return a turn's public form."""
    message = pb.AgentTurn(
        turn_id=str(turn.turn_id),
        session_id=str(turn.session_id),
        state=pb.AgentTurn.State.Value(turn.state.name),
        user_id=turn.subject,
        prompt_sha256=turn.prompt_sha256,
        prompt_bytes=turn.prompt_bytes,
        sequence=turn.sequence,
        end_reason=turn.end_reason,
    )
    messages.set_times(message, turn, "create_time", "end_time")
    return message


def permission_to_proto(permission: Permission) -> pb.Permission:
    """Return the public form of a request for permission."""
    message = pb.Permission(
        permission_id=str(permission.permission_id),
        session_id=str(permission.session_id),
        turn_id=str(permission.turn_id or ""),
        state=pb.Permission.State.Value(permission.state.name),
        title=permission.title,
        kind=permission.kind,
        options=[agent_event_pb2.PermissionRequest.Option(**option) for option in permission.options],
        option_id=permission.option_id,
        user_id=permission.subject,
        sequence=permission.sequence,
    )
    messages.set_times(message, permission, "create_time", "end_time")
    return message


def permission_state_from_proto(state: pb.Permission.State.ValueType) -> PermissionState | None:
    """Return the state a filter names; None for no filter."""
    return messages.member(PermissionState, pb.Permission.State, state)


def event_to_proto(record: Record) -> coding_agent_service_pb2.StreamAgentEventsResponse:
    """Return an event of an agent's log with its place."""
    message = coding_agent_service_pb2.StreamAgentEventsResponse(
        sequence=record.sequence, event=convert.agent_event_to_proto(record)
    )
    messages.set_times(message, record, "time")
    return message


def author_of(actor: Actor, person: str) -> agent_event_pb2.Author:
    """Return who asks, as the log keeps it; `person` is what people call them."""
    return agent_event_pb2.Author(
        user_id=actor.subject,
        credential_id=actor.credential_id,
        request_id=actor.correlation_id,
        ip_address=actor.ip_address,
        user_agent=actor.user_agent,
        person=person,
    )


def prompt_from_proto(request: coding_agent_service_pb2.PromptAgentRequest, turn_id: str) -> agent_event_pb2.Prompt:
    """Return what is asked, as the log keeps it."""
    links = [
        agent_event_pb2.Link(uri=link.uri, name=link.name or link.uri.rstrip("/").rpartition("/")[2])
        for link in request.links
    ]
    return agent_event_pb2.Prompt(turn_id=turn_id, text=request.text, links=links)
