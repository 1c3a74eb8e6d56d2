"""The Job that makes an installation's Secrets makes them once, and completes them later."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from embedded import cluster_keys
from embedded.cluster_keys import Secrets
from tests.support.chart import pods

NAMESPACE = "rooms-of-ours"


class ApiServer:
    """The part of the API server that keeps Secrets: no name twice, and no change of an older version."""

    def __init__(self) -> None:
        self.kept: dict[str, Any] = {}
        self.asked: list[str] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        """Answer a request."""
        folder, _, name = request.url.path.partition(f"/api/v1/namespaces/{NAMESPACE}/secrets")
        assert folder == ""
        self.asked.append(request.method)
        if request.method == "GET":
            found = self.kept.get(name[1:])
            return httpx2.Response(404) if found is None else httpx2.Response(200, json=found)
        sent = json.loads(request.content)
        name, kept = sent["metadata"]["name"], self.kept.get(sent["metadata"]["name"])
        if (kept or {"metadata": {}})["metadata"].get("resourceVersion") != sent["metadata"].get("resourceVersion"):
            return httpx2.Response(409)
        sent["metadata"]["resourceVersion"] = str(len(self.asked))
        self.kept[name] = sent
        return httpx2.Response(200, json=sent)

    def entries(self, name: str) -> dict[str, str]:
        """Return what a Secret holds."""
        return {key: base64.b64decode(value).decode() for key, value in self.kept[name]["data"].items()}


@pytest.fixture
def server() -> ApiServer:
    """Return one without Secrets."""
    return ApiServer()


@pytest.fixture
def secrets(server: ApiServer) -> Iterator[Secrets]:
    """Return its Secrets, as the Job reaches them."""
    with httpx2.Client(base_url=cluster_keys.API, transport=httpx2.MockTransport(server)) as client:
        yield Secrets(client, NAMESPACE)


def _arguments() -> list[str]:
    (job,) = (pod for pod in pods("trying") if pod.component == "keys")
    given: list[str] = job.main["args"]
    return given


def test_keys_at_the_first_time_are_made(server: ApiServer, secrets: Secrets) -> None:
    """All three Secrets, with the URLs by which the chart's servers are reached."""
    cluster_keys.complete(secrets, _arguments())
    assert server.kept.keys() == {"stateroom-keys", "stateroom-postgresql", "stateroom-nats"}
    assert {one["type"] for one in server.kept.values()} == {"Opaque", "kubernetes.io/basic-auth"}
    postgresql, nats = server.entries("stateroom-postgresql"), server.entries("stateroom-nats")
    assert (
        postgresql["admin-url"] == f"postgresql://postgres:{postgresql['password']}@stateroom-postgresql:5432/stateroom"
    )
    assert nats["audit-url"] == f"nats://audit:{nats['audit']}@stateroom-nats:4222"
    assert len(set(postgresql.values())) == len(postgresql)


def test_keys_made_again_change_nothing(server: ApiServer, secrets: Secrets) -> None:
    """An upgrade runs the Job once more, and every service keeps its keys."""
    cluster_keys.complete(secrets, _arguments())
    before = json.dumps(server.kept)
    server.asked.clear()
    cluster_keys.complete(secrets, _arguments())
    assert json.dumps(server.kept) == before
    assert set(server.asked) == {"GET"}


def test_keys_that_a_later_release_needs_are_added(server: ApiServer, secrets: Secrets) -> None:
    """What is there stays, and everybody trusts the new key too."""
    cluster_keys.complete(secrets, _arguments())
    del server.kept["stateroom-keys"]["data"]["audit.jwk"]
    before = server.entries("stateroom-keys")
    cluster_keys.complete(secrets, _arguments())
    after = server.entries("stateroom-keys")
    assert {name for name in before if before[name] != after[name]} == {"trust.jwks"}
    known = {key["kid"]: key["x"] for key in json.loads(after["trust.jwks"])["keys"]}
    assert known["audit"] == json.loads(after["audit.jwk"])["x"]


def test_keys_that_somebody_changes_meanwhile_are_left_to_the_next_try(server: ApiServer, secrets: Secrets) -> None:
    """Two Jobs at once do not overwrite each other: one fails, and is tried again."""

    def entries(_held: dict[str, str]) -> dict[str, str]:
        server.kept["one"]["metadata"]["resourceVersion"] = "newer"
        return {"a": "mine"}

    secrets.complete("one", lambda _held: {"b": "first"})
    with pytest.raises(httpx2.HTTPStatusError):
        secrets.complete("one", entries)
    assert server.entries("one") == {"b": "first"}
