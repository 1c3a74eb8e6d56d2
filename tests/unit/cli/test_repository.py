"""What `workspace create --repo` takes for a local path."""

from pathlib import Path

import pytest

from cli import workspaces


@pytest.mark.parametrize(
    ("text", "path"),
    [(".", "."), ("..", ".."), ("./api", "api"), ("../api", "../api"), ("~/api", "home/api"), ("~", "home")],
)
def test_repository_path_of_this_machine_is_given_in_full(
    text: str, path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server stands in another folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert workspaces.repository(text) == str((tmp_path / path).resolve())


@pytest.mark.parametrize(
    "text", ["", "https://example.com/api.git", "git@example.com:api.git", "api", "https://x/" + "y" * 5000]
)
def test_repository_anything_else_stays_as_it_is(text: str) -> None:
    """What it is, the server says."""
    assert workspaces.repository(text) == text
