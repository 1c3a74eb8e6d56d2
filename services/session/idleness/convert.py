"""Policies and verdicts as messages."""

from collections.abc import Iterable

from stateroom.session.v1 import idle_service_pb2 as pb

from chassis import etag, messages
from services.session.idleness.domain import IDLE_AFTER, WARNING, IdlePolicy, Verdict, Watched

_Response = pb.CleanUpIdleSessionsResponse


def policy_to_proto(policy: IdlePolicy) -> pb.IdlePolicy:
    """Return a policy's public form."""
    message = pb.IdlePolicy(off=policy.off, etag=etag.of(policy))
    message.idle_after.FromTimedelta(policy.idle_after)
    message.warning.FromTimedelta(policy.warning)
    if policy.version:
        messages.set_times(message, policy, "update_time")
    return message


def values_from_proto(message: pb.IdlePolicy, names: Iterable[str]) -> dict[str, object]:
    """Return the fields of these names as a policy holds them; what is unset is as usual."""
    held = {
        "off": message.off,
        "idle_after": message.idle_after.ToTimedelta() if message.HasField("idle_after") else IDLE_AFTER,
        "warning": message.warning.ToTimedelta() if message.HasField("warning") else WARNING,
    }
    return {name: held[name] for name in names}


def finding_to_proto(watched: Watched, verdict: Verdict) -> pb.CleanUpIdleSessionsResponse.Finding:
    """Return what was found out about a session."""
    finding = _Response.Finding(session_id=str(watched.session_id), verdict=_Response.Verdict.Value(verdict.name))
    messages.set_times(finding, watched, "last_work_time")
    return finding
