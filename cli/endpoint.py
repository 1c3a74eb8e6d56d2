"""Which gateway to talk to, and with which key."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cli import program
from cli.environment import read
from cli.errors import Refused, WrongUse

FILE = "endpoint.json"
PRIVATE_TO_OTHERS = 0o077
"""Permission bits of group and world; a file with a key has none of them."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A gateway's URL without a final slash, an API key for it, and the gRPC addresses of services that are known."""

    url: str
    api_key: str
    services: Mapping[str, str] = field(default_factory=dict)

    def headers(self, account: str = "") -> dict[str, str]:
        """Return what says who calls, in which account, empty for the key's own; a guest without a key says nothing."""
        headers = {"Authorization": f"Bearer {self.api_key}"} if self.api_key else {}
        return headers | ({"Stateroom-Account": account} if account else {})


def find(
    environment: Mapping[str, str] | None = None, folder: Path | None = None, *, needs_key: bool = True
) -> Endpoint:
    """Return the endpoint: the environment's, else that of the installation around the folder, else the person's.

    Args:
        environment: defaults to the process's.
        folder: where to begin to look upwards for `.stateroom/endpoint.json`; the current one by default.
        needs_key: whether an endpoint without a key is of no use.

    Raises:
        WrongUse: there is none, or it is incomplete.
        Refused: others can read the file.
    """
    environment = read() if environment is None else environment
    if url := environment.get("STATEROOM_URL"):
        key = environment.get("STATEROOM_API_KEY", "")
        if needs_key and not key:
            msg = "STATEROOM_URL is set but STATEROOM_API_KEY is not; set it to an API key of that installation."
            raise WrongUse(msg)
        if not url.startswith(("http://", "https://")):
            msg = f"STATEROOM_URL is {url!r}; it must begin with http:// or https://."
            raise WrongUse(msg)
        return Endpoint(url.rstrip("/"), key)
    for path in _candidates(environment, folder or Path.cwd()):
        if path.is_file():
            return _read(path, environment.get("STATEROOM_API_KEY"))
    msg = (
        f"No installation runs in this folder or above it; start it with `{program.name()} up`,"
        " or set STATEROOM_URL and STATEROOM_API_KEY."
    )
    raise WrongUse(msg)


def upwards(folder: Path) -> Iterator[Path]:
    """Yield where an installation's data may be: here, and in each folder above."""
    return (place / ".stateroom" for place in (folder, *folder.parents))


def _candidates(environment: Mapping[str, str], folder: Path) -> Iterator[Path]:
    yield from (place / FILE for place in upwards(folder))
    home = Path(environment.get("HOME", "/"))
    yield Path(environment.get("XDG_CONFIG_HOME") or home / ".config") / "stateroom" / FILE


def _read(path: Path, key: str | None) -> Endpoint:
    if path.stat().st_mode & PRIVATE_TO_OTHERS:
        msg = f"{path} holds an API key and others can read it; run `chmod 600 {path}`."
        raise Refused(msg)
    try:
        content = json.loads(path.read_text())
        gateway, own_key = str(content["gateway"]), str(content["api_key"])
        return Endpoint(gateway.rstrip("/"), key or own_key, content.get("services", {}))
    except (ValueError, KeyError, TypeError) as error:
        msg = f"{path} is damaged; start the installation again with `{program.name()} up` to have it rewritten."
        raise WrongUse(msg) from error
