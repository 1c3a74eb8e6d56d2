"""What a command prints: tables for people, JSON for programs, and nothing that steers the terminal."""

import json
import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Control characters, ESC among them, and marks that turn the direction of text."""

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
PIPE_COLUMNS = 240
WHOLE_COLUMNS = {"ID", "STATE", "TIME", "ACTION", "DIGEST", "CREATED"}
"""Columns that a narrow terminal must not fold: half an id or a time is of no use."""


class Output:
    """Where a command's result goes; messages beside it go to standard error."""

    def __init__(self, *, as_json: bool, colour: bool) -> None:
        self.as_json = as_json
        no_color = None if colour else True
        # A program that reads the table gets whole lines, however narrow its terminal is.
        width = None if sys.stdout.isatty() else PIPE_COLUMNS
        self.console = Console(no_color=no_color, highlight=False, width=width)
        self.messages = Console(stderr=True, no_color=no_color, highlight=False)

    def resource(self, resource: Mapping[str, Any], fields: Sequence[str]) -> None:
        """Print one resource: the fields that have a value, or all of it as JSON."""
        if self.as_json:
            self.json(resource)
            return
        shown = {words(field): visible(_flat(resource[field])) for field in fields if _has_value(resource.get(field))}
        width = max(map(len, shown), default=0)
        for name, value in shown.items():
            self.console.print(Text.assemble((f"{name:{width}}  ", "dim"), value), soft_wrap=True)

    def rows(
        self,
        resources: Sequence[Mapping[str, Any]],
        columns: Mapping[str, str],
        *,
        empty: str = "Nothing to show.",
    ) -> None:
        """Print a table with a column for each field of `columns`, under its heading; or one JSON object per line.

        Without resources people read the sentence `empty`.
        """
        if self.as_json:
            for resource in resources:
                self.json(resource)
            return
        table = Table(box=None, pad_edge=False, header_style="dim")
        for heading in columns.values():
            table.add_column(heading, overflow="fold", no_wrap=heading in WHOLE_COLUMNS)
        for resource in resources:
            table.add_row(*(Text(cell(resource.get(field, ""))) for field in columns))
        self.console.print(table if resources else Text(empty, style="dim"))

    def json(self, value: Mapping[str, Any]) -> None:
        """Print one line of JSON; control characters in strings are escaped by its rules."""
        sys.stdout.write(json.dumps(value, ensure_ascii=not sys.stdout.encoding.lower().startswith("utf")) + "\n")

    def exports(self, variables: Mapping[str, str]) -> None:
        """Print variables as commands of the shell, or one JSON object."""
        if self.as_json:
            self.json(variables)
            return
        sys.stdout.writelines(f"export {name}={shlex.quote(value)}\n" for name, value in variables.items())

    def say(self, sentence: str) -> None:
        """Print a message for people, not for programs."""
        if not self.as_json:
            self.messages.print(Text(visible(sentence)), soft_wrap=True)

    def fail(self, message: str) -> None:
        """Print why the command fails; line by line, each without control characters."""
        for line in message.splitlines():
            self.messages.print(Text(visible(line), style="red"), soft_wrap=True)


def _has_value(value: object) -> bool:
    return value not in (None, "", [], {}) and not str(value).endswith("_UNSPECIFIED")


def _flat(value: object) -> object:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return ", ".join(f"{key}={one}" for key, one in value.items()) if isinstance(value, dict) else value


def visible(value: object) -> str:
    r"""Return the value as text in which control characters are written out, such as ``\x1b``."""
    return _CONTROLS.sub(_written_out, str(value))


def cell(value: object) -> str:
    """Return the value for a table, where times end with their second."""
    text = visible(_flat(value))
    return f"{text[:10]} {text[11:19]}" if _TIME.fullmatch(text) else text


def words(field: str) -> str:
    """Return a field's name for people: `repositoryUrl` as `repository url`."""
    return re.sub(r"(?<=[a-z])([A-Z])", r" \1", field).lower()


def _written_out(found: re.Match[str]) -> str:
    code = ord(found.group())
    return f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}"  # noqa: PLR2004  # one byte
