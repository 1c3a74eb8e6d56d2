"""Pages for operators and orchestrators: is the process alive, is the installation ready, what is here."""

import orjson

from gateway.backends import Backends

READY = "SERVING"
_OK, _UNAVAILABLE = 200, 503

INDEX = orjson.dumps({"name": "Stateroom", "links": {"api": "/v1", "live": "/healthz", "ready": "/readyz"}})


class Pages:
    """The few paths that are no methods."""

    def __init__(self, backends: Backends) -> None:
        self._backends = backends

    async def find(self, path: str) -> tuple[int, bytes] | None:
        """Return status and JSON of a page, None when the path is not one."""
        if path == "/":
            return _OK, INDEX
        if path == "/healthz":
            return _OK, orjson.dumps({"status": READY})
        if path == "/readyz":
            services = await self._backends.probe()
            ready = all(state == READY for state in services.values())
            status = READY if ready else "NOT_SERVING"
            return _OK if ready else _UNAVAILABLE, orjson.dumps({"status": status, "services": services})
        return None
