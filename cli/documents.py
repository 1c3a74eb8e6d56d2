"""Workflows and agents in files: YAML or JSON with the fields they have; the `steps` of a workflow stand at the top."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from cli.client import Json
from cli.errors import WrongUse
from cli.options import in_options

_FIELDS = {"name", "description", "tags", "is_public", "max_concurrent_executions", "input_schema", "steps"}
_OF_DEFINITION = ("steps", "input_schema")
_AGENT_FIELDS = {
    "name",
    "description",
    "tags",
    "is_public",
    "step",
    "parameters",
    "capabilities",
    "max_execution_duration",
    "max_memory",
    "max_concurrent_executions",
}
_PLACE = re.compile(r"\b(?:workflow|execution)\.definition\.steps\[(\d+)\](?:\.(\w+))?[^\s:]*: ")
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")


def read(path: Path) -> Json:
    """Return the workflow that a file describes; called as the file unless it says otherwise.

    Raises:
        WrongUse: there is no such file, or something else is in it.
    """
    document = _read(path, "workflow", "steps", _FIELDS)
    definition = {name: document[name] for name in _OF_DEFINITION if name in document}
    return {name: value for name, value in document.items() if name not in definition} | {"definition": definition}


def read_agent(path: Path) -> Json:
    """Return the agent that a file describes, in the same way. WrongUse."""
    return _read(path, "agent", "step", _AGENT_FIELDS)


def located(path: Path) -> Callable[[str], str]:
    """Return what puts the place in a file before what a server says about a step of its definition."""
    try:
        root = yaml.compose(path.read_text(), Loader=yaml.SafeLoader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return in_options
    steps = _value(root, "steps")

    def place(found: re.Match[str]) -> str:
        number, field = int(found[1]), _HUMP.sub("_", found[2] or "").lower()
        if not isinstance(steps, yaml.SequenceNode) or number >= len(steps.value):
            return found[0]
        step = steps.value[number]
        line = (_value(step, field) or step).start_mark.line + 1
        key = getattr(_value(step, "key"), "value", "")
        named = "" if found.string[found.end() :].startswith("step ") else f"step {key!r}: {field}: "
        return f"{path}:{line}: {named}"

    return lambda message: in_options(_PLACE.sub(place, message))


def _read(path: Path, noun: str, needed: str, known: set[str]) -> Json:
    try:
        document: Any = yaml.safe_load(path.read_text())
    except OSError as exc:
        msg = f"{path} cannot be read: {exc.strerror}."
        raise WrongUse(msg) from exc
    except (UnicodeDecodeError, yaml.YAMLError) as exc:
        msg = f"{path} is no YAML: {str(exc).splitlines()[0]}"
        raise WrongUse(msg) from exc
    if not isinstance(document, dict) or needed not in document:
        msg = f"{path} describes no {noun}; it has to have `{needed}`."
        raise WrongUse(msg)
    article = "an" if noun == "agent" else "a"
    if unknown := sorted(map(str, document.keys() - known)):
        msg = f"{path} has {', '.join(unknown)}; {article} {noun} has {', '.join(sorted(known))}."
        raise WrongUse(msg)
    return {"name": path.stem} | document


def _value(node: Any, key: str) -> Any:  # nodes of PyYAML, which is untyped
    """Return the value of a mapping's key, None when it has none."""
    pairs = node.value if isinstance(node, yaml.MappingNode) else ()
    return next((value for name, value in pairs if name.value == key), None)
