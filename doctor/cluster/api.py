"""Reads a cluster by its API server, and nothing else: no object is changed."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import aiohttp
import orjson
from kubernetes_asyncio import config
from kubernetes_asyncio.client import ApiClient, Configuration

from cli import environment
from doctor.cluster.seen import NAME, OURS, ROOM, Object, Seen, name_of

_SECONDS = 10.0
"""What a request may take."""
_PAGE = 500
_OTHERWISE = "stateroom"
"""Namespace when nothing names one."""
_NAMES_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"
"""What Secrets hold is nobody's business."""
_METRICS = 9100
_BAD, _FORBIDDEN = 400, (401, 403)


class Unanswered(Exception):
    """The API server does not answer, or not as one."""


class _Denied(Exception):
    """Who asks has no right to read it."""


@dataclass(slots=True)
class Reader:
    """Reads what concerns an installation. Use as a context manager."""

    client: ApiClient
    seen: Seen
    _reading: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(8))

    @classmethod
    async def open(cls, namespace: str) -> Self:
        """Return a reader of the cluster of $KUBECONFIG or ~/.kube/config, or of that in which this is a Pod.

        Raises ConfigException when there is none.
        """
        configuration, variables = Configuration(), environment.read()
        if "KUBERNETES_SERVICE_HOST" in variables and "KUBECONFIG" not in variables:
            config.load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]  # half typed
            named = ""
        else:
            loader = await config.load_kube_config(_file(), client_configuration=configuration, persist_config=False)
            named = ((loader.current_context or {}).get("context") or {}).get("namespace", "")
        return cls(ApiClient(configuration), Seen(namespace or named or _OTHERWISE))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.client.close()

    async def read(self) -> Seen:
        """Read everything. Raises Unanswered."""
        seen, own = self.seen, self.seen.namespace
        await self._list("deployments", "/apis/apps/v1", own, OURS)
        seen.rooms_namespace = seen.setting("ROOM_NAMESPACE") or own
        reads = [
            self._list("statefulsets", "/apis/apps/v1", own, OURS),
            self._list("jobs", "/apis/batch/v1", own, OURS),
            self._list("pods", "/api/v1", own, OURS),
            self._list("pods", "/api/v1", seen.rooms_namespace, ROOM),
            self._list("claims", "/api/v1", own, OURS),
            self._list("claims", "/api/v1", seen.rooms_namespace, ROOM),
            self._list("secrets", "/api/v1", own),
            self._list("storageclasses", "/apis/storage.k8s.io/v1"),
            *(self._list("events", "/api/v1", namespace) for namespace in sorted({own, seen.rooms_namespace})),
        ]
        await asyncio.gather(*reads)
        await asyncio.gather(*(self._metrics(pod) for pod in seen.of("pods") if _serves_metrics(pod)))
        return seen

    async def _list(self, kind: str, group: str, namespace: str = "", name: str = "") -> None:
        """Read all objects of a kind, or those with our label."""
        plural = "persistentvolumeclaims" if kind == "claims" else kind
        path = f"{group}/namespaces/{namespace}/{plural}" if namespace else f"{group}/{plural}"
        query = {"limit": str(_PAGE)} | ({"labelSelector": f"{NAME}={name}"} if name else {})
        found = self.seen.objects.setdefault(kind, [])
        try:
            while True:
                page: Object = orjson.loads(await self._get(path, query, _NAMES_ONLY if kind == "secrets" else ""))
                found += page["items"] or ()
                if not page["metadata"].get("continue"):
                    return
                query["continue"] = page["metadata"]["continue"]
        except _Denied as denial:
            self.seen.denied[kind] = str(denial)
        except (ValueError, KeyError) as exc:
            message = f"{path}: {exc}"
            raise Unanswered(message) from exc

    async def _metrics(self, pod: Object) -> None:
        name = name_of(pod)
        path = f"/api/v1/namespaces/{self.seen.namespace}/pods/{name}:{_METRICS}/proxy/metrics"
        try:
            self.seen.pages[name] = (await self._get(path, {}, "text/plain")).decode()
        except _Denied as denial:
            self.seen.denied["metrics"] = str(denial)
        except (Unanswered, UnicodeDecodeError) as exc:
            self.seen.unread[name] = str(exc)

    async def _get(self, path: str, query: Object, accept: str) -> bytes:
        try:
            async with self._reading:
                response = await self.client.call_api(
                    path,
                    "GET",
                    query_params=list(query.items()),
                    header_params={"Accept": accept or "application/json"},
                    auth_settings=["BearerToken"],
                    _preload_content=False,
                    _request_timeout=aiohttp.ClientTimeout(total=_SECONDS),
                )
                body: bytes = await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as exc:
            raise Unanswered(str(exc) or "it takes too long") from exc
        if response.status in _FORBIDDEN:
            raise _Denied(_message(body))
        if response.status >= _BAD:
            message = f"{response.status} {_message(body)}"
            raise Unanswered(message)
        return body


def _file() -> str:
    """Return the kubeconfig, which may be a list of files."""
    return environment.read().get("KUBECONFIG") or str(Path.home() / ".kube" / "config")


def _message(body: bytes) -> str:
    try:
        return str(orjson.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        return body[:200].decode(errors="replace").strip()


def _serves_metrics(pod: Object) -> bool:
    """Whether a Pod runs and has a port for metrics."""
    is_running = (pod.get("status") or {}).get("phase") == "Running"
    ports = [port for container in pod["spec"]["containers"] for port in container.get("ports", ())]
    return is_running and any(port["containerPort"] == _METRICS for port in ports)
