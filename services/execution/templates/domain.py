"""A template, and what is made of it."""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from typing import Any
from uuid import UUID

from services.execution.templates.errors import TemplateNotDeleted, TemplateNotFound

NOBODY = UUID(int=0)
"""The account that official templates belong to, and who made them."""

_PLACE = re.compile(r"\{\{([a-z][a-z0-9_]*)(:json)?\}\}")


class Type(Enum):
    """What becomes of a template."""

    AGENT = "AGENT"
    WORKFLOW = "WORKFLOW"
    STEP = "STEP"


@dataclass(frozen=True, slots=True)
class Template:
    """What agents, workflows or steps are made of. `data` is in the form of files; `parameters` is a JSON Schema."""

    template_id: UUID
    account_id: UUID
    user_id: UUID
    name: str
    description: str
    tags: tuple[str, ...]
    type: Type
    category: str
    data: Mapping[str, Any]
    parameters: Mapping[str, Any]
    is_public: bool
    version: int
    create_time: datetime
    update_time: datetime
    workflow_id: UUID | None = None
    agent_id: UUID | None = None
    delete_time: datetime | None = None
    deleted_by: UUID | None = None

    @property
    def entity_id(self) -> UUID:
        """The template's id."""
        return self.template_id

    @property
    def is_official(self) -> bool:
        """Whether it came with the release."""
        return self.account_id == NOBODY

    def seen_from(self, account_id: UUID) -> "Template":
        """Return the template as an account sees it: who made one of another account is no concern of it."""
        return self if account_id == self.account_id else replace(self, user_id=NOBODY)

    def given(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values of its parameters, defaults for those that are not given."""
        known = self.parameters.get("properties", {})
        defaults = {
            name: each["default"] for name, each in known.items() if isinstance(each, dict) and "default" in each
        }
        return defaults | dict(values)

    def delete(self, now: datetime, user_id: UUID) -> "Template":
        """Return the template deleted. TemplateNotFound when it was."""
        self.expect_kept()
        return replace(self, version=self.version + 1, update_time=now, delete_time=now, deleted_by=user_id)

    def undelete(self, now: datetime) -> "Template":
        """Return the template brought back. TemplateNotDeleted."""
        if self.delete_time is None:
            raise TemplateNotDeleted(self.template_id)
        return replace(self, version=self.version + 1, update_time=now, delete_time=None, deleted_by=None)

    def expect_kept(self) -> None:
        """Raise TemplateNotFound when it is deleted."""
        if self.delete_time is not None:
            raise TemplateNotFound(self.template_id)


@dataclass(frozen=True, slots=True)
class Numbers:
    """How often something was made of a template, and what people think of it."""

    usage_count: int = 0
    rating_average: float | None = None
    rating_count: int = 0


def rendered(data: Any, values: Mapping[str, Any]) -> Any:
    """Return data with values for its parameters: as they are, as parts of texts, or as JSON. KeyError for one without.

    JSON is what stands in expressions: there a text with quotes is still one text.
    """
    if isinstance(data, dict):
        return {key: rendered(each, values) for key, each in data.items()}
    if isinstance(data, list):
        return [rendered(each, values) for each in data]
    if not isinstance(data, str):
        return data
    whole = _PLACE.fullmatch(data)
    if whole and not whole[2]:
        return values[whole[1]]
    return _PLACE.sub(lambda found: _json(values[found[1]]) if found[2] else _text(values[found[1]]), data)


def rendered_size(data: Any, values: Mapping[str, Any]) -> int:
    """Return about how many characters `rendered` gives as JSON, without making them."""
    text = json.dumps(data)
    counted = Counter(found[1] for found in _PLACE.finditer(text))
    return len(text) + sum(count * len(json.dumps(values.get(name))) for name, count in counted.items())


def generalized(data: Any, replacements: Mapping[str, str]) -> Any:
    """Return data in whose texts parameters stand for some of their parts, the longest first; for none twice."""
    if isinstance(data, dict):
        return {key: generalized(each, replacements) for key, each in data.items()}
    if isinstance(data, list):
        return [generalized(each, replacements) for each in data]
    if isinstance(data, str):
        return _generalized(data, sorted(replacements.items(), key=lambda pair: -len(pair[0])))
    return data


def _generalized(text: str, replacements: Sequence[tuple[str, str]]) -> str:
    for position, (part, name) in enumerate(replacements):
        if part in text:
            rest = replacements[position + 1 :]
            return f"{{{{{name}}}}}".join(_generalized(each, rest) for each in text.split(part))
    return text


def _text(value: Any) -> str:
    return value if isinstance(value, str) else _json(value)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)  # expressions do not know how JSON escapes what is beyond 16 bits
