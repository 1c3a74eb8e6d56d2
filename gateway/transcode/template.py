"""Path templates of google.api.http: their grammar, and the values that their variables take from a path.

Source: google/api/http.proto: `Template = "/" Segments [Verb]`, `**` only as the last segment.
"""

import re
from dataclasses import dataclass
from typing import Never
from urllib.parse import unquote_to_bytes

from gateway.errors import InvalidUnicode

_TOKENS = re.compile(r"/|\*\*|\*|[{}=:]|[^/*{}=:]+")
_FIELD_PATH = re.compile(r"[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)*", re.IGNORECASE)
_ENCODED_SLASH = re.compile(r"(%2f)", re.IGNORECASE)

WILDCARD = "*"
DEEP_WILDCARD = "**"


@dataclass(frozen=True, slots=True)
class Variable:
    """A field that takes the segments `start` to `end`; `end` is None when it reaches to the end of the path."""

    field_path: str
    start: int
    end: int | None

    @property
    def is_single(self) -> bool:
        """Whether the value is exactly one segment, and so fully decoded."""
        return self.end == self.start + 1


@dataclass(frozen=True, slots=True)
class Template:
    """A parsed template. `segments` are literals, `*` or, last only, `**`; `verb` is empty when there is none."""

    segments: tuple[str, ...]
    variables: tuple[Variable, ...]
    verb: str


class TemplateError(ValueError):
    """The contract holds a path that google.api.http does not allow; the gateway refuses to start."""


class _Parser:
    """Recursive descent over the tokens of one template."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = _TOKENS.findall(text)
        self.at = 0
        self.segments: list[str] = []
        self.variables: list[Variable] = []

    def fail(self, what: str) -> Never:
        msg = f"{self.text!r}: {what}"
        raise TemplateError(msg)

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self, expected: str = "") -> str:
        taken = self.peek()
        if not taken or (expected and taken != expected):
            self.fail(f"expected {expected or 'more'}, found {taken or 'the end'}")
        self.at += 1
        return taken

    def parse(self) -> Template:
        self.take("/")
        self.parse_segments(inside_variable=False)
        verb = ""
        if self.peek() == ":":
            self.take(":")
            verb = self.take()
        if self.peek():
            self.fail(f"unexpected {self.peek()}")
        if DEEP_WILDCARD in self.segments[:-1]:
            self.fail("** must be the last segment")
        fields = [variable.field_path for variable in self.variables]
        if len(set(fields)) != len(fields):
            self.fail("a field is bound twice")
        return Template(tuple(self.segments), tuple(self.variables), verb)

    def parse_segments(self, *, inside_variable: bool) -> None:
        self.parse_segment(inside_variable=inside_variable)
        while self.peek() == "/":
            self.take("/")
            self.parse_segment(inside_variable=inside_variable)

    def parse_segment(self, *, inside_variable: bool) -> None:
        taken = self.take()
        if taken == "{" and not inside_variable:
            self.parse_variable()
        elif taken in {"/", "{", "}", "=", ":"}:
            self.fail(f"unexpected {taken}")
        else:
            self.segments.append(taken)

    def parse_variable(self) -> None:
        field_path, start = self.take(), len(self.segments)
        if not _FIELD_PATH.fullmatch(field_path):
            self.fail(f"{field_path!r} is no field path")
        if self.peek() == "=":
            self.take("=")
            self.parse_segments(inside_variable=True)
        else:
            self.segments.append(WILDCARD)
        self.take("}")
        end = None if self.segments[-1] == DEEP_WILDCARD else len(self.segments)
        self.variables.append(Variable(field_path, start, end))


def parse_template(text: str) -> Template:
    """Parse one template.

    Raises:
        TemplateError: the text breaks the grammar, has `**` before the end, or binds a field twice.
    """
    return _Parser(text).parse()


def variable_value(variable: Variable, segments: list[str]) -> str:
    """Return what a variable takes from the raw (still encoded) segments of a matching path.

    A variable of one segment is decoded fully; in a longer one an encoded slash stays `%2F`, because it would
    otherwise look like a separator.

    Raises:
        InvalidUnicode: the decoded bytes are not UTF-8.
    """
    taken = segments[variable.start : variable.end]
    if variable.is_single:
        return decode(taken[0], variable.field_path)
    return "/".join(_decode_but_slashes(segment, variable.field_path) for segment in taken)


def _decode_but_slashes(segment: str, field: str) -> str:
    pieces = _ENCODED_SLASH.split(segment)
    return "".join(piece if at % 2 else decode(piece, field) for at, piece in enumerate(pieces))


def decode(text: str, field: str) -> str:
    """Undo percent-encoding.

    Raises:
        InvalidUnicode: the decoded bytes are not UTF-8.
    """
    if "%" not in text:
        return text
    try:
        return unquote_to_bytes(text).decode()
    except UnicodeDecodeError as exc:
        raise InvalidUnicode(field) from exc
