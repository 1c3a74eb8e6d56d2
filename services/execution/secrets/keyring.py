"""Secrets at the moment of their use, and what hides them in what comes of it."""

import base64
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, quote_plus
from uuid import UUID

from chassis.actor import Actor
from chassis.database import Database
from chassis.sealing import Sealer, Unopenable
from services.execution.secrets import queries
from services.execution.secrets.domain import place_of
from services.execution.secrets.errors import SecretNotFound, SecretUnopenable

CUT = "…"
"""Stands where the rest of a text was left out, which may have been the rest of a secret."""

_BEGINNING = 4  # characters of a form from which on it is hidden where it was cut
_LONGEST = 128  # characters of a text that is cut, at most
_LINE = 6  # bytes of a form or a line from which on it is hidden: a shorter one would be found everywhere


@dataclass(frozen=True, slots=True)
class Keyring:
    """Opens the secrets of accounts."""

    database: Database
    sealer: Sealer

    async def open(self, account_id: UUID, names: Collection[str]) -> "Opened":
        """Return secrets with their values. SecretNotFound, SecretUnopenable."""
        actor = Actor.of_service("execution", account_id)
        found = {each.name: each for each in await self.database.read(actor, queries.find_secrets, names=names)}
        values = {}
        for name in names:
            if name not in found:
                raise SecretNotFound(name)
            try:
                values[name] = self.sealer.open(found[name].sealed, *place_of(account_id, name)).decode()
            except Unopenable as exc:
                raise SecretUnopenable(name) from exc
        return Opened(values)


@dataclass(frozen=True, slots=True)
class Opened:
    """Secrets by name, with their values."""

    values: Mapping[str, str] = field(repr=False)
    forms: tuple[tuple[str, str], ...] = field(init=False, repr=False)
    """What to hide, the longest first, and what is shown in its place."""

    def __post_init__(self) -> None:
        """Find out how each may be written."""
        forms = {form: f"[secret {name}]" for name, value in self.values.items() for form in _forms(value)}
        object.__setattr__(self, "forms", tuple(sorted(forms.items(), key=lambda each: -len(each[0]))))

    def hide(self, text: str) -> str:
        """Return a text without the secrets in it: as they are, in JSON, URLs and base64, and line by line."""
        for form, shown in self.forms:
            text = text.replace(form, shown)
        *cut, rest = text.split(CUT)
        return CUT.join([*map(self._without_beginning, cut), rest])

    def hide_within(self, value: Any) -> Any:
        """Return JSON without the secrets in its texts and names."""
        if isinstance(value, str):
            return self.hide(value)
        if isinstance(value, list):
            return [self.hide_within(each) for each in value]
        if isinstance(value, dict):
            return {self.hide(name): self.hide_within(each) for name, each in value.items()}
        return value

    def _without_beginning(self, text: str) -> str:
        for form, shown in self.forms:
            for length in range(min(len(form), _LONGEST), _BEGINNING - 1, -1):
                if text.endswith(form[:length]):
                    return text[:-length] + shown
        return text


def _forms(value: str) -> set[str]:
    whole = value.encode()
    forms = {value, json.dumps(value)[1:-1], quote(value, safe=""), quote_plus(value), *value.splitlines()}
    for shift in range(3):  # behind as many bytes; only the characters that it alone decides
        encoded = base64.b64encode(b"\0" * shift + whole).decode()
        part = encoded[-(-shift * 8 // 6) : (shift + len(whole)) * 8 // 6]
        forms |= {part, part.translate(str.maketrans("+/", "-_"))}
    return {form for form in forms if len(form) >= _LINE}
