"""What does not fit a JSON Schema. Only a process that can be killed imports it.

Patterns are such that matching takes no longer than the text is long, and a schema refers to nothing outside of itself.
"""

from itertools import islice
from typing import Any

from jsonschema_rs import RegexOptions, ValidationError, validator_for

_LISTED = 50
_LONGEST = 300  # characters of a sentence, which can show a value
_NOTHING = object()


def misfits(schema: dict[str, Any], value: Any = _NOTHING) -> list[dict[str, str]]:
    """Return where a value does not fit a schema, or without a value what is wrong with the schema."""
    try:
        validator = validator_for(schema, pattern_options=RegexOptions(), offline=True)
    except ValidationError as exc:
        return [_misfit(exc)]
    except ValueError as exc:
        return [{"place": "", "what": str(exc)[:_LONGEST]}]
    return [] if value is _NOTHING else [_misfit(each) for each in islice(validator.iter_errors(value), _LISTED)]


def _misfit(error: ValidationError) -> dict[str, str]:
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.instance_path)
    return {"place": place, "what": error.message[:_LONGEST]}
