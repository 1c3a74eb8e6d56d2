"""What a query finds in a line. RE2 never takes longer than the text is long, whatever the expression."""

import re2

from chassis.errors import InvalidField, Violation
from services.session.history.domain import Query

_MEMORY = 1 << 20
"""Bytes that an expression may take, compiled; one that counts to a thousand within a thousand is refused."""


class Pattern:
    """A compiled query."""

    def __init__(self, query: Query) -> None:
        """Compile it. InvalidField when it is no expression, or one too large, or one that finds nothing everywhere."""
        options = re2.Options()
        options.literal = not query.regex
        options.case_sensitive = query.case_sensitive
        options.max_mem = _MEMORY
        options.log_errors = False
        try:
            self._compiled = re2.compile(query.text, options)
        except re2.error as exc:
            raise InvalidField(Violation("query", f"no regular expression of RE2: {_cause(exc)}")) from exc
        if self._compiled.search("") is not None:
            raise InvalidField(Violation("query", "finds every line: it matches the empty text"))

    def find(self, text: str) -> tuple[int, int] | None:
        """Return where the first match begins and ends, in characters; None without one."""
        found = self._compiled.search(text)
        return None if found is None or found.end() == found.start() else found.span()


def _cause(exc: re2.error) -> str:
    cause = exc.args[0]
    return (cause.decode("utf-8", "replace") if isinstance(cause, bytes) else str(cause))[:100]
