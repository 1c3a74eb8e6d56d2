"""Workflows in files: YAML or JSON with the fields of a workflow, of which `steps` stand at the top."""

from pathlib import Path
from typing import Any

import yaml

from cli.client import Json
from cli.errors import WrongUse

_FIELDS = {"name", "description", "tags", "max_concurrent_executions", "input_schema", "steps"}
_OF_DEFINITION = ("steps", "input_schema")


def read(path: Path) -> Json:
    """Return the workflow that a file describes; called as the file unless it says otherwise.

    Raises:
        WrongUse: there is no such file, or something else is in it.
    """
    try:
        document: Any = yaml.safe_load(path.read_text())
    except OSError as exc:
        msg = f"{path} cannot be read: {exc.strerror}."
        raise WrongUse(msg) from exc
    except (UnicodeDecodeError, yaml.YAMLError) as exc:
        msg = f"{path} is no YAML: {str(exc).splitlines()[0]}"
        raise WrongUse(msg) from exc
    if not isinstance(document, dict) or "steps" not in document:
        msg = f"{path} describes no workflow; it has to have `steps`."
        raise WrongUse(msg)
    if unknown := sorted(map(str, document.keys() - _FIELDS)):
        msg = f"{path} has {', '.join(unknown)}; a workflow has {', '.join(sorted(_FIELDS))}."
        raise WrongUse(msg)
    return (
        {"name": path.stem}
        | {name: value for name, value in document.items() if name not in _OF_DEFINITION}
        | {"definition": {name: document[name] for name in _OF_DEFINITION if name in document}}
    )
