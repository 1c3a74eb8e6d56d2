"""Which preview a `Host` header names."""

import re
from uuid import UUID

_NAME = re.compile(r"[0-9a-f]{32}")


class PreviewHosts:
    """The hosts of previews, `<id without dashes>.<host>`, where the host is that of a base URL."""

    def __init__(self, base_url: str) -> None:
        self.scheme, _, host = base_url.partition("://")
        self._host = host.partition(":")[0]

    def is_preview(self, host: str) -> bool:
        """Return whether a request belongs to some preview, known or not, and therefore not to the API.

        Ports do not matter: proxies in between have others.
        """
        return any(each == self._host or each.endswith(f".{self._host}") for each in map(_plain, host.split(",")))

    def preview_id(self, host: str) -> str:
        """Return the id of the preview that a host names; empty when it is the host of none."""
        name, _, parent = _plain(host).partition(".")
        return str(UUID(name)) if parent == self._host and _NAME.fullmatch(name) else ""


def _plain(host: str) -> str:
    """Return a host in lower case, without its port and the dot that may end it."""
    return host.strip().lower().partition(":")[0].removesuffix(".")
