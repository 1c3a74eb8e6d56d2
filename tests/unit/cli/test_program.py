"""How sentences name the next command."""

import sys
from pathlib import Path

import pytest

from cli import program


def test_name_on_the_path_is_the_plain_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has it on the PATH reads it as the documentation writes it."""
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))
    assert program.name() == "stateroom"


def test_name_that_the_shell_would_not_find_can_be_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    """The path leads to the command from the folder in which the sentence is read."""
    own = Path(sys.executable).with_name("stateroom")
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.chdir(own.parent.parent)
    assert program.name() == "bin/stateroom"
