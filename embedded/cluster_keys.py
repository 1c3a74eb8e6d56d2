"""`python -m embedded.cluster_keys`: make the Secrets of an installation in a cluster, once, from inside the cluster.

What a Secret holds is never replaced; what a later release needs more is added. It needs a service account that may
create Secrets in its own namespace, and get and update those named.
"""

import argparse
import base64
import ssl
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2

from embedded import keys, parts, private_files
from embedded.layout import Layout

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Where a Pod finds its service account's token and namespace, and the API server's certificate authority."""
API = "https://kubernetes.default.svc"
_NOT_FOUND = 404
_SECONDS = 20.0

Entries = dict[str, str]
"""What a Secret holds: names and content of files."""


def keys_of(held: Entries) -> Entries:
    """Return the keys by which the services know each other, those that are held among them."""
    with _layout() as layout:
        for name, content in held.items():
            private_files.write(layout.keys / name, content)
        return _made(layout)["keys"]


def postgresql_of(held: Entries, server: str) -> Entries:
    """Return the passwords and URLs by which everybody reaches PostgreSQL at `host:port`; what is held stays."""
    with _layout() as layout:
        _hold(layout.passwords / parts.ADMIN, held.get("password"))
        return _made(layout, database=server)["postgresql"] | held


def nats_of(held: Entries, server: str) -> Entries:
    """Return the passwords and URLs by which the services reach NATS at `host:port`; what is held stays."""
    with _layout() as layout:
        for name in keys.SOURCES:
            _hold(layout.passwords / f"nats-{name}", held.get(name))
        return _made(layout, nats=server)["nats"] | held


@contextmanager
def _layout() -> Iterator[Layout]:
    with tempfile.TemporaryDirectory() as folder:
        layout = Layout(data=Path(folder), runtime=Path(folder))
        layout.make()
        yield layout


def _hold(file: Path, password: str | None) -> None:
    if password is not None:
        private_files.write(file, password)


def _made(layout: Layout, database: str = "", nats: str = "") -> dict[str, Entries]:
    return parts.secrets(layout, parts.access(layout, database=database, nats=nats))


@dataclass(frozen=True, slots=True)
class Secrets:
    """The Secrets of one namespace."""

    client: httpx2.Client
    namespace: str

    def complete(self, name: str, entries: Callable[[Entries], Entries], kind: str = "Opaque") -> None:
        """Make a Secret of that kind, or add what it lacks of the entries, given those that it holds.

        Raises:
            httpx2.HTTPStatusError: the API server refuses, also because somebody has changed the Secret meanwhile.
        """
        path = f"/api/v1/namespaces/{self.namespace}/secrets"
        answer = self.client.get(f"{path}/{name}")
        if answer.status_code == _NOT_FOUND:
            secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "type": kind}
            self.client.post(path, json=secret | {"data": _encoded(entries({}))}).raise_for_status()
            sys.stderr.write(f"made Secret {name}\n")
            return
        found = answer.raise_for_status().json()
        held = {key: base64.b64decode(value).decode() for key, value in (found.get("data") or {}).items()}
        wanted = held | entries(held)
        if wanted != held:
            self.client.put(f"{path}/{name}", json=found | {"data": _encoded(wanted)}).raise_for_status()
            sys.stderr.write(f"completed Secret {name}\n")


def _encoded(entries: Entries) -> Entries:
    return {key: base64.b64encode(value.encode()).decode() for key, value in entries.items()}


def complete(found: Secrets, given: list[str]) -> None:
    """Make what the arguments of the program name."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keys", metavar="SECRET", help="for the keys of the services")
    parser.add_argument("--postgresql", nargs=2, metavar=("SECRET", "HOST:PORT"), help="for its passwords and URLs")
    parser.add_argument("--nats", nargs=2, metavar=("SECRET", "HOST:PORT"), help="for its passwords and URLs")
    wanted = parser.parse_args(given)
    if wanted.keys:
        found.complete(wanted.keys, keys_of)
    if wanted.postgresql:
        name, database = wanted.postgresql
        # The type is how CloudNativePG wants the Secret of its superuser.
        found.complete(name, lambda held: postgresql_of(held, database), "kubernetes.io/basic-auth")
    if wanted.nats:
        name, broker = wanted.nats
        found.complete(name, lambda held: nats_of(held, broker))


def main() -> None:
    """Be the program of a Job."""
    authority = ssl.create_default_context(cafile=str(ACCOUNT / "ca.crt"))
    headers = {"Authorization": f"Bearer {(ACCOUNT / 'token').read_text().strip()}"}
    with httpx2.Client(base_url=API, headers=headers, verify=authority, timeout=_SECONDS, trust_env=False) as client:
        complete(Secrets(client, (ACCOUNT / "namespace").read_text().strip()), sys.argv[1:])


if __name__ == "__main__":
    main()
