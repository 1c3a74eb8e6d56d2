"""One HTTP mapping of a method as an operation: parameters, body, answers, and who may call it."""

import re
from collections.abc import Iterator
from typing import Any

from google.api import field_behavior_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor
from stateroom.api.v1 import policy_pb2

from gateway.openapi.contracts import Contracts
from gateway.openapi.responses import CONTENT, content_responses, failures, split_comment, success
from gateway.openapi.rules import JsonSchema, is_required, message_sentences
from gateway.openapi.schemas import Schemas
from gateway.transcode.names import ETAG_FIELD, LENGTH_FIELD, REQUEST_ID_FIELD
from gateway.transcode.routes import Route
from gateway.transcode.schema import WHOLE_BODY
from gateway.websocket import SUBPROTOCOL

PARAMETERS: dict[str, JsonSchema] = {
    "account": {
        "name": "Stateroom-Account",
        "description": "The account to act in; that of the credential without it.",
        "schema": {"type": "string", "format": "uuid"},
    },
    "idempotencyKey": {
        "name": "Idempotency-Key",
        "description": "Makes a repeated call harmless; the same as `requestId`.",
        "schema": {"type": "string", "format": "uuid"},
    },
    "ifMatch": {
        "name": "If-Match",
        "description": "The etag that was read; the same as `etag`, but a mismatch is 412.",
        "schema": {"type": "string"},
    },
    "ifNoneMatch": {
        "name": "If-None-Match",
        "description": "The etag that is known; 304 when it is still the one.",
        "schema": {"type": "string"},
    },
    "range": {
        "name": "Range",
        "description": "One range of bytes, which takes the place of `offset` and `length`.",
        "schema": {"type": "string", "pattern": "^bytes=[0-9]{1,18}-[0-9]{0,18}$"},
    },
    "lastEventId": {
        "name": "Last-Event-ID",
        "description": "The `id` of the last event that arrived; the stream goes on after it.",
        "schema": {"type": "string", "pattern": "^[0-9]{1,19}$"},
    },
}
"""Headers that several operations take: name of the component → the component, without `in`."""

_VARIABLE = re.compile(r"\{([^}=]+)(?:=[^}]*)?\}")
_SENTENCE = re.compile(r"\.(?=\s|\Z)")
_BODY = FieldDescriptor.TYPE_MESSAGE


def path_of(route: Route) -> str:
    """Return the path with the names of its parameters."""
    return _VARIABLE.sub(lambda match: f"{{{route.parameter_name(match[1])}}}", route.binding.path)


class Operations:
    """Makes operations; what they refer to collects in `schemas`."""

    def __init__(self, contracts: Contracts, schemas: Schemas) -> None:
        self._contracts = contracts
        self._schemas = schemas

    def operation(self, route: Route) -> JsonSchema:
        """Return the operation of a route, without the name that tells it from others."""
        known, request = route.method, self._contracts.message(route.method.request.full_name)
        method = self._contracts.method(known.service, known.name)
        text, errors = split_comment(self._contracts.comment(method.full_name))
        policy = method.GetOptions().Extensions[policy_pb2.policy]
        made: JsonSchema = {
            "tags": [known.service.rpartition(".")[2]],
            "summary": _SENTENCE.split(text, maxsplit=1)[0].replace("\n", " "),
            "description": " ".join([text.replace("\n", " "), *message_sentences(request)]),
            "parameters": [*self._path(route), *self._query(route, request), *_headers(route)],
            "responses": self._success(route, method) | failures(errors, anonymous=known.anonymous),
            "security": [] if known.anonymous else [{"bearer": []}],
            "x-grpc-method": known.grpc_path.removeprefix("/"),
        }
        if not known.anonymous:
            made["x-permission"] = policy.user.permission
            made["x-role"] = policy_pb2.Role.Name(policy.user.role)
        if route.binding.body:
            made["requestBody"] = self._body(route, request)
        if known.client_streaming and not route.takes_content:
            made["x-websocket"] = self._websocket(method)
        return made

    def _success(self, route: Route, method: MethodDescriptor) -> JsonSchema:
        if route.method.response.is_content:
            return content_responses(ranged=LENGTH_FIELD in route.method.request.fields)
        opens_socket = method.client_streaming and not route.takes_content
        return success(method, self._schemas, conditional=_is_conditional(route), opens_socket=opens_socket)

    def _path(self, route: Route) -> Iterator[JsonSchema]:
        for variable in route.template.variables:
            field = self._field(route, variable.field_path)
            name = route.parameter_name(variable.field_path)
            yield {"name": name, "in": "path", "required": True} | self._described(field)

    def _query(self, route: Route, request: Descriptor) -> Iterator[JsonSchema]:
        if route.binding.body == WHOLE_BODY:
            return
        bound = {variable.field_path for variable in route.template.variables}
        for path, field in _leaves(request, "", ""):
            top = path.partition(".")[0]
            if path in bound or (top == route.binding.body and top) or (field.is_repeated and field.type == _BODY):
                continue
            direct = path.removeprefix(f"{route.shared_prefix}.") if route.shared_prefix else path
            name = ".".join(item.json_name for item in route.method.request.resolve(path))
            name = name if direct == path else name.partition(".")[2]
            required = {"required": True} if is_required(field) else {}
            yield {"name": name, "in": "query"} | required | self._described(field)

    def _body(self, route: Route, request: Descriptor) -> JsonSchema:
        if route.takes_content:
            return {"required": False, "content": CONTENT}
        if route.binding.body != WHOLE_BODY:
            field = request.fields_by_name[route.binding.body]
            schema, required = self._schemas.field(field), is_required(field)
        else:
            bound = {variable.field_path for variable in route.template.variables}
            fields = [field for field in request.fields if field.name not in bound]
            needed = [field.json_name for field in fields if is_required(field)]
            schema = {"type": "object", "properties": {field.json_name: self._schemas.field(field) for field in fields}}
            schema |= {"required": needed} if needed else {}
            required = bool(needed)
        return {"required": required, "content": {"application/json": {"schema": schema}}}

    def _websocket(self, method: MethodDescriptor) -> JsonSchema:
        frames = method.GetOptions().Extensions[policy_pb2.stream]
        return {
            "subprotocol": SUBPROTOCOL,
            "clientMessage": self._schemas.message(method.input_type),
            "serverMessage": self._schemas.message(method.output_type),
            "clientBinaryFrame": frames.request_bytes,
            "serverBinaryFrame": frames.response_bytes,
            "closeCodes": {
                "1000": "The method ended well.",
                "1011": "A fault of the server.",
                "1012": "Connect again.",
                "4000-4999": "4000 plus the HTTP status of the failure, which is the last text frame.",
            },
        }

    def _field(self, route: Route, path: str) -> FieldDescriptor:
        *parents, last = path.split(".")
        message = self._contracts.message(route.method.request.full_name)
        for name in parents:
            inner = message.fields_by_name[name].message_type
            message = inner if inner is not None else message
        return message.fields_by_name[last]

    def _described(self, field: FieldDescriptor) -> JsonSchema:
        schema = self._schemas.field(field)
        text = schema.pop("description", "")
        return ({"description": text} if text else {}) | {"schema": schema}


def _leaves(message: Descriptor, prefix: str, seen: str) -> Iterator[tuple[str, FieldDescriptor]]:
    """Yield the fields that a query can name, those of messages inside too; none twice on the way down."""
    for field in message.fields:
        path, inner = prefix + field.name, field.message_type
        if field_behavior_pb2.OUTPUT_ONLY in field.GetOptions().Extensions[field_behavior_pb2.field_behavior]:
            continue
        opens = inner is not None and not field.is_repeated and not inner.full_name.startswith("google.protobuf.")
        if opens and inner is not None:
            if f"|{inner.full_name}|" not in seen:
                yield from _leaves(inner, f"{path}.", f"{seen}|{inner.full_name}|")
        else:
            yield path, field


def _is_conditional(route: Route) -> bool:
    method = route.method
    return route.binding.http_method == "GET" and not method.server_streaming and ETAG_FIELD in method.response.fields


def _headers(route: Route) -> Iterator[JsonSchema]:
    fields: Any = route.method.request.fields
    changes = route.binding.http_method != "GET"
    is_content_part = route.method.response.is_content and LENGTH_FIELD in fields
    wanted = {
        "account": not route.method.anonymous,
        "idempotencyKey": changes and REQUEST_ID_FIELD in fields,
        "ifMatch": changes and ETAG_FIELD in fields,
        "ifNoneMatch": _is_conditional(route) or is_content_part,
        "range": is_content_part,
        "lastEventId": route.method.resume is not None,
    }
    for name, holds in wanted.items():
        if holds:
            yield {"$ref": f"#/components/parameters/{name}"}
