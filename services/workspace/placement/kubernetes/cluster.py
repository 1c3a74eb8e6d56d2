"""The API server: requests about objects of one namespace, as plain JSON."""

import random
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import aiohttp
import orjson
from kubernetes_asyncio import config
from kubernetes_asyncio.client import ApiClient, Configuration

from chassis.errors import ServiceUnavailable

Object = dict[str, Any]
"""An object of Kubernetes. The client's own classes take milliseconds for each, and there are thousands."""

_PAGE = 500
_SECONDS = 10.0
"""What a request may take."""
_WATCH_SECONDS = 240
"""After how long the server ends a watch; up to a quarter more, so that not all begin anew at once."""
_SILENCE = 330.0
"""Seconds without a byte after which a watch counts as dead: longer than the server keeps any."""
_GONE, _CONFLICT, _BAD, _BROKEN = 404, 409, 400, 500
_FAILURES = (aiohttp.ClientError, TimeoutError, OSError)


class Refused(Exception):
    """The API server's `Status` instead of what was asked for."""

    def __init__(self, code: int, reason: str, message: str) -> None:
        super().__init__(f"{code} {reason}: {message}")
        self.code, self.reason, self.message = code, reason, message

    @classmethod
    def of(cls, code: int, status: bytes | Object) -> Self:
        """Return what a body says, which need not come from the API server itself."""
        try:
            said = orjson.loads(status) if isinstance(status, bytes) else status
            return cls(said.get("code") or code, said.get("reason") or "", said.get("message") or "")
        except (ValueError, AttributeError):
            return cls(code, "", "")


@dataclass(frozen=True, slots=True)
class Event:
    """One line of a watch. `kind` is ADDED, MODIFIED, DELETED or BOOKMARK."""

    kind: str
    found: Object

    @property
    def version(self) -> str:
        """How far the watch has come with it."""
        return str(self.found["metadata"]["resourceVersion"])


@dataclass(frozen=True, slots=True)
class Cluster:
    """Calls raise Refused, or ServiceUnavailable while the API server does not answer."""

    client: ApiClient
    namespace: str

    @classmethod
    async def open(cls, namespace: str, kubeconfig: Path | None) -> Self:
        """Return the cluster that a kubeconfig names; without one, that in which this process runs as a Pod."""
        configuration = Configuration()
        if kubeconfig is None:
            config.load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]  # half typed
        else:
            await config.load_kube_config(str(kubeconfig), client_configuration=configuration)
        return cls(ApiClient(configuration), namespace)

    async def close(self) -> None:
        """Close all connections."""
        await self.client.close()

    async def create(self, plural: str, wanted: Object) -> Object:
        """Create an object. Refused with AlreadyExists when there is one of its name."""
        return await self._call("POST", plural, body=wanted)

    async def get(self, plural: str, name: str) -> Object | None:
        """Return an object, None when there is none."""
        try:
            return await self._call("GET", f"{plural}/{name}")
        except Refused as refusal:
            if refusal.code != _GONE:
                raise
            return None

    async def ensure(self, plural: str, wanted: Object) -> None:
        """Create an object unless there is one of its name."""
        try:
            await self.create(plural, wanted)
        except Refused as refusal:
            if refusal.reason != "AlreadyExists":
                raise

    async def patch(self, plural: str, name: str, steps: list[Object]) -> Object:
        """Change an object as a JSON patch says."""
        return await self._call("PATCH", f"{plural}/{name}", body=steps)

    async def delete(self, plural: str, name: str, uid: str = "", version: str = "") -> None:
        """Delete an object, if it is there, and if it is the one with that uid and has not changed since a version."""
        known = {"uid": uid, "resourceVersion": version}
        options = {
            "propagationPolicy": "Background",
            "preconditions": {key: each for key, each in known.items() if each},
        }
        try:
            await self._call("DELETE", f"{plural}/{name}", body=options)
        except Refused as refusal:
            if refusal.code not in (_GONE, _CONFLICT):  # or another one has the name by now
                raise

    async def events(self, uid: str) -> list[Object]:
        """Return what the cluster says about an object."""
        answer = await self._call("GET", "events", {"fieldSelector": f"involvedObject.uid={uid}", "limit": str(_PAGE)})
        found: list[Object] = answer["items"]
        return found

    async def pages(self, plural: str, selector: str) -> AsyncIterator[tuple[list[Object], str]]:
        """Return all objects with a label, a page at a time, each with the version from which to watch on."""
        query = {"labelSelector": selector, "limit": str(_PAGE)}
        while True:
            answer = await self._call("GET", plural, query)
            meta = answer["metadata"]
            yield answer["items"], meta["resourceVersion"]
            if not meta.get("continue"):
                return
            query["continue"] = meta["continue"]

    async def watch(self, plural: str, selector: str, version: str) -> AsyncIterator[Event]:
        """Return what happens to objects with a label after a version, until the server has enough of that.

        Raises:
            Refused: with code 410 when the version is forgotten.
            ServiceUnavailable: the connection was cut.
        """
        seconds = _WATCH_SECONDS + random.randrange(_WATCH_SECONDS // 4)  # noqa: S311  # to spread, not to hide
        query = {"labelSelector": selector, "resourceVersion": version, "timeoutSeconds": str(seconds)}
        query |= {"watch": "true", "allowWatchBookmarks": "true"}
        response = await self._send("GET", plural, query, silence=_SILENCE)
        try:
            async for line in _lines(response.content):
                said = orjson.loads(line)
                if said["type"] == "ERROR":
                    raise Refused.of(_BROKEN, said["object"])
                yield Event(said["type"], said["object"])
        except (*_FAILURES, orjson.JSONDecodeError) as exc:  # or cut in the middle of a line
            raise ServiceUnavailable(service="kubernetes") from exc
        finally:
            response.close()

    async def _call(self, method: str, path: str, query: Object | None = None, body: object = None) -> Object:
        response = await self._send(method, path, query or {}, body=body)
        try:
            answer: Object = orjson.loads(await response.read())
        except (*_FAILURES, orjson.JSONDecodeError) as exc:
            raise ServiceUnavailable(service="kubernetes") from exc
        finally:
            response.release()
        return answer

    async def _send(
        self, method: str, path: str, query: Object, *, body: object = None, silence: float = _SECONDS
    ) -> aiohttp.ClientResponse:
        """Send a request, and return its answer, of which nothing is read; it may be silent for some seconds."""
        content = "application/json-patch+json" if method == "PATCH" else "application/json"
        timeout = aiohttp.ClientTimeout(connect=_SECONDS, sock_connect=_SECONDS, sock_read=silence)
        try:
            response: aiohttp.ClientResponse = await self.client.call_api(
                f"/api/v1/namespaces/{self.namespace}/{path}",
                method,
                query_params=list(query.items()),
                header_params={"Accept": "application/json", "Content-Type": content},
                body=body,
                auth_settings=["BearerToken"],
                _preload_content=False,
                _request_timeout=timeout,
            )
            said = await response.read() if response.status >= _BAD else b""
        except _FAILURES as exc:
            raise ServiceUnavailable(service="kubernetes") from exc
        if response.status >= _BROKEN:
            raise ServiceUnavailable(service="kubernetes")
        if response.status >= _BAD:
            raise Refused.of(response.status, said)
        return response


async def _lines(content: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    """Yield lines however long they are: somebody may annotate a Pod with more than the client takes for one."""
    begun = bytearray()
    async for piece in content.iter_any():
        *ends, rest = piece.split(b"\n")
        for end in ends:
            yield bytes(begun + end)
            begun.clear()
        begun += rest
    if begun:
        yield bytes(begun)
