"""`python -m services.execution.evaluator`: answers questions about expressions, one line of JSON for each.

It is a process of its own because CEL's budget counts neither memory nor time; whoever asks kills it.
"""

import json
import re
import resource
import sys
from datetime import datetime
from functools import lru_cache
from typing import Any

from cel_expr_python import cel

MEMORY = 768 * 1024 * 1024
"""Bytes of address space."""

_ROOT = {"inputs": cel.Type.Map(cel.Type.STRING, cel.Type.DYN), "steps": cel.Type.Map(cel.Type.STRING, cel.Type.DYN)}
_LOOP = {"item": cel.Type.DYN, "index": cel.Type.INT}
_EVENT = {"event": cel.Type.Map(cel.Type.STRING, cel.Type.DYN)}
_IN_STEP, _IN_LOOP, _OF_EVENT = (cel.NewEnv(variables=each) for each in (_ROOT, _ROOT | _LOOP, _EVENT))
_PROBLEM = re.compile(r"ERROR: <input>:(-?\d+):(-?\d+): ([^\n]*)")
_STATUS = re.compile(r"^[A-Z_]+: | \[[A-Z_]+\]$")


@lru_cache(maxsize=4096)
def _compiled(text: str, *, in_loop: bool, of_event: bool) -> Any:
    environment = _OF_EVENT if of_event else _IN_LOOP if in_loop else _IN_STEP
    return environment.compile(text)


def _said(exc: Exception) -> str:
    found = _PROBLEM.search(str(exc))
    if found is None:
        return _STATUS.sub("", str(exc).partition("\n")[0])
    return f"{found[3]} (line {found[1]}, column {found[2]})"


def _checked(question: dict[str, Any]) -> dict[str, str]:
    try:
        return {"type": str(_compiled(**question).return_type())}
    except RuntimeError as exc:
        return {"problem": _said(exc)}


def _evaluated(text: str, variables: dict[str, Any]) -> dict[str, Any]:
    try:
        compiled = _compiled(text, in_loop="item" in variables, of_event="event" in variables)
        value = compiled.eval(data=variables)
        if value.type() == cel.Type.ERROR:
            return {"problem": _STATUS.sub("", str(value.plain_value()))}
        return {"value": _as_json(value.plain_value())}
    except (RuntimeError, TypeError) as exc:
        return {"problem": _said(exc)}


def _as_json(value: Any) -> Any:
    if isinstance(value, dict):
        return {_key(key): _as_json(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_as_json(each) for each in value]
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, str):
        return _text(value)
    if value is None or isinstance(value, bool | int) or (isinstance(value, float) and abs(value) < float("inf")):
        return value
    msg = f"gives {type(value).__name__}, which JSON has no form for"
    raise TypeError(msg)


def _key(key: Any) -> str:
    if not isinstance(key, str):
        msg = "gives a map whose keys are not all texts"
        raise TypeError(msg)
    return _text(key)


def _text(value: str) -> str:
    if "\0" in value:
        msg = "gives a text with a NUL character, which cannot be stored"
        raise TypeError(msg)
    return value


def main() -> None:
    """Answer until the one who asks is gone."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    sys.stdout.write("\n")
    sys.stdout.flush()
    for line in sys.stdin:
        question = json.loads(line)
        if "check" in question:
            answers = [_checked(each) for each in question["check"]]
        else:
            answers = [_evaluated(text, question["variables"]) for text in question["evaluate"]]
        sys.stdout.write(json.dumps(answers) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
