"""Settings: a wrong one stops the start with code 3 and names itself; secrets are never printed."""

from pathlib import Path

import pytest

from chassis import settings

SECRET = "canary-secret"


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Return an environment with every setting right."""
    for name in ("TRUST_KEYS_FILE", "SIGNING_KEY_FILE", "EVENT_KEYS_FILE"):
        (tmp_path / name).write_text("{}")
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setenv("DATABASE_URL", f"postgresql://session:{SECRET}@localhost/session")
    monkeypatch.setenv("SYSTEM_DATABASE_URL", f"postgresql://session_system:{SECRET}@localhost/session")
    monkeypatch.setenv("NATS_URL", f"nats://session:{SECRET}@localhost:4222")
    return monkeypatch


def test_load_with_right_settings_returns_them(environment: pytest.MonkeyPatch) -> None:
    """Names are the fields' upper-cased; what is not set has its default."""
    environment.setenv("LISTEN", "unix:/run/session.sock")
    loaded = settings.load(settings.ServiceSettings)
    assert loaded.listen == "unix:/run/session.sock"
    assert loaded.log_format == "json"
    assert SECRET not in repr(loaded)


WRONG = {
    "LISTEN": "somewhere",
    "LOG_LEVEL": "LOUD",
    "TRUST_KEYS_FILE": "/nonexistent",
    "DATABASE_URL": f"mysql://u:{SECRET}@h/d",
    "NATS_URL": f"http://u:{SECRET}@h",
    "DATABASE_POOL_SIZE": "1",
}


@pytest.mark.parametrize(("name", "value"), WRONG.items(), ids=WRONG.keys())
def test_load_with_a_wrong_setting_stops_and_names_it(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, value: str
) -> None:
    """One line for the operator, without the value, which may be a secret."""
    environment.setenv(name, value)
    with pytest.raises(SystemExit) as stopped:
        settings.load(settings.ServiceSettings)
    printed = capsys.readouterr().err
    assert stopped.value.code == settings.WRONG_SETTING
    assert printed.startswith(f"cannot start: {name}: ")
    assert printed.count("\n") == 1
    assert SECRET not in printed


def test_load_without_a_needed_setting_names_it(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A missing setting stops the start like a wrong one; several are named at once."""
    environment.delenv("DATABASE_URL")
    environment.delenv("NATS_URL")
    with pytest.raises(SystemExit):
        settings.load(settings.ServiceSettings)
    printed = capsys.readouterr().err
    assert "DATABASE_URL" in printed
    assert "NATS_URL" in printed


def test_load_with_a_folder_of_secrets_reads_them_and_prefers_variables(
    environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A file is the setting of its name, also for programs that look settings up by name; a variable counts more."""
    (tmp_path / "database_url").write_text("postgresql://from-file\n")
    (tmp_path / "nats_url").write_text("nats://from-file\n")
    (tmp_path / "..data").mkdir()
    environment.setenv("SECRETS_DIRECTORY", str(tmp_path))
    environment.delenv("DATABASE_URL")
    loaded = settings.load(settings.ServiceSettings)
    assert loaded.database_url.get_secret_value() == "postgresql://from-file"
    assert SECRET in loaded.nats_url.get_secret_value()
    assert settings.by_name()["DATABASE_URL"] == "postgresql://from-file"
    assert SECRET in settings.by_name()["NATS_URL"]


def test_load_with_a_folder_of_secrets_that_is_not_there_stops(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A volume that was not mounted is not taken for one without secrets."""
    environment.setenv("SECRETS_DIRECTORY", "/nonexistent")
    with pytest.raises(SystemExit):
        settings.load(settings.ServiceSettings)
    assert capsys.readouterr().err == "cannot start: SECRETS_DIRECTORY: no such folder: /nonexistent\n"
