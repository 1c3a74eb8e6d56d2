"""`python -m embedded.cluster_keys`: make the Secrets of an installation in a cluster, once, from inside the cluster.

What a Secret holds is never replaced; what a later release needs more is added. It needs a service account that may
create Secrets in its own namespace, and get and update those named.
"""

import argparse
import base64
import secrets
import ssl
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx2

from embedded import keys, private_files
from embedded.layout import Layout
from embedded.services import DURABLE

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Where a Pod finds its service account's token and namespace, and the API server's certificate authority."""
API = "https://kubernetes.default.svc"
ADMIN = "postgres"
_NOT_FOUND = 404
_SECONDS = 20.0

Entries = dict[str, str]


def key_entries(held: Entries) -> Entries:
    """Return the files by which the services know each other, made by what makes those of one machine."""
    with tempfile.TemporaryDirectory() as folder:
        layout = Layout(data=Path(folder), runtime=Path(folder))
        layout.make()
        for name, content in held.items():
            private_files.write(layout.keys / name, content)
        keys.prepare(layout)
        return {file.name: file.read_text() for file in layout.keys.iterdir()}


def postgresql_entries(held: Entries, place: str) -> Entries:
    """Return the administrator's name, password and URL, and the URLs of each service's two roles.

    `place` is `host:port/database`.
    """
    password = held.get("password") or _password()
    made = {"username": ADMIN, "password": password, "admin-url": f"postgresql://{ADMIN}:{password}@{place}"}
    for service in DURABLE:
        made[f"{service}-url"] = f"postgresql://{service}:{_password()}@{place}"
        made[f"{service}-system-url"] = f"postgresql://{service}_system:{_password()}@{place}"
    return made | held


def nats_entries(held: Entries, place: str) -> Entries:
    """Return each service's password, and the URL with it. `place` is `host:port`."""
    passwords = {service: held.get(service) or _password() for service in DURABLE}
    return passwords | {f"{name}-url": f"nats://{name}:{password}@{place}" for name, password in passwords.items()}


def _password() -> str:
    return secrets.token_hex(private_files.SECRET_BYTES)


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
    parser.add_argument("--postgresql", nargs=2, metavar=("SECRET", "HOST:PORT/DATABASE"), help="for its URLs")
    parser.add_argument("--nats", nargs=2, metavar=("SECRET", "HOST:PORT"), help="for its passwords and URLs")
    wanted = parser.parse_args(given)
    if wanted.keys:
        found.complete(wanted.keys, key_entries)
    if wanted.postgresql:
        name, place = wanted.postgresql
        # The type is how CloudNativePG wants the Secret of its superuser.
        found.complete(name, lambda held: postgresql_entries(held, place), "kubernetes.io/basic-auth")
    if wanted.nats:
        name, place = wanted.nats
        found.complete(name, lambda held: nats_entries(held, place))


def main() -> None:
    """Be the program of a Job."""
    authority = ssl.create_default_context(cafile=str(ACCOUNT / "ca.crt"))
    headers = {"Authorization": f"Bearer {(ACCOUNT / 'token').read_text().strip()}"}
    with httpx2.Client(base_url=API, headers=headers, verify=authority, timeout=_SECONDS, trust_env=False) as client:
        complete(Secrets(client, (ACCOUNT / "namespace").read_text().strip()), sys.argv[1:])


if __name__ == "__main__":
    main()
