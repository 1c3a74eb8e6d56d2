"""The JSON Schema of a workflow in a file: YAML with the names that contracts have, checked by any editor."""

from google.protobuf.descriptor import Descriptor

from gateway.openapi.contracts import Contracts
from gateway.openapi.rules import JsonSchema
from gateway.openapi.schemas import Schemas

_PACKAGE = "stateroom.execution.v1"
_DESCRIBED = ("name", "description", "tags", "is_public")
_REF, _DEF = "#/components/schemas/", "#/$defs/"


def build(contracts: Contracts) -> JsonSchema:
    """Return the schema, draft 2020-12."""
    schemas = Schemas(contracts)
    workflow, definition = (contracts.message(f"{_PACKAGE}.{name}") for name in ("Workflow", "Definition"))
    described = {name: schemas.field(workflow.fields_by_name[name]) for name in _DESCRIBED}
    steps = schemas.field(definition.fields_by_name["steps"])
    schemas.message(contracts.message(f"{_PACKAGE}.Step"))
    document: JsonSchema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Stateroom workflow",
        "description": "What `stateroom workflow create` takes, and what an export gives.",
        "type": "object",
        "properties": described | {"steps": steps},
        "required": ["steps"],
        "additionalProperties": False,
        "$defs": {name: _as_file(contracts, name, made) for name, made in sorted(schemas.components.items())},
    }
    return _with_own_references(document)


def _as_file(contracts: Contracts, name: str, made: JsonSchema) -> JsonSchema:
    if "properties" not in made:  # an enum
        return made | {"enum": [value for value in made["enum"] if not value.endswith("_UNSPECIFIED")]}
    message = contracts.message(name)
    named = {field.json_name: field.name for field in message.fields}
    properties = {named[key]: value for key, value in made["properties"].items()}
    required = [named[key] for key in made.get("required", ())]
    choices = list(_choices(message))
    return (
        made
        | {"properties": properties, "additionalProperties": False}
        | ({"required": required} if required else {})
        | ({"oneOf": choices} if choices else {})
    )


def _choices(message: Descriptor) -> list[JsonSchema]:
    """Return what a message has exactly one of."""
    return [{"required": [field.name]} for group in message.oneofs for field in group.fields if len(group.fields) > 1]


def _with_own_references(value: JsonSchema) -> JsonSchema:
    """Return a schema whose references lead to what stands in it."""
    made: JsonSchema = {}
    for key, each in value.items():
        if isinstance(each, dict):
            made[key] = _with_own_references(each)
        elif isinstance(each, list):
            made[key] = [_with_own_references(item) if isinstance(item, dict) else item for item in each]
        else:
            made[key] = each.replace(_REF, _DEF) if key == "$ref" else each
    return made
