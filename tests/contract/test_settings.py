"""A service with one wrong setting does not start: it exits with 3 and names the setting."""

import asyncio
import importlib
import sys
from pathlib import Path

import pytest

from chassis.settings import WRONG_SETTING, load
from embedded import keys
from embedded.layout import Layout
from tests.support.product import SERVICES
from tests.support.waiting import PATIENCE

NO_JSON = "{not json}"
EVERY: dict[str, tuple[str | None, ...]] = {
    "LISTEN": ("nonsense", ""),
    "LOG_LEVEL": ("LOUD",),
    "LOG_FORMAT": ("xml",),
    "DATABASE_URL": (None, "mysql://a"),
    "SYSTEM_DATABASE_URL": (None,),
    "DATABASE_POOL_SIZE": ("0",),
    "NATS_URL": (None, "http://a"),
    "TRUST_KEYS_FILE": (None, "/nonexistent", NO_JSON),
    "SIGNING_KEY_FILE": (None, "/nonexistent", NO_JSON),
    "EVENT_KEYS_FILE": (None, "/nonexistent", NO_JSON),
    "FAULT": ("relay.nowhere:1:kill", "relay.after_puback"),
    "DRAIN_SECONDS": ("-1",),
    "STOP_GRACE_SECONDS": ("61", "soon"),
    "RATE_READ": ("fast", "0/s", "1/day", "1/s burst 0"),
    "RATE_WRITE": ("",),
    "RATE_INPUT": ("10",),
    "RATE_STREAM": ("1/s, 2/s",),
    "RATE_ANONYMOUS": ("-1/s",),
    "RATE_REFUSED": ("none",),
    "STREAMS_PER_ACCOUNT": ("0",),
    "STREAM_REPLICAS": ("0", "6"),
    "METRICS_LISTEN": ("9100", "localhost:"),
}
OWN: dict[str, dict[str, tuple[str | None, ...]]] = {
    "workspace": {
        "DATA_DIRECTORY": (None, "relative"),
        "RUNTIME_DIRECTORY": (None, "relative", f"/{'x' * 69}"),
        "PRIVATE_DIRECTORY": ("relative",),
        "ALLOW_LOCAL_REPOSITORIES": ("perhaps",),
        "WORKSPACE_LIMIT": ("0",),
        "TEAM_LIMIT": ("0",),
        "BOOTSTRAP_TOKEN_FILE": ("/nonexistent",),
        "SIGN_UP": ("maybe",),
        "SAVE_SIZE_LIMIT": ("0", "20GiB"),
        "SAVE_IGNORED": ("perhaps",),
        "CLEAN_UP_DAYS": ("-1", "never"),
        "PURGE_DAYS": ("-1", "36501"),
        "SAVE_DAYS": ("-1",),
        "SWEEP_SECONDS": ("0", "inf"),
        "PLACEMENT": ("moon", "kubernetes"),
        "KUBECONFIG": ("/nonexistent",),
        "ROOM_NAMESPACE": ("Rooms",),
        "ROOM_SIZE": ("much", "", "0", "1gi"),
        "ROOM_NODE_SELECTOR": (NO_JSON, "[1]"),
        "ROOM_CPU_LIMIT": ("all",),
        "ROOM_START_SECONDS": ("0",),
        "ROOM_IDLE_SECONDS": ("-1", "inf"),
    },
    "execution": {"SEALING_KEYS_FILE": (None, "/nonexistent", NO_JSON), "EVENT_SOURCES": ("nobody",)},
    "audit": {"AUDIT_SOURCES": ("nobody",)},
    "session": {"SESSION_LIMIT": ("0",), "SLOW_DEVICE_SECONDS": ("-1",), "LOG_MONTHS": ("-1",), "LOG_DRY_RUN": ("x",)},
}
CASES = [
    pytest.param(service, name, id=f"{service}-{name}")
    for service in SERVICES
    for name in (*EVERY, *OWN.get(service, {}))
]


def _environment(folder: Path, service: str) -> dict[str, str]:
    layout = Layout(data=folder, runtime=folder)
    layout.make()
    keys.prepare(layout)
    return {
        "PYTHONPATH": ":".join(path for path in sys.path if path),
        "DATABASE_URL": "postgresql://a:a@127.0.0.1:1/a",
        "SYSTEM_DATABASE_URL": "postgresql://a:a@127.0.0.1:1/a",
        "NATS_URL": "nats://a:a@127.0.0.1:1",
        "TRUST_KEYS_FILE": str(keys.trust_keys_file(layout)),
        "SIGNING_KEY_FILE": str(keys.signing_key_file(layout, service)),
        "EVENT_KEYS_FILE": str(keys.event_keys_file(layout)),
        "SEALING_KEYS_FILE": str(keys.sealing_keys_file(layout)),
        "DATA_DIRECTORY": str(folder),
        "RUNTIME_DIRECTORY": "/run/stateroom",
        **{f"{name.upper()}_ADDRESS": "127.0.0.1:1" for name in SERVICES},
    }


@pytest.mark.parametrize(("service", "name"), CASES)
def test_settings_with_one_wrong_value_exit_and_name_it(
    service: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The operator reads one line, which names the setting and shows no secret."""
    right = _environment(tmp_path, service)
    declared = getattr(importlib.import_module(f"services.{service}.settings"), f"{service.capitalize()}Settings")
    wrong_file = tmp_path / "wrong"
    wrong_file.write_text(NO_JSON)
    for value in (EVERY | OWN.get(service, {}))[name]:
        for key, kept in right.items():
            monkeypatch.setenv(key, kept)
        monkeypatch.delenv(name, raising=False)
        if value is not None:
            monkeypatch.setenv(name, str(wrong_file) if value == NO_JSON else value)
        with pytest.raises(SystemExit) as stopped:
            load(declared)
        lines = capsys.readouterr().err.splitlines()
        assert stopped.value.code == WRONG_SETTING
        assert lines
        assert all(name in line and "a:a@" not in line for line in lines)


@pytest.mark.parametrize("service", SERVICES)
async def test_service_with_one_wrong_setting_exits_and_names_it(service: str, tmp_path: Path) -> None:
    """The process itself stops before it opens anything, without a stack."""
    environment = _environment(tmp_path, service) | {"NATS_URL": "http://a"}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", f"services.{service}", env=environment, stderr=asyncio.subprocess.PIPE
    )
    _, said = await asyncio.wait_for(process.communicate(), PATIENCE)
    assert process.returncode == WRONG_SETTING
    assert [line.split(": ")[1] for line in said.decode().splitlines()] == ["NATS_URL"]
