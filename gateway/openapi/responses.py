"""Answers of a method: its message or stream, and the failures that its comment names."""

import re
from collections import defaultdict

import grpc
from google.protobuf.descriptor import MethodDescriptor
from google.rpc import error_details_pb2

from chassis.errors import (
    CredentialInvalid,
    CredentialMalformed,
    CredentialMissing,
    DomainError,
    EtagMismatch,
    RoleTooLow,
    ScopeMissing,
)
from gateway.failures import HTTP_STATUS, PRECONDITION_FAILED
from gateway.openapi.rules import JsonSchema
from gateway.openapi.schemas import Schemas, reference

ERROR = "stateroom.Error"
REASONS = "stateroom.error.v1.ErrorReason"
_ERRORS = re.compile(r"^Errors: (.*)\Z", re.DOTALL | re.MULTILINE)
_CODE = re.compile(r"([A-Z_]+) \(([A-Z0-9_,\s]+)\)")
_DETAILS = (
    error_details_pb2.ErrorInfo,
    error_details_pb2.BadRequest,
    error_details_pb2.RetryInfo,
    error_details_pb2.RequestInfo,
)
_REFUSED: dict[grpc.StatusCode, tuple[type[DomainError], ...]] = {
    grpc.StatusCode.UNAUTHENTICATED: (CredentialMissing, CredentialMalformed, CredentialInvalid),
    grpc.StatusCode.PERMISSION_DENIED: (ScopeMissing, RoleTooLow),
}
"""What every method with a credential may answer, and no comment repeats."""


def error_schema(schemas: Schemas) -> JsonSchema:
    """Return the schema of an error body (AIP-193), and add those of its details."""
    details = []
    for kind in _DETAILS:
        tag = {"type": "string", "const": f"type.googleapis.com/{kind.DESCRIPTOR.full_name}"}
        tagged = {"type": "object", "properties": {"@type": tag}, "required": ["@type"]}
        details.append({"allOf": [tagged, schemas.message(kind.DESCRIPTOR)]})
    error = {
        "type": "object",
        "required": ["code", "status", "message", "details"],
        "properties": {
            "code": {"type": "integer", "description": "The HTTP status."},
            "status": {"type": "string", "enum": [code.name for code in HTTP_STATUS]},
            "message": {"type": "string", "description": "A sentence for people; programs read the reason."},
            "details": {"type": "array", "items": {"anyOf": details}},
        },
    }
    text = f"A failure. Its reason, one of `{REASONS}`, stands in the google.rpc.ErrorInfo of its details."
    return {"type": "object", "description": text, "required": ["error"], "properties": {"error": error}}


def split_comment(comment: str) -> tuple[str, str]:
    """Return what a method does, and what stands behind `Errors:`."""
    match = _ERRORS.search(comment)
    return (comment[: match.start()].strip(), match[1]) if match else (comment.strip(), "")


def failures(errors: str, *, anonymous: bool) -> JsonSchema:
    """Return responses for the codes and reasons that a comment names, and for those that every method has."""
    reasons: dict[int, list[str]] = defaultdict(list)
    if not anonymous:
        for code, kinds in _REFUSED.items():
            reasons[HTTP_STATUS[code]] += [kind.reason for kind in kinds]
    for name, listed in _CODE.findall(errors):
        reasons[HTTP_STATUS[grpc.StatusCode[name]]] += [reason.strip() for reason in listed.split(",")]
    if EtagMismatch.reason in reasons[HTTP_STATUS[grpc.StatusCode.ABORTED]]:
        reasons[PRECONDITION_FAILED] = [EtagMismatch.reason]
    made: JsonSchema = {str(status): _failure(reasons[status]) for status in sorted(reasons) if reasons[status]}
    return made | {"default": {"$ref": "#/components/responses/Error"}}


def _failure(reasons: list[str]) -> JsonSchema:
    text = f"Reasons: {', '.join(f'`{reason}`' for reason in reasons)}."
    return {"description": text, "content": {"application/json": {"schema": reference(ERROR)}}, "x-reasons": reasons}


CONTENT: JsonSchema = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
"""Bytes, as a body."""


def content_responses(*, ranged: bool) -> JsonSchema:
    """Return the responses of a call that answers with content; a `ranged` one may be asked for a part of it."""
    any_type = {"*/*": CONTENT["application/octet-stream"]}
    whole: JsonSchema = {"200": {"description": "The content.", "content": any_type}}
    if not ranged:
        return whole
    return whole | {
        "206": {"description": "The part that `Range` asks for.", "content": any_type},
        "304": {"description": "The etag is still the one that the caller knows."},
        "416": {"description": "Nothing begins where `Range` does."},
    }


def success(method: MethodDescriptor, schemas: Schemas, *, conditional: bool, opens_socket: bool) -> JsonSchema:
    """Return the responses of a call that goes well; a `conditional` one may be asked only for what is new."""
    message = schemas.message(method.output_type)
    if opens_socket:
        return {"101": {"description": "The WebSocket is open; see `x-websocket`."}}
    if not method.server_streaming:
        done = {"200": {"description": "Done.", "content": {"application/json": {"schema": message}}}}
        return done | (
            {"304": {"description": "The etag is still the one that the caller knows."}} if conditional else {}
        )
    line = {"type": "object", "properties": {"result": message, "error": {"$ref": f"{_PATH}/properties/error"}}}
    text = (
        'A stream. As lines: `{"result": …}` for each item, and a last `{"error": …}` when it fails. '
        "As events: `data` is an item, `id` the position for `Last-Event-ID`; `error` or `end` is the last."
    )
    event = {"type": "string", "description": "Server-sent events.", "contentMediaType": "application/json"}
    content = {
        "application/x-ndjson": {"schema": line},
        "text/event-stream": {"schema": event | {"contentSchema": message}},
    }
    return {"200": {"description": text, "content": content}}


_PATH = reference(ERROR)["$ref"]
