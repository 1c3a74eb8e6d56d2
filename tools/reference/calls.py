"""One request as the three calls that people make: curl, buf curl and Python.

A text of an example that begins with `$` is a variable of the shell, and of the environment in Python.
"""

import base64
import json
import shlex
import textwrap
from typing import Any
from urllib.parse import unquote, urlencode

from google.api_core import path_template
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.json_format import ParseDict
from google.protobuf.message_factory import GetMessageClass

from tools.reference.methods import Method

Request = dict[str, Any]

_AUTHORIZATION = '-H "Authorization: Bearer $STATEROOM_API_KEY"'
_LOCAL_FILE = '"$LOCAL_FILE"'
_CONTINUED = " \\\n  "


def curl(method: Method, request: Request) -> str:
    """Return the call by REST."""
    made = _transcode(method.route, request)
    asked = {_camel(name): _texts(value) for name, value in made.get("query_params", {}).items()}
    query = urlencode(asked, doseq=True, safe="$")
    parts = ["curl --fail-with-body"]
    if made["method"] != "get" and (made["method"], "body" in made) != ("post", True):
        parts[0] += f" -X {made['method'].upper()}"
    if method.policy.WhichOneof("access") == "user":
        parts.append(_AUTHORIZATION)
    if method.sends_content:
        parts.append(f"--data-binary @{_LOCAL_FILE}")
    elif "body" in made:
        parts += ["-H 'Content-Type: application/json'", f"-d {_shell(_camel_keys(made['body']))}"]
    parts.append(f'"$STATEROOM_URL{unquote(made["uri"])}{"?" + query if query else ""}"')
    if method.returns_content:
        parts.insert(1, f"--output {_LOCAL_FILE}")
    return _CONTINUED.join(parts)


def _transcode(route: dict[str, str], request: Request) -> dict[str, Any]:
    """Return the parts of a call by REST. A field `message` goes by another name: that one is an argument's there."""
    named = {f"{name}_" if name == "message" else name: value for name, value in request.items()}
    if route.get("body") == "message":
        route = route | {"body": "message_"}
    made: dict[str, Any] = path_template.transcode([route], **named)  # type: ignore[no-untyped-call]  # google-api-core
    return made


def buf_curl(method: Method, request: Request) -> str:
    """Return the call by gRPC from the shell; the service describes itself by reflection."""
    parts = ["buf curl --protocol grpc"]
    if method.policy.WhichOneof("access") == "user":
        parts.append(_AUTHORIZATION)
    if request:
        parts.append(f"-d {_shell(_camel_keys(request))}")
    service = method.descriptor.containing_service.full_name
    parts.append(f'"http://${variable(method)}/{service}/{method.descriptor.name}"')
    return _CONTINUED.join(parts)


def python(method: Method, request: Request) -> str:
    """Return the call by gRPC from Python."""
    descriptor = method.descriptor
    module = descriptor.input_type.file.name.removesuffix(".proto").rpartition("/")[2]
    file = descriptor.containing_service.file
    served = file.name.removesuffix(".proto").rpartition("/")[2]
    message = f"{module}_pb2.{_literal(descriptor.input_type, request)}"
    lines = [
        "import os",
        *(["from datetime import timedelta"] if "timedelta(" in message else []),
        "",
        "import grpc",
        f"from {file.package} import {', '.join(sorted({f'{module}_pb2', f'{served}_pb2_grpc'}))}",
        "",
        f'with grpc.insecure_channel(os.environ["{variable(method)}"]) as channel:',
        f"    stub = {served}_pb2_grpc.{descriptor.containing_service.name}Stub(channel)",
        f"    request = {message}",
    ]
    sent = "iter([request])" if descriptor.client_streaming else "request"
    key = 'metadata=[("authorization", "Bearer " + os.environ["STATEROOM_API_KEY"])]'
    arguments = f"{sent}, {key}" if method.policy.WhichOneof("access") == "user" else sent
    call = f"stub.{descriptor.name}({arguments})"
    if descriptor.server_streaming:
        return "\n".join([*lines, f"    for response in {call}:", "        print(response)"])
    return "\n".join([*lines, f"    print({call})"])


def variable(method: Method) -> str:
    """Return the variable of the environment that has the address of a method's service."""
    return f"STATEROOM_{method.service.upper()}"


def check(method: Method, request: Request) -> None:
    """Raise google.protobuf.json_format.ParseError when an example is no request of its method."""
    ParseDict(request, GetMessageClass(method.descriptor.input_type)())


def _texts(value: Any) -> list[str]:
    """Return the values of a parameter, which stands in the query as often as it has values."""
    return [_text(each) for each in (value if isinstance(value, list) else [value])]


def _text(value: Any) -> str:  # a scalar of JSON
    """Return a value as a query has it."""
    return value if isinstance(value, str) else json.dumps(value)


def _camel(path: str) -> str:
    head, *rest = path.split("_")
    return head + "".join(part.capitalize() for part in rest)


def _camel_keys(value: Any) -> Any:  # JSON
    if isinstance(value, dict):
        return {_camel(name): _camel_keys(inner) for name, inner in value.items()}
    return [_camel_keys(inner) for inner in value] if isinstance(value, list) else value


def _shell(value: Any) -> str:  # JSON
    """Return JSON as a word of the shell in which variables are put in."""
    text = json.dumps(value)
    if "$" not in text:
        return shlex.quote(text)
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _literal(message: Descriptor, value: Request) -> str:
    fields = message.fields_by_name
    arguments = [f"{name}={_value(fields[name], inner)}" for name, inner in value.items()]
    line = f"{_class(message)}({', '.join(arguments)})"
    if len(line) <= 80:  # noqa: PLR2004  # what fits beside the name of its variable
        return line
    block = textwrap.indent(",\n".join(arguments), " " * 8)
    return f"{_class(message)}(\n{block},\n    )"


def _class(message: Descriptor) -> str:
    return str(message.full_name.removeprefix(f"{message.file.package}."))


def _value(field: FieldDescriptor, value: Any) -> str:  # JSON
    if isinstance(value, list):
        return "[" + ", ".join(_single(field, one) for one in value) + "]"
    return _single(field, value)


def _single(field: FieldDescriptor, value: Any) -> str:  # JSON without lists at the top
    inner = field.message_type
    if isinstance(value, dict) and inner is not None:
        plain = inner.GetOptions().map_entry or inner.full_name == "google.protobuf.Struct"
        pairs = {name: _plain(one) if plain else _value(inner.fields_by_name[name], one) for name, one in value.items()}
        return "{" + ", ".join(f'"{name}": {text}' for name, text in pairs.items()) + "}"
    if inner is not None and inner.full_name == "google.protobuf.Duration":
        return f"timedelta(seconds={value.removesuffix('s')})"
    if field.type == FieldDescriptor.TYPE_BYTES:
        return repr(base64.b64decode(value))
    return _plain(value)


def _plain(value: Any) -> str:  # JSON without lists and objects
    if isinstance(value, str):
        return f'os.environ["{value[1:]}"]' if value.startswith("$") else json.dumps(value)
    return repr(value)
