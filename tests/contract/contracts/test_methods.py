"""Every method of the contracts follows the rules that gateway, console and command line rely on."""

import re
from collections import Counter
from collections.abc import Iterator

from buf.validate import validate_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from stateroom.api.v1 import policy_pb2
from stateroom.workspace.v1 import identity_service_pb2

from tests.support.contracts import ROOT, VERBS, Rpc, rpcs
from tests.support.each import each

RPCS = rpcs()
PUBLIC = [rpc for rpc in RPCS if rpc.is_public]
MUTATIONS = [rpc for rpc in RPCS if rpc.is_mutation]
BIDIRECTIONAL = [rpc for rpc in PUBLIC if rpc.descriptor.client_streaming and rpc.descriptor.server_streaming]
RESUMABLE = [rpc for rpc in RPCS if rpc.descriptor.GetOptions().HasExtension(policy_pb2.resume)]


KEPT_BACK = {"stateroom.audit.v1.AuditLog.change"}
"""Reviewed: no list has it, and auditors are let into lists alone."""


def _id(rpc: Rpc) -> str:
    return str(rpc.descriptor.full_name)


def _fields(rpc: Rpc) -> dict[str, FieldDescriptor]:
    return dict(rpc.descriptor.input_type.fields_by_name)


def _field(message: Descriptor, path: str) -> FieldDescriptor:
    first, _, rest = path.partition(".")
    field = message.fields_by_name[first]
    if not rest:
        return field
    assert field.message_type is not None
    return _field(field.message_type, rest)


@each(RPCS, _id)
def test_rpc_always_declares_its_policy(rpc: Rpc) -> None:
    """Nobody can call a method of which nobody decided who may."""
    assert rpc.access is not None
    assert rpc.policy.rate_class != policy_pb2.RATE_CLASS_UNSPECIFIED
    if rpc.access == "user":
        assert re.fullmatch(r"[a-z_]+\.(read|write)", rpc.policy.user.permission)
        assert rpc.policy.user.role != policy_pb2.ROLE_UNSPECIFIED
    if rpc.access == "internal":
        assert rpc.policy.internal.callers


@each(RPCS, _id)
def test_rpc_always_explains_itself_and_its_errors(rpc: Rpc) -> None:
    """The comment says what the method does, and names its errors."""
    assert rpc.comment.strip()
    assert "Errors: " in rpc.comment


@each(RPCS, _id)
def test_rpc_that_is_public_and_no_other_has_a_route(rpc: Rpc) -> None:
    """REST reaches exactly what people may call."""
    routes = [getattr(rpc.http, verb) for verb in VERBS if getattr(rpc.http, verb)]
    assert len(routes) == (1 if rpc.is_public else 0)
    assert all(route.startswith("/v1/") for route in routes)


def test_routes_are_unique() -> None:
    """No two methods answer the same request."""
    routes = Counter((verb, re.sub(r"\{[^}]*\}", "{}", path)) for verb, path in (rpc.route for rpc in PUBLIC))
    assert [route for route, count in routes.items() if count > 1] == []


@each(PUBLIC, _id)
def test_route_of_reads_is_get_and_of_mutations_is_not(rpc: Rpc) -> None:
    """A GET changes nothing, so that a browser may repeat it."""
    verb, _ = rpc.route
    assert (verb == "get") == (rpc.policy.rate_class in {policy_pb2.READ, policy_pb2.STREAM})


@each(MUTATIONS, _id)
def test_mutation_takes_a_request_id_and_names_its_audit_action(rpc: Rpc) -> None:
    """A repeated mutation is harmless, and the log has a word for it."""
    assert "request_id" in _fields(rpc)
    assert re.fullmatch(r"[a-z_]+\.[a-z_]+", rpc.policy.audit_action)


@each([rpc for rpc in RPCS if not rpc.is_mutation and rpc.access == "user"], _id)
def test_read_names_no_audit_action(rpc: Rpc) -> None:
    """Reads are no changes."""
    assert not rpc.policy.audit_action


@each([rpc for rpc in PUBLIC if rpc.is_list], _id)
def test_list_always_pages(rpc: Rpc) -> None:
    """Every list has pages from its first version; adding them later would break callers (AIP-158)."""
    request, response = _fields(rpc), rpc.descriptor.output_type
    assert request["page_size"].type == FieldDescriptor.TYPE_INT32
    assert request["page_token"].type == FieldDescriptor.TYPE_STRING
    assert response.fields_by_name["next_page_token"].type == FieldDescriptor.TYPE_STRING
    assert response.fields_by_number[1].is_repeated
    assert [field.name for field in response.fields if field.is_repeated] == [response.fields_by_number[1].name]


@each(PUBLIC, _id)
def test_update_or_delete_takes_an_etag(rpc: Rpc) -> None:
    """Nobody overwrites or deletes what he has not seen unless he says so (AIP-154)."""
    if rpc.route[0] in {"patch", "put", "delete"}:
        assert "etag" in _fields(rpc)
    if rpc.name.startswith("Update"):
        assert rpc.route[0] == "patch"


BY_HTTP = {"ConnectPreview"}
"""Bidirectional methods whose alternative is plain HTTP, at the origin of a preview."""


@each(BIDIRECTIONAL, _id)
def test_bidirectional_method_names_its_frames_and_has_an_alternative(rpc: Rpc) -> None:
    """Binary frames carry declared fields, and who has no WebSocket reads and writes by plain calls (AIP-127)."""
    options = rpc.descriptor.GetOptions()
    assert options.HasExtension(policy_pb2.stream)
    frames = options.Extensions[policy_pb2.stream]
    for root, path in (
        (rpc.descriptor.input_type, frames.request_bytes),
        (rpc.descriptor.output_type, frames.response_bytes),
    ):
        assert _field(root, path).type == FieldDescriptor.TYPE_BYTES
    if rpc.name in BY_HTTP:
        return
    others = [other for other in rpc.descriptor.containing_service.methods if not other.client_streaming]
    assert any(other.server_streaming for other in others)
    assert any(not other.server_streaming and other.name.startswith("Write") for other in others)


@each(RESUMABLE, _id)
def test_stream_that_is_resumed_names_a_position_on_both_sides(rpc: Rpc) -> None:
    """A position that a response tells is one that a request takes."""
    assert rpc.descriptor.server_streaming
    assert not rpc.descriptor.client_streaming
    option = rpc.descriptor.GetOptions().Extensions[policy_pb2.resume]
    assert _field(rpc.descriptor.output_type, option.response_position).type == FieldDescriptor.TYPE_INT64
    assert _field(rpc.descriptor.input_type, option.request_position).type == FieldDescriptor.TYPE_INT64
    if option.response_bytes:
        assert _field(rpc.descriptor.output_type, option.response_bytes).type == FieldDescriptor.TYPE_BYTES


@each(PUBLIC, _id)
def test_route_variables_are_fields_of_the_request(rpc: Rpc) -> None:
    """Each variable of a path is a text field of the request, and `body` one of its messages."""
    for variable in re.findall(r"\{([^}=]+)", rpc.route[1]):
        assert _field(rpc.descriptor.input_type, variable).type == FieldDescriptor.TYPE_STRING
    if rpc.http.body not in {"", "*"}:
        assert rpc.http.body in _fields(rpc)


def test_internal_methods_are_called_by_services_of_ours() -> None:
    """A caller's name that no process has would be a door nobody watches."""
    known = {"gateway", *(main.parent.name for main in ROOT.glob("services/*/__main__.py"))}
    assert {caller for rpc in RPCS for caller in rpc.policy.internal.callers} <= known


def test_scopes_of_a_key_are_the_permissions_that_methods_ask_for() -> None:
    """A scope that opens nothing is a typing error; one that is missing could be given to no key."""
    scopes = identity_service_pb2.ApiKey.DESCRIPTOR.fields_by_name["scopes"]
    given = scopes.GetOptions().Extensions[validate_pb2.field].repeated.items.string
    asked = {rpc.policy.user.permission for rpc in RPCS if rpc.access == "user"}
    assert set(getattr(given, "in")) == asked | {"*"}


@each([rpc for rpc in RPCS if rpc.policy.user.auditor], _id)
def test_rpc_that_lets_auditors_in_shows_no_content(rpc: Rpc) -> None:
    """They see that things are there: nothing that change events leave out, no bytes, and they change nothing."""
    assert rpc.policy.rate_class == policy_pb2.READ or rpc.name == "LeaveTeam"
    shown = list(_shown(rpc.descriptor.output_type))
    assert not [field.full_name for field in shown if field.GetOptions().Extensions[policy_pb2.sensitive]]
    assert not [field.full_name for field in shown if field.type == FieldDescriptor.TYPE_BYTES]


def _shown(message: Descriptor, *above: Descriptor) -> Iterator[FieldDescriptor]:
    """Yield the fields of a message, and of those in it."""
    for field in message.fields:
        if field.full_name in KEPT_BACK:
            continue
        yield field
        if field.message_type is not None and field.message_type not in above:
            yield from _shown(field.message_type, message, *above)
