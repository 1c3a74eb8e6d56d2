"""Keeps pages of other origins from acting with a person's browser."""

from gateway.errors import CrossSite
from gateway.http import HttpRequest

_SCHEMES = ("http://", "https://")


class OriginRule:
    """Lets through pages of the gateway's own host and of the origins that the operator named."""

    def __init__(self, allowed: frozenset[str]) -> None:
        self._allowed = allowed

    def check(self, request: HttpRequest, *, upgrade: bool) -> None:
        """Refuse an unsafe call or an upgrade that a page of another origin makes; programs send no origin.

        Raises:
            CrossSite: the origin is `null`, another host, or the browser says that the call is cross-site.
        """
        if request.is_safe and not upgrade:
            return
        origin = request.headers.get("origin", "").lower()
        if origin:
            if origin not in self._allowed and not _same_host(origin, request.headers.get("host", "").lower()):
                raise CrossSite(origin)
        elif request.headers.get("sec-fetch-site") in {"cross-site", "same-site"}:
            raise CrossSite(request.headers["sec-fetch-site"])


def _same_host(origin: str, host: str) -> bool:
    return bool(host) and any(origin == scheme + host for scheme in _SCHEMES)
