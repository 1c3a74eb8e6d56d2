"""What a runner is told at its start: half of it, or what contradicts itself, is refused by name."""

from dataclasses import replace
from pathlib import Path

import pytest

from chassis import ids
from runner import settings
from runner.sandbox import Level
from services.workspace.placement import certificates

TOKEN = "5e" * 32
NETWORK = {"LISTEN": "0.0.0.0:7200", "SOCKET": ""}


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment in which everything is right, at a socket; and credentials for the network."""
    monkeypatch.setenv("WORKSPACE_ID", "workspace")
    monkeypatch.setenv("RUNNER_ID", "runner")
    monkeypatch.setenv("ROOM_DIRECTORY", "/rooms/room")
    monkeypatch.setenv("SOCKET", "/run/runners/one.sock")
    certificate, key = certificates.make(ids.new())
    for name, content in (("token", TOKEN), ("tls.crt", certificate), ("tls.key", key)):
        (tmp_path / name).write_text(content)
    return monkeypatch


def _refusal(capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as stopped:
        settings.load()
    assert stopped.value.code == settings.WRONG_SETTING
    return capsys.readouterr().err


def test_load_at_a_socket_hides_the_rooms_and_the_sockets(environment: pytest.MonkeyPatch) -> None:
    """Other rooms of the machine lie beside ours, and its sockets beside our socket."""
    environment.setenv("HIDDEN_DIRECTORIES", "/data")
    loaded = settings.load()
    assert (loaded.listen, loaded.socket) == ("unix:/run/runners/one.sock", Path("/run/runners/one.sock"))
    assert loaded.hidden == (Path("/data"), Path("/rooms"), Path("/run/runners"))
    assert loaded.temporary is None
    assert loaded.sandbox_at_least is Level.PROCESS


def test_load_on_the_network_hides_the_room_and_the_credentials(
    environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Nobody else's room is there; a disk mounted at the top hides the disk and not the whole system."""
    for name, value in (NETWORK | {"CREDENTIALS_DIRECTORY": str(tmp_path), "ROOM_DIRECTORY": "/room"}).items():
        environment.setenv(name, value)
    loaded = settings.load()
    assert (loaded.listen, loaded.socket) == ("0.0.0.0:7200", None)
    assert loaded.hidden == (Path("/room"), tmp_path)
    assert loaded.credentials is not None
    assert "PRIVATE KEY" not in repr(loaded)


def test_load_on_the_network_shares_the_folder_for_temporary_files_unless_it_has_something_to_hide(
    environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A room or credentials below it would be open with it."""
    for name, value in (NETWORK | {"CREDENTIALS_DIRECTORY": str(tmp_path), "ROOM_DIRECTORY": "/room"}).items():
        environment.setenv(name, value)
    loaded = settings.load()
    temporary = Path("/tmp")  # noqa: S108  # it is the one meant
    assert replace(loaded, hidden=(Path("/room"), Path("/run/stateroom"))).temporary == temporary
    assert replace(loaded, hidden=(Path("/room"), temporary / "credentials")).temporary is None


WRONG = {
    "neither": ({"SOCKET": ""}, "SOCKET: must be set"),
    "both": ({"LISTEN": "0.0.0.0:7200"}, "SOCKET: must not be set beside LISTEN"),
    "no credentials": (NETWORK, "CREDENTIALS_DIRECTORY: must be set"),
    "credentials at a socket": ({"CREDENTIALS_DIRECTORY": "/run/stateroom"}, "CREDENTIALS_DIRECTORY: must be set with"),
    "relative credentials": (NETWORK | {"CREDENTIALS_DIRECTORY": "run"}, "CREDENTIALS_DIRECTORY: must be an absolute"),
    "any port": (
        NETWORK | {"LISTEN": "0.0.0.0:0", "CREDENTIALS_DIRECTORY": "/run"},
        "LISTEN: must be <address>:<port>",
    ),
    "no port": (NETWORK | {"LISTEN": "localhost", "CREDENTIALS_DIRECTORY": "/run"}, "LISTEN: must be <address>:<port>"),
    "unknown level": ({"SANDBOX_AT_LEAST": "strong"}, "SANDBOX_AT_LEAST: must be bwrap, namespaces, landlock, process"),
    "weaker level": (
        {"SANDBOX": "process", "SANDBOX_AT_LEAST": "landlock"},
        "SANDBOX: must not be weaker than SANDBOX_AT_LEAST, which is landlock",
    ),
}


@pytest.mark.parametrize(("wrong", "said"), WRONG.values(), ids=WRONG)
def test_load_with_settings_that_do_not_fit_names_what_is_wrong(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], wrong: dict[str, str], said: str
) -> None:
    """Nothing is served half as it was meant."""
    for name, value in wrong.items():
        environment.setenv(name, value)
    assert f"runner: {said}" in _refusal(capsys)


SPOILT = {
    "token": ("none", "token must hold the token, 64 hexadecimal digits on one line"),
    "tls.crt": ("none", "tls.crt and tls.key must be a certificate and its key, PEM"),
    "tls.key": (certificates.make(ids.new())[1], "tls.crt and tls.key must be a certificate and its key, PEM"),
    "missing": ("", "token, tls.crt and tls.key must be there to read: No such file or directory"),
}


@pytest.mark.parametrize("spoilt", SPOILT)
def test_load_with_credentials_that_are_none_says_which(
    environment: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str], spoilt: str
) -> None:
    """Also a key that is not the certificate's; and what they hold is shown nowhere."""
    content, said = SPOILT[spoilt]
    if spoilt == "missing":
        (tmp_path / "tls.key").unlink()
    else:
        (tmp_path / spoilt).write_text(content)
    for name, value in (NETWORK | {"CREDENTIALS_DIRECTORY": str(tmp_path)}).items():
        environment.setenv(name, value)
    refusal = _refusal(capsys)
    assert refusal == f"runner: CREDENTIALS_DIRECTORY: {said}\n"
    assert TOKEN not in refusal
