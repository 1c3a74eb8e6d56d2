"""The whole document: every route of the contracts, and the components that they refer to."""

from importlib import metadata
from typing import Any

from gateway.openapi.contracts import Contracts
from gateway.openapi.operations import PARAMETERS, Operations, path_of
from gateway.openapi.responses import ERROR, REASONS, error_schema
from gateway.openapi.rules import JsonSchema
from gateway.openapi.schemas import Schemas, reference
from gateway.transcode.routes import Route
from gateway.transcode.schema import Method, Schema
from gateway.transcode.template import parse_template

_INTRODUCTION = """\
Durable rooms for developers and coding agents. Every operation is also a gRPC method, named by `x-grpc-method`.

Names of fields are in lowerCamelCase, 64-bit integers are strings, and fields of the type `bytes` are base64.
A field that does not exist is refused, in a body as in a query. `pretty` in a query asks for indented JSON."""
_BEARER = {
    "type": "http",
    "scheme": "bearer",
    "description": "An API key or a session credential. A browser's WebSocket offers it as the subprotocol `bearer.…`.",
}
_TICKET = {
    "type": "apiKey",
    "in": "query",
    "name": "ticket",
    "description": "What opening a share link gave. It works once, and for half a minute.",
}


def build(schema: Schema, descriptor_set: bytes) -> JsonSchema:
    """Return the document for the methods of a schema, which was read from the same descriptor set.

    Raises:
        ValueError: two methods have the same operation id.
    """
    contracts = Contracts(descriptor_set)
    schemas = Schemas(contracts)
    operations = Operations(contracts, schemas)
    paths: dict[str, dict[str, Any]] = {}
    taken: set[str] = set()
    for method in schema.methods:
        for at, binding in enumerate(method.bindings):
            route = Route(method, binding, parse_template(binding.path))
            name = _operation_id(method, at)
            if name in taken:
                msg = f"two methods are called {name}"
                raise ValueError(msg)
            taken.add(name)
            operation = {"operationId": name} | operations.operation(route)
            paths.setdefault(path_of(route), {})[binding.http_method.lower()] = operation
    schemas.enum(contracts.enum(REASONS))
    components = schemas.components | {ERROR: error_schema(schemas)}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Stateroom", "version": metadata.version("stateroom"), "description": _INTRODUCTION},
        "servers": [{"url": "/"}],
        "tags": _tags(schema, contracts),
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": dict(sorted((components | schemas.components).items())),
            "parameters": {name: {"in": "header"} | parameter for name, parameter in PARAMETERS.items()},
            "responses": {"Error": _any_failure()},
            "securitySchemes": {"bearer": _BEARER, "ticket": _TICKET},
        },
    }


def _operation_id(method: Method, at: int) -> str:
    """Return the name of a method's mapping: the first has the method's own, as grpc-gateway's documents do."""
    name = f"{method.service.rpartition('.')[2]}_{method.name}"
    return f"{name}_{at + 1}" if at else name


def _tags(schema: Schema, contracts: Contracts) -> list[JsonSchema]:
    services = dict.fromkeys(method.service for method in schema.methods)
    return [
        {"name": service.rpartition(".")[2], "description": contracts.comment(service).replace("\n", " ")}
        for service in services
    ]


def _any_failure() -> JsonSchema:
    return {
        "description": "Any other failure: limits, a service that does not answer, a fault.",
        "content": {"application/json": {"schema": reference(ERROR)}},
    }
