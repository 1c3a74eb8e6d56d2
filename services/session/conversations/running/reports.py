"""The report of a run: the last line of its output behind a mark that only its order knew."""

import json
from typing import Any

from google.protobuf.json_format import ParseDict, ParseError
from stateroom.session.v1 import action_pb2

from services.session.conversations.domain.action import Failure, Outcome, State

_MARK = "\x1e"
_NUL = b"\\u0000"  # which PostgreSQL's JSON cannot hold


def read(output: bytes, mark: str) -> Outcome | None:
    """Return what the end of an output reports; None when there is no report, or none that can be understood."""
    begin = f"{_MARK}{mark} ".encode()
    lines = [line.removeprefix(begin) for line in output.split(b"\n") if line.startswith(begin)]
    if not lines or _NUL in lines[-1]:
        return None
    try:
        return _outcome(json.loads(lines[-1]))
    except (ValueError, TypeError, AttributeError, ParseError):
        return None


def _outcome(content: dict[str, Any]) -> Outcome:
    result, failure = content.get("result"), content.get("failure")
    message = action_pb2.Action()
    if result is not None:
        result = dict(result)
        ParseDict(result, message.result)
    if failure is None:
        return Outcome(State.COMPLETED, result)
    ParseDict(failure, message.failure)
    said = message.failure
    reason = action_pb2.Action.Failure.Reason.Name(said.reason)
    return Outcome(State.FAILED, result, Failure(reason, said.message, said.path, said.edit))
