"""The pages of the reference, as Markdown."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from google.api import field_behavior_pb2
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from stateroom.api.v1 import policy_pb2

from gateway.openapi.contracts import Contracts
from gateway.openapi.responses import split_comment
from gateway.openapi.rules import is_required, message_sentences, rules_of, sentences
from tools.reference import calls
from tools.reference.methods import Method

_INTRODUCTION = Path(__file__).with_name("introduction.md")


def index(contracts: Contracts, by_service: Mapping[str, Sequence[Method]]) -> str:
    """Return the first page: what holds for all methods, and the list of them."""
    lines = [_INTRODUCTION.read_text()]
    for service, listed in by_service.items():
        lines += [f"## [{service}]({service}.md)", "", "| Method | REST | |", "|---|---|---|"]
        for method in listed:
            text, _ = split_comment(contracts.comment(method.descriptor.full_name))
            name = method.descriptor.name
            lines.append(f"| [{name}]({service}.md#{name.lower()}) | {_route(method)} | {_first_sentence(text)} |")
        lines.append("")
    return "\n".join(lines)


def page(contracts: Contracts, service: str, listed: Sequence[Method], examples: Mapping[str, Any]) -> str:
    """Return the page of one service: its methods, then the messages they speak of."""
    introduction = f"`${calls.variable(listed[0])}` and the other variables are those of the [index](README.md)."
    lines = [f"# API of the {service} service", "", introduction, ""]
    seen: dict[str, Descriptor | EnumDescriptor] = {}
    for method in listed:
        lines += _method(contracts, method, examples[method.name])
        for message in (method.descriptor.input_type, method.descriptor.output_type):
            _collect(message, seen)
    requests = {method.descriptor.input_type.full_name for method in listed}
    lines += ["## Messages", ""]
    for name in sorted(seen.keys() - requests):
        lines += _declaration(contracts, seen[name])
    return "\n".join(lines).rstrip() + "\n"


def _method(contracts: Contracts, method: Method, request: calls.Request) -> Iterator[str]:
    calls.check(method, request)
    text, errors = split_comment(contracts.comment(method.descriptor.full_name))
    yield from (f"## {method.descriptor.name}", "", f"{_route(method)} · {_access(method)}", "", text, "")
    if sentence := " ".join(message_sentences(method.descriptor.input_type)):
        yield from (sentence, "")
    yield from _fields(contracts, method.descriptor.input_type)
    if (body := method.route.get("body", "*")) != "*":
        field = method.descriptor.input_type.fields_by_name[body]
        what = "content itself, of any type" if method.sends_content else f"{_type(field)} itself"
        yield from (f"Over REST the body is the {what}, without `{field.json_name}` around it.", "")
    kind = method.descriptor.output_type
    many = "A stream of " if method.descriptor.server_streaming else ""
    yield from (f"Returns: {many}{_link(kind)}.", "")
    if errors:
        yield from (f"Errors: {' '.join(errors.split())}", "")
    if not method.is_bidirectional:
        yield from ("```sh", calls.curl(method, request), "```", "")
    yield from ("```sh", calls.buf_curl(method, request), "```", "")
    yield from ("```python", calls.python(method, request), "```", "")


def _route(method: Method) -> str:
    verb = "WebSocket" if method.is_bidirectional else method.route["method"].upper()
    return f"`{verb} {method.route['uri']}`"


def _access(method: Method) -> str:
    policy = method.policy
    if policy.WhichOneof("access") == "anonymous":
        return "no credential needed"
    return f"permission `{policy.user.permission}` · role {policy_pb2.Role.Name(policy.user.role)}"


def _declaration(contracts: Contracts, declared: Descriptor | EnumDescriptor) -> Iterator[str]:
    yield from (f"### {_name(declared)}", "", contracts.comment(declared.full_name), "")
    if isinstance(declared, Descriptor):
        yield from _fields(contracts, declared)
        return
    yield from ("| Value | |", "|---|---|")
    for value in declared.values:
        yield f"| `{value.name}` | {_cell(contracts.comment(f'{declared.full_name}.{value.name}'))} |"
    yield ""


def _fields(contracts: Contracts, message: Descriptor) -> Iterator[str]:
    if not message.fields:
        return
    yield from ("| Field | Type | |", "|---|---|---|")
    for field in message.fields:
        text = " ".join([contracts.comment(field.full_name), *sentences(rules_of(field).cel), *_behaviour(field)])
        yield f"| `{field.json_name}` | {_type(field)} | {_cell(text)} |"
    yield ""


def _behaviour(field: FieldDescriptor) -> Iterator[str]:
    declared = field.GetOptions().Extensions[field_behavior_pb2.field_behavior]
    if field_behavior_pb2.OUTPUT_ONLY in declared:
        yield "*Output only.*"
    if field_behavior_pb2.IMMUTABLE in declared:
        yield "*Set at creation.*"
    if is_required(field):
        yield "**Required.**"


def _type(field: FieldDescriptor) -> str:
    inner = field.message_type
    if inner is not None and inner.GetOptions().map_entry:
        key, value = inner.fields_by_name["key"], inner.fields_by_name["value"]
        return f"map of {_type(key)} to {_type(value)}"
    declared = inner or field.enum_type
    name = _link(declared) if declared is not None else _SCALARS[field.type]
    return f"list of {name}" if field.is_repeated else name


_SCALARS = {
    getattr(FieldDescriptor, f"TYPE_{name.upper()}"): name
    for name in ("bool", "bytes", "double", "float", "int32", "int64", "string", "uint32", "uint64")
}


def _link(declared: Descriptor | EnumDescriptor) -> str:
    if not declared.full_name.startswith("stateroom."):
        return str(declared.name)
    return f"[{_name(declared)}](#{_name(declared).lower().replace('.', '')})"


def _name(declared: Descriptor | EnumDescriptor) -> str:
    return str(declared.full_name.removeprefix(f"{declared.file.package}."))


def _collect(message: Descriptor, seen: dict[str, Descriptor | EnumDescriptor]) -> None:
    if message.full_name in seen or not message.full_name.startswith("stateroom."):
        return
    if not message.GetOptions().map_entry:
        seen[message.full_name] = message
    for field in message.fields:
        if field.enum_type is not None:
            seen[field.enum_type.full_name] = field.enum_type
        if field.message_type is not None:
            _collect(field.message_type, seen)


def _first_sentence(text: str) -> str:
    return _cell(text.partition(". ")[0].partition(".\n")[0].rstrip(".")) + "."


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
