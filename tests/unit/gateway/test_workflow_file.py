"""The JSON Schema of workflows in files."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema_rs import Draft202012Validator

ROOT = Path(__file__).resolve().parents[3]
VALIDATOR = Draft202012Validator(json.loads((ROOT / "docs/api/workflow.schema.json").read_text()))
WAIT = {"key": "a", "wait": {"duration": "1s"}}


def test_schema_of_workflow_files_fits_the_one_that_people_read() -> None:
    """The file at the top of the page about executions has no problem."""
    text = (ROOT / "docs/executions.md").read_text().partition("```yaml")[2].partition("```")[0]
    document = yaml.safe_load(text)
    assert document["steps"]
    assert [error.message for error in VALIDATOR.iter_errors(document)] == []


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"steps": [WAIT | {"noop": {}}]}, "oneOf"),
        ({"steps": [{"key": "a"}]}, "oneOf"),
        ({"steps": [{"key": "A", "noop": {}}]}, "does not match"),
        ({"steps": [WAIT | {"retries": 1}]}, "'retries' was unexpected"),
        ({"steps": [WAIT | {"on_error": "ON_ERROR_UNSPECIFIED"}]}, "is not one of"),
        ({"steps": []}, "has less than 1 item"),
        ({"name": "a"}, '"steps" is a required property'),
    ],
)
def test_schema_of_workflow_files_finds_what_the_server_would_refuse(wrong: dict[str, Any], words: str) -> None:
    """What stands in the file is said to be wrong, before anything is sent."""
    assert words in " ".join(error.message for error in VALIDATOR.iter_errors(wrong))
