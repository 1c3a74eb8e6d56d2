"""`python -m services.execution.filterer`: runs filters of jq, one line of JSON for each.

It is a process of its own because a filter may take any time and memory; whoever asks kills it. jq can read files and
the environment; here it has neither: what was needed is open by then, and nothing more can be.
"""

import json
import os
import resource
import sys
from functools import lru_cache
from itertools import islice
from typing import Any

import jq

MEMORY = 768 * 1024 * 1024
"""Bytes of address space."""

_FILES = 3  # those that are open: standard input, output and errors
_OF_FILES = ("module not found", "error loading", "Too many open files", "module object")


@lru_cache(maxsize=1024)
def _compiled(text: str) -> Any:
    return jq.compile(text)


def _answered(text: str, question: dict[str, Any]) -> dict[str, Any]:
    try:
        compiled = _compiled(text)
        if "value" not in question:
            return {}
        found = list(islice(compiled.input_value(question["value"]), 2))
        if len(found) != 1:
            return {"problem": f"gives {'more than one value' if found else 'no value'}; it has to give one"}
        return {"value": found[0]}
    except (ValueError, RecursionError) as exc:
        if any(said in str(exc) for said in _OF_FILES):  # which of them must not tell what files there are
            return {"problem": "imports something, and there is nothing to import"}
        return {"problem": " ".join(str(exc).removeprefix("jq: error: ").split())[:300]}


def main() -> None:
    """Answer until the one who asks is gone."""
    os.environ.clear()  # noqa: TID251  # a filter can see it
    _answered(".", {"value": None})  # whatever is loaded when it is first used
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_NOFILE, (_FILES, _FILES))
    sys.stdout.write("\n")
    sys.stdout.flush()
    for line in sys.stdin:
        question = json.loads(line)
        sys.stdout.write(json.dumps(_answered(question["filter"], question)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
