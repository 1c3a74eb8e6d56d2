"""`python -m services.execution.validator`: says what does not fit schemas, one line of JSON for each question.

It is a process of its own because a schema may take any time and memory; whoever asks kills it. And none that evaluates
expressions, because those of everybody would wait for it.
"""

import json
import resource
import sys

from services.execution import schemas

MEMORY = 768 * 1024 * 1024
"""Bytes of address space."""


def main() -> None:
    """Answer until the one who asks is gone."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    sys.stdout.write("\n")
    sys.stdout.flush()
    for line in sys.stdin:
        sys.stdout.write(json.dumps(schemas.misfits(**json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
