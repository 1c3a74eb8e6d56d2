"""Every message of the contracts names and bounds its fields as the house style says."""

from buf.validate import validate_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from stateroom.api.v1 import policy_pb2

from tests.support.contracts import Rpc, inputs_of, messages, rpcs
from tests.support.each import each


def _owner(field: FieldDescriptor) -> Descriptor:
    assert field.containing_type is not None
    return field.containing_type


FIELDS = sorted((field for message in messages() for field in message.fields), key=lambda field: str(field.full_name))
SERVED = [rpc for rpc in rpcs() if rpc.is_public]
REQUEST_IDS = [field for field in FIELDS if field.name == "request_id" and _owner(field).name.endswith("Request")]
SMALL = {FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_BYTES}
BOUNDS = ("max_len", "max_bytes", "len", "pattern", "uuid", "in", "const", "email", "uri", "hostname")


def _id(value: FieldDescriptor | Rpc) -> str:
    return str(value.descriptor.full_name if isinstance(value, Rpc) else value.full_name)


def _rules(field: FieldDescriptor) -> validate_pb2.FieldRules:
    return field.GetOptions().Extensions[validate_pb2.field]


def _bounded(field: FieldDescriptor) -> bool:
    rules = _rules(field)
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        bounds = rules.map
        return bool(bounds.max_pairs) and _text_bounded(bounds.keys) and _text_bounded(bounds.values)
    if field.is_repeated:
        return bool(rules.repeated.max_items) and (field.type not in SMALL or _text_bounded(rules.repeated.items))
    return field.type not in SMALL or _text_bounded(rules)


def _text_bounded(rules: validate_pb2.FieldRules) -> bool:
    kind = rules.WhichOneof("type")
    if kind not in {"string", "bytes"}:
        return False
    declared = {rule.name for rule, _ in getattr(rules, kind).ListFields()}
    return bool(declared & set(BOUNDS))


@each(FIELDS, _id)
def test_field_that_is_an_instant_is_named_time(field: FieldDescriptor) -> None:
    """One word per concept: `create_time`, never `created_at` (AIP-142)."""
    is_instant = field.message_type is not None and field.message_type.full_name == "google.protobuf.Timestamp"
    assert (field.name == "time" or field.name.endswith("_time")) == is_instant
    assert field.name == "depends_on" or not field.name.endswith(("_at", "_on", "_date", "_timestamp"))


@each(FIELDS, _id)
def test_field_that_is_an_identifier_says_of_what(field: FieldDescriptor) -> None:
    """No bare `id` beside `workspace_id`, no `uid`, and every `…_id` is a text."""
    assert field.name not in {"id", "uid", "uuid", "guid"}
    if field.name.endswith("_id"):
        text_or_number = FieldDescriptor.TYPE_INT32 if field.name == "process_id" else FieldDescriptor.TYPE_STRING
        assert field.type == text_or_number


@each(REQUEST_IDS, _id)
def test_request_id_of_a_mutation_is_an_optional_uuid(field: FieldDescriptor) -> None:
    """A request id that is sent is a UUID; none is needed."""
    if _owner(field).name.startswith("List"):
        return  # there it is a filter
    assert _rules(field).string.uuid
    assert _rules(field).ignore == validate_pb2.IGNORE_IF_ZERO_VALUE


@each(SERVED, _id)
def test_request_always_bounds_every_text_list_and_map(rpc: Rpc) -> None:
    """What a stranger may send has a size that somebody chose."""
    assert [str(field.full_name) for field in inputs_of(rpc.descriptor.input_type) if not _bounded(field)] == []


@each([field for field in FIELDS if field.name == "page_size"], _id)
def test_page_size_that_is_negative_is_refused(field: FieldDescriptor) -> None:
    """0 asks for the default and a large one is cut; a negative one is a mistake (AIP-158)."""
    rules = _rules(field).int32
    assert rules.WhichOneof("greater_than") == "gte"
    assert rules.gte == 0


@each(FIELDS, _id)
def test_field_that_holds_a_secret_is_marked_sensitive(field: FieldDescriptor) -> None:
    """Secrets stay out of change events and logs."""
    if field.name in {"secret", "token", "credential", "password", "bootstrap_token", "environment"}:
        if _owner(field).file.package == "stateroom.api.v1" or field.type == FieldDescriptor.TYPE_ENUM:
            return
        assert field.GetOptions().Extensions[policy_pb2.sensitive]
