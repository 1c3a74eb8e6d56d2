"""Packages that another would load if it can, and that no process of ours needs it to."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def left_out(package: str) -> Iterator[None]:
    """Let what is imported in the block find that a package is not installed, unless it is loaded already."""
    modules: dict[str, Any] = sys.modules
    if package in modules:
        yield
        return
    modules[package] = None  # as the import system has it: a module that is known to be missing
    try:
        yield
    finally:
        del modules[package]
