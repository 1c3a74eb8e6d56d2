"""The services and the gateway: what each runs with, and starting one until it is ready."""

import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from embedded import databases, keys, readiness
from embedded.layout import Layout
from embedded.process import ManagedProcess, Program

DURABLE = ("workspace", "session", "execution", "audit")
"""Services with a schema, in the order of the pages that describe them."""
STOP_SECONDS = 4.0
"""They finish calls that are under way within STOP_GRACE_SECONDS, and need a moment to close what they opened."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the services find around them.

    Addresses and where each serves its metrics are `host:port`, by name, as the NATS URLs are.
    """

    admin_database_url: str
    nats_urls: Mapping[str, str]
    addresses: Mapping[str, str]
    metrics: Mapping[str, str]
    gateway_listen: str
    sign_up: str
    inherited: Mapping[str, str]


class Service:
    """One of our own programs: started until it is ready, stopped in order, started again at the same address."""

    def __init__(self, name: str, program: Program, ready: Callable[[], Awaitable[bool]]) -> None:
        self.name = name
        self._program = program
        self._ready = ready
        self.process: ManagedProcess | None = None

    async def start(self) -> None:
        """Start it and return when it answers.

        Raises:
            StartFailed: it ended, with what it said last.
        """
        self.process = await ManagedProcess.start(self._program)
        await readiness.wait_until(self._ready, self.process)

    async def stop(self) -> None:
        """Stop it."""
        if self.process is not None:
            await self.process.stop(STOP_SECONDS)


def durable(layout: Layout, name: str, around: Surroundings) -> Service:
    """Return a service that has a database."""
    own = databases.urls(layout, around.admin_database_url, name) | {
        "LISTEN": around.addresses[name],
        "NATS_URL": around.nats_urls[name],
        "EVENT_KEYS_FILE": str(keys.event_keys_file(layout)),
        "STOP_GRACE_SECONDS": "2.5",
    }
    if name == "workspace":
        own |= {
            "DATA_DIRECTORY": str(layout.rooms),
            "RUNTIME_DIRECTORY": str(layout.runtime),
            "PRIVATE_DIRECTORY": str(layout.data),
            "ALLOW_LOCAL_REPOSITORIES": "true",
            "BOOTSTRAP_TOKEN_FILE": str(keys.bootstrap_token_file(layout)),
            "SIGN_UP": around.sign_up,
        }
    if name == "session":
        own |= {"PREVIEW_URL": _preview_url(around)}
    if name == "execution":
        own |= {"SEALING_KEYS_FILE": str(keys.sealing_keys_file(layout))}
    address = around.addresses[name]
    return Service(
        name, _program(layout, f"services.{name}", name, around, own), lambda: readiness.grpc_answers(address)
    )


def gateway(layout: Layout, around: Surroundings) -> Service:
    """Return the gateway."""
    url = f"http://{around.gateway_listen}"
    own = {
        "HTTP_LISTEN": around.gateway_listen,
        "PREVIEW_URL": _preview_url(around),
        "ALLOWED_ORIGINS": f'["{url}"]',
        "DRAIN_SECONDS": "0",
    }
    return Service(
        "gateway", _program(layout, "gateway", "gateway", around, own), lambda: readiness.gateway_reaches_all(url)
    )


def _preview_url(around: Surroundings) -> str:
    """Return below which previews have their origins: to browsers whatever ends in .localhost is this machine."""
    port = around.gateway_listen.rpartition(":")[2]
    return around.inherited.get("PREVIEW_URL", f"http://preview.localhost:{port}")


def _program(layout: Layout, module: str, name: str, around: Surroundings, own: Mapping[str, str]) -> Program:
    everybody = {
        "LOG_FORMAT": "json",
        "METRICS_LISTEN": around.metrics[name],
        "TRUST_KEYS_FILE": str(keys.trust_keys_file(layout)),
        "SIGNING_KEY_FILE": str(keys.signing_key_file(layout, name)),
    }
    neighbours = {f"{service.upper()}_ADDRESS": address for service, address in around.addresses.items()}
    return Program(
        name=f"The {name} service" if name != "gateway" else "The gateway",
        # -P: the folder the user happens to stand in must not provide modules.
        arguments=[sys.executable, "-P", "-m", module],
        log_file=layout.logs / f"{name}.log",
        environment=everybody | dict(around.inherited) | neighbours | dict(own),
    )
