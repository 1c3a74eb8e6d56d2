"""Which fields an update sets."""

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from stateroom.workspace.v1.workspace_pb2 import Workspace

from chassis.errors import InvalidField
from chassis.masks import fields_to_set

SENT = Workspace(workspace_id="w", name="a", metadata={"team": "core"}, etag='"3"')


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        ([], ["name", "metadata"]),
        (["description"], ["description"]),
        (["metadata", "name", "name"], ["metadata", "name"]),
        (["state", "name", "etag"], ["name"]),
        (["*"], ["name", "description", "repository_url", "branch", "metadata"]),
    ],
)
def test_fields_to_set_are_those_of_the_mask_or_with_a_value(paths: list[str], expected: list[str]) -> None:
    """Without a mask what has a value counts, `*` is all, and what the server sets is never among them."""
    assert fields_to_set(SENT, FieldMask(paths=paths)) == expected


@pytest.mark.parametrize("path", ["nope", "", "workspace.name", "metadata.team", "createTime"])
def test_fields_to_set_of_an_unknown_path_names_it(path: str) -> None:
    """A mistyped path would change nothing without a word; a part of a field cannot be set alone."""
    with pytest.raises(InvalidField, match="update_mask") as refusal:
        fields_to_set(SENT, FieldMask(paths=["name", path]))
    assert repr(path) in refusal.value.message
