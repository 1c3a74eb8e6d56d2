"""Pages for operators and orchestrators: is the process alive, is the installation ready, what is here."""

from collections.abc import Mapping

import orjson

from gateway.answers import Answer
from gateway.backends import Backends

READY = "SERVING"
_OK, _UNAVAILABLE = 200, 503

INDEX = orjson.dumps(
    {
        "name": "Stateroom",
        "links": {
            "api": "/v1",
            "documentation": "/docs",
            "openapi": "/openapi.json",
            "live": "/healthz",
            "ready": "/readyz",
        },
    }
)


class Pages:
    """The few paths that are no methods. `documents` are pages that never change: path → page."""

    def __init__(self, backends: Backends, documents: Mapping[str, Answer]) -> None:
        self._backends = backends
        self._draining = False
        self._pages = {
            "/": Answer(_OK, INDEX),
            "/healthz": Answer(_OK, orjson.dumps({"status": READY})),
            **documents,
        }

    async def find(self, path: str) -> Answer | None:
        """Return a page, None when the path is not one."""
        return await self._readiness() if path == "/readyz" else self._pages.get(path)

    def drain(self) -> None:
        """Be not ready from now on: this process is about to stop."""
        self._draining = True

    async def _readiness(self) -> Answer:
        if self._draining:
            return Answer(_UNAVAILABLE, orjson.dumps({"status": "DRAINING"}))
        services = await self._backends.probe()
        ready = all(state == READY for state in services.values())
        body = orjson.dumps({"status": READY if ready else "NOT_SERVING", "services": services})
        return Answer(_OK if ready else _UNAVAILABLE, body)
