"""Finding the gateway to talk to."""

import json
from pathlib import Path

import pytest

from cli import endpoint
from cli.endpoint import Endpoint
from cli.errors import Refused, WrongUse


def _installation(folder: Path, mode: int = 0o600) -> Path:
    file = folder / "endpoint.json"
    folder.mkdir(parents=True)
    services = {"audit": "127.0.0.1:20001"}
    file.write_text(json.dumps({"gateway": "http://127.0.0.1:20000/", "api_key": "srk_file", "services": services}))
    file.chmod(mode)
    return file


def test_find_environment_set_wins_over_files(tmp_path: Path) -> None:
    """What is set by hand is meant."""
    _installation(tmp_path / ".stateroom")
    environment = {"STATEROOM_URL": "https://rooms.example/", "STATEROOM_API_KEY": "srk_environment"}
    assert endpoint.find(environment, tmp_path) == Endpoint("https://rooms.example", "srk_environment")


def test_find_folder_below_installation_finds_it(tmp_path: Path) -> None:
    """The nearest installation upwards counts."""
    _installation(tmp_path / ".stateroom")
    below = tmp_path / "project" / "source"
    below.mkdir(parents=True)
    found = endpoint.find({"HOME": str(tmp_path / "home")}, below)
    assert found == Endpoint("http://127.0.0.1:20000", "srk_file", {"audit": "127.0.0.1:20001"})


def test_find_no_installation_around_uses_the_persons_own(tmp_path: Path) -> None:
    """The file in the person's configuration is the last resort."""
    _installation(tmp_path / "configuration" / "stateroom")
    found = endpoint.find({"XDG_CONFIG_HOME": str(tmp_path / "configuration")}, tmp_path)
    assert found.api_key == "srk_file"


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
def test_find_file_readable_by_others_is_refused(tmp_path: Path, mode: int) -> None:
    """A key that others can read is not used, and the sentence says how to mend it."""
    file = _installation(tmp_path / ".stateroom", mode)
    with pytest.raises(Refused, match=f"chmod 600 {file}"):
        endpoint.find({"HOME": str(tmp_path)}, tmp_path)


def test_find_nothing_says_what_to_do(tmp_path: Path) -> None:
    """Without any installation the sentence names both ways to one."""
    with pytest.raises(WrongUse, match=r"stateroom up.*STATEROOM_URL"):
        endpoint.find({"HOME": str(tmp_path)}, tmp_path)


def test_find_url_without_key_says_so(tmp_path: Path) -> None:
    """Half a setting is no setting."""
    with pytest.raises(WrongUse, match="STATEROOM_API_KEY is not"):
        endpoint.find({"STATEROOM_URL": "https://rooms.example"}, tmp_path)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"gateway": "http://127.0.0.1:1"}'])
def test_find_damaged_file_says_so(tmp_path: Path, content: str) -> None:
    """A file cut short does not end in a stack trace."""
    _installation(tmp_path / ".stateroom").write_text(content)
    with pytest.raises(WrongUse, match="damaged"):
        endpoint.find({"HOME": str(tmp_path)}, tmp_path)
