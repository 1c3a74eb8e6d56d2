"""What the chart sets in the environment is what the processes read, and Secrets hold what is asked of them."""

import importlib
import json
from pathlib import Path

import pytest

from chassis.settings import ProcessSettings
from embedded import cluster_keys
from tests.support.chart import COMBINATIONS, Pod, of_kind, pods
from tools.render_chart import ROOT

KEYS = "/etc/stateroom/keys"
MODELS = {
    **{
        f"services.{name}": f"services.{name}.settings.{name.capitalize()}Settings" for name in ("workspace", "session")
    },
    **{f"services.{name}": f"services.{name}.settings.{name.capitalize()}Settings" for name in ("execution", "audit")},
    "gateway": "gateway.settings.GatewaySettings",
    "embedded.postgres_server": "embedded.server_settings.PostgresServerSettings",
    "embedded.nats_server": "embedded.server_settings.NatsServerSettings",
}
"""The settings model of each program."""
MIGRATED = ("workspace", "session", "execution", "audit")
WITHOUT_MODEL = {
    "embedded.cluster_keys": set[str](),
    "chassis.migrate": {
        "ADMIN_DATABASE_URL",
        *(f"{name.upper()}_{kind}DATABASE_URL" for name in MIGRATED for kind in ("", "SYSTEM_")),
    },
}
"""Programs that read exactly these."""
SECRETS = {
    "keys": cluster_keys.keys_of({}),
    "postgresql": cluster_keys.postgresql_of({}, "host:5432"),
    "nats": cluster_keys.nats_of({}, "host:4222"),
}
"""What Secrets hold, those of an operator's own too: docs/kubernetes.md lists the entries."""
PROCESSES = [
    pytest.param(combination, pod, id=f"{combination}-{pod.component}")
    for combination in COMBINATIONS
    for pod in pods(combination)
    if pod.main["command"][1] == "-m" and pod.main["command"][2] in MODELS
]


def _secret(name: str) -> dict[str, str]:
    """Return what a Secret of that name holds: the chart's end in what they are for, and so do those of the tests."""
    return SECRETS[name.rpartition("-")[2]]


def _environment(pod: Pod, folder: Path) -> dict[str, str]:
    """Return the environment that a Pod's process sees, with its keys in a folder of the test."""
    found: dict[str, str] = {}
    for entry in pod.main["env"]:
        source = entry.get("valueFrom", {}).get("secretKeyRef")
        value = _secret(source["name"])[source["key"]] if source else entry["value"]
        found[entry["name"]] = value.replace(KEYS, str(folder))
    return found


def _mount(pod: Pod, folder: Path) -> None:
    (volume,) = [volume["secret"] for volume in pod.spec["volumes"] if "secret" in volume]
    for item in volume["items"]:
        (folder / item["path"]).write_text(_secret(volume["secretName"])[item["key"]])


def _model(pod: Pod) -> type[ProcessSettings]:
    module, _, name = MODELS[pod.main["command"][2]].rpartition(".")
    model: type[ProcessSettings] = getattr(importlib.import_module(module), name)
    return model


@pytest.mark.parametrize(("combination", "pod"), PROCESSES)
def test_environment_of_a_process_is_what_its_settings_read(
    combination: str, pod: Pod, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is set that nobody reads, nothing is missing, and the values and the mounted files are right."""
    model = _model(pod)
    _mount(pod, tmp_path)
    environment = _environment(pod, tmp_path)
    assert {name for name in environment if name.lower() not in model.model_fields} == set()
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    loaded = model()
    assert environment.keys() <= {name.upper() for name in loaded.model_fields_set}


@pytest.mark.parametrize("combination", COMBINATIONS)
def test_environment_of_a_program_without_settings_is_what_it_reads(combination: str) -> None:
    """Jobs and the wait for the schema have what they need and nothing else."""
    seen = set()
    for pod in pods(combination):
        for container in pod.containers:
            module = container["command"][2] if container["command"][1] == "-m" else ""
            if module in WITHOUT_MODEL:
                waits = "--wait" in container["command"]
                expected = {"SYSTEM_DATABASE_URL"} if waits else WITHOUT_MODEL[module]
                assert {entry["name"] for entry in container.get("env", [])} == expected
                seen.add(module)
    assert "chassis.migrate" in seen


@pytest.mark.parametrize("combination", COMBINATIONS)
def test_secrets_hold_what_is_asked_of_them(combination: str) -> None:
    """Each entry that a container refers to is one that the Job makes or the documentation asks for."""
    for pod in pods(combination):
        for container in pod.containers:
            for entry in container.get("env", []):
                source = entry.get("valueFrom", {}).get("secretKeyRef")
                assert source is None or source["key"] in _secret(source["name"])


@pytest.mark.parametrize("combination", COMBINATIONS)
def test_addresses_of_neighbours_are_headless_services(combination: str) -> None:
    """A client sees every replica by the name it has, at the port at which they listen."""
    services = {one["metadata"]["name"]: one["spec"] for one in of_kind(combination, "Service")}
    seen = 0
    for pod in pods(combination):
        for entry in pod.main.get("env", []):
            if entry["name"].endswith("_ADDRESS"):
                name, _, port = entry["value"].removeprefix("dns:///").partition(":")
                assert name.endswith(entry["name"].removesuffix("_ADDRESS").lower())
                assert services[name]["clusterIP"] == "None"
                assert int(port) in {each["port"] for each in services[name]["ports"]}
                seen += 1
    assert seen == 11


def test_setting_of_a_value_reaches_the_process() -> None:
    """`execution.env` may set whatever the process reads; rooms and origins come from values of their own."""
    values = {pod.component: {e["name"]: e.get("value") for e in pod.main.get("env", [])} for pod in pods("operators")}
    assert values["execution"]["EXECUTION_LIMIT"] == "50"
    assert values["execution"]["EGRESS_ALLOWED"] == "10.1.0.0/16"
    assert values["gateway"]["PREVIEW_URL"] == values["session"]["PREVIEW_URL"] == "https://preview.example.com"
    origins = ["https://console.example.com", "https://stateroom.example.com"]
    assert json.loads(values["gateway"]["ALLOWED_ORIGINS"]) == origins


@pytest.mark.parametrize("combination", COMBINATIONS)
def test_clients_of_services_connect_anew_now_and_then(combination: str) -> None:
    """Otherwise a replica that comes later would get no calls."""
    for pod in pods(combination):
        told = {entry["name"]: entry.get("value") for entry in pod.main.get("env", [])}
        if pod.component in MIGRATED:
            assert 60 <= float(told["MAX_CONNECTION_AGE_SECONDS"]) <= 600


def test_entries_of_secrets_are_documented() -> None:
    """Who brings Secrets of their own finds every entry in docs/kubernetes.md."""
    page = (ROOT / "docs" / "kubernetes.md").read_text()
    entries = SECRETS["keys"].keys() | {"admin-url"}
    assert {entry for entry in entries if f"`{entry}`" not in page} == set()
