"""What a program says at its end: one line of JSON behind a mark that only its order knew."""

import json
import sys
from typing import Any

MARK = "\x1e"
"""Begins the line (ASCII's record separator); the order's own mark follows."""


class Refused(Exception):
    """What was asked for cannot be done, and nothing was; `reason` is one of the contract's."""

    def __init__(self, reason: str, message: str, *, path: str = "") -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.path = path
        self.edit = 0


def say(text: str) -> None:
    """Print a line for people; nothing in it is obeyed by a terminal."""
    shown = "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in text)
    sys.stdout.write(f"{shown}\n")
    sys.stdout.flush()


def send(mark: str, *, result: dict[str, Any] | None = None, failure: Refused | None = None) -> None:
    """Print the report."""
    content: dict[str, Any] = {"result": result}
    if failure is not None:
        content["failure"] = {
            "reason": failure.reason,
            "message": failure.message,
            "path": failure.path,
            "edit": failure.edit,
        }
    sys.stdout.write(f"\n{MARK}{mark} {json.dumps(content)}\n")
    sys.stdout.flush()
