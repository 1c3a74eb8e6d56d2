"""The HTTP API of the server: as Kubernetes answers, for the few kinds that rooms are made of."""

import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

from aiohttp import web

from tests.support.cluster.objects import Key, Object, Objects, Refusal, deletion
from tests.support.cluster.strict import unknown_fields

KINDS = {
    "pods": "Pod",
    "persistentvolumeclaims": "PersistentVolumeClaim",
    "secrets": "Secret",
    "events": "Event",
    "deployments": "Deployment",
    "statefulsets": "StatefulSet",
    "jobs": "Job",
    "storageclasses": "StorageClass",
}
_MODELS = {"events": "CoreV1Event"}
_FINAL = ("Succeeded", "Failed")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(slots=True)
class Api:
    """Answers requests about objects. `pods_quota` is how many Pods a namespace may have, None for no quota.

    Kinds in `forbidden` are refused to everybody; `pages` are the metrics of Pods, by the Pods' names.
    """

    objects: Objects
    token: str
    pods_quota: int | None = None
    forbidden: set[str] = field(default_factory=set)
    pages: dict[str, str] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    """Method and path of every request, in their order."""

    def app(self) -> web.Application:
        """Return the application that serves it."""
        app = web.Application(middlewares=[self._chain])
        kind, one = "/api/v1/namespaces/{namespace}/{plural}", "/api/v1/namespaces/{namespace}/{plural}/{name}"
        app.router.add_get(kind, self._list)
        app.router.add_post(kind, self._create)
        app.router.add_get(one, self._get)
        app.router.add_put(one, self._replace)
        app.router.add_patch(one, self._patch)
        app.router.add_delete(one, self._delete)
        app.router.add_post("/api/v1/namespaces/{namespace}/pods/{name}/eviction", self._evict)
        app.router.add_get("/api/v1/namespaces/{namespace}/pods/{name}:{port}/proxy/metrics", self._metrics)
        app.router.add_get("/apis/{group}/v1/namespaces/{namespace}/{plural}", self._list)
        app.router.add_get("/apis/storage.k8s.io/v1/{plural}", self._list)
        return app

    @web.middleware
    async def _chain(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self.requests.append(f"{request.method} {request.path}")
        try:
            self._expect_known(request)
            return await handler(request)
        except Refusal as refusal:
            return web.json_response(refusal.status(), status=refusal.code)

    def _expect_known(self, request: web.Request) -> None:
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            raise Refusal(401, "Unauthorized", "Unauthorized")
        plural = request.match_info.get("plural", "pods")
        if plural in self.forbidden:
            raise Refusal(403, "Forbidden", f'{plural} is forbidden: User "test" cannot list resource "{plural}"')
        if plural not in KINDS:
            raise Refusal(404, "NotFound", "the server could not find the requested resource")

    async def _create(self, request: web.Request) -> web.Response:
        plural, namespace = request.match_info["plural"], request.match_info["namespace"]
        wanted = await request.json()
        model = _MODELS.get(plural, f"V1{KINDS[plural]}")
        if unknown := list(unknown_fields(wanted, model)):
            raise Refusal(400, "BadRequest", f"strict decoding error: unknown field {unknown[0]}")
        if plural == "pods":
            self._expect_quota(namespace, wanted)
            wanted["status"] = {"phase": "Pending"}
        if plural == "persistentvolumeclaims":
            wanted["status"] = {"phase": "Pending"}
            wanted["metadata"]["finalizers"] = ["kubernetes.io/pvc-protection"]
        return web.json_response(self.objects.create(plural, namespace, wanted), status=201)

    def _expect_quota(self, namespace: str, wanted: Object) -> None:
        pods = self.objects.list("pods", namespace, lambda pod: pod["status"]["phase"] not in _FINAL)
        if self.pods_quota is not None and len(pods) >= self.pods_quota:
            limits = f"requested: pods=1, used: pods={len(pods)}, limited: pods={self.pods_quota}"
            name = wanted["metadata"]["name"]
            raise Refusal(403, "Forbidden", f'pods "{name}" is forbidden: exceeded quota: rooms, {limits}')

    async def _get(self, request: web.Request) -> web.Response:
        return web.json_response(self.objects.get(_key(request)))

    async def _replace(self, request: web.Request) -> web.Response:
        wanted = await request.json()

        def edit(current: Object) -> Object:
            kept: Object = {name: current["metadata"][name] for name in ("uid", "creationTimestamp", "namespace")}
            version = wanted["metadata"].get("resourceVersion", current["metadata"]["resourceVersion"])
            meta = wanted["metadata"] | kept | {"resourceVersion": version}
            return {**wanted, "metadata": meta}

        return web.json_response(self.objects.change(_key(request), edit))

    async def _patch(self, request: web.Request) -> web.Response:
        """Apply a JSON patch (RFC 6902) of tests and removals, or a merge patch (RFC 7396)."""
        patch = await request.json()
        is_list = request.content_type == "application/json-patch+json"

        def edit(current: Object) -> Object:
            return _patched(current, patch) if is_list else _merged(current, patch)

        return web.json_response(self.objects.change(_key(request), edit))

    async def _delete(self, request: web.Request) -> web.Response:
        options = json.loads(await request.text() or "{}")
        return web.json_response(self.delete(_key(request), options))

    async def _evict(self, request: web.Request) -> web.Response:
        options = (await request.json()).get("deleteOptions") or {}
        return web.json_response(self.delete(("pods", *_key(request)[1:]), options), status=201)

    def delete(self, key: Key, options: Object) -> Object:
        """Delete an object: a Pod that runs once it has ended, a claim once no Pod uses it, anything else at once."""
        found = self.objects.get(key)
        for name, wanted in (options.get("preconditions") or {}).items():
            if wanted != found["metadata"][name]:
                raise Refusal(409, "Conflict", f"Precondition failed: {name} in precondition: {wanted}")
        seconds = options.get("gracePeriodSeconds")
        if seconds is None:
            seconds = found.get("spec", {}).get("terminationGracePeriodSeconds", 30)
        runs = key[0] == "pods" and "nodeName" in found["spec"] and found["status"]["phase"] not in _FINAL
        if (runs and seconds > 0) or (key[0] == "persistentvolumeclaims" and self._is_used(key)):
            return self.objects.change(key, lambda current: deletion(current, seconds))
        self.objects.remove(key)
        return found

    def _is_used(self, key: Key) -> bool:
        return bool(self.objects.list("pods", key[1], lambda pod: key[2] in claims(pod)))

    async def _metrics(self, request: web.Request) -> web.Response:
        if (name := request.match_info["name"]) not in self.pages:
            raise Refusal(503, "ServiceUnavailable", "error trying to reach service: connection refused")
        return web.Response(text=self.pages[name])

    async def _list(self, request: web.Request) -> web.StreamResponse:
        matches, (plural, namespace, _) = _selection(request), _key(request)
        if request.query.get("watch") in ("1", "true", "True"):
            return await self._watch(request, matches)
        version, _, last = request.query.get("continue", "").partition(":")
        if version and int(version) < self.objects.oldest:
            raise Refusal(410, "Expired", "The provided continue parameter is too old")
        found = self.objects.list(plural, namespace, matches)
        left = [each for each in found if each["metadata"]["name"] > last]
        page = left[: int(request.query.get("limit", len(left) or 1))]
        meta = {"resourceVersion": version or str(self.objects.version)}
        if len(page) < len(left):
            meta["continue"] = f"{meta['resourceVersion']}:{page[-1]['metadata']['name']}"
        answer = {"kind": f"{KINDS[plural]}List", "apiVersion": "v1", "metadata": meta, "items": page}
        return web.json_response(answer)

    async def _watch(self, request: web.Request, matches: Callable[[Object], bool]) -> web.StreamResponse:
        plural, namespace, _ = _key(request)
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        changes = self.objects.watch(plural, namespace, int(request.query["resourceVersion"]))
        with suppress(ConnectionResetError):
            try:
                async for change in changes:
                    if matches(change.found):
                        await response.write(_line(change.kind, change.found))
                        await response.write(_line("BOOKMARK", _bookmark(plural, change.version)))
            except Refusal as refusal:
                await response.write(_line("ERROR", refusal.status()))
        return response


def claims(pod: Object) -> list[str]:
    """Return the names of the claims that a Pod mounts."""
    volumes = pod["spec"].get("volumes", ())
    return [each["persistentVolumeClaim"]["claimName"] for each in volumes if "persistentVolumeClaim" in each]


def _bookmark(plural: str, version: int) -> Object:
    return {"kind": KINDS[plural], "apiVersion": "v1", "metadata": {"resourceVersion": str(version)}}


def _key(request: web.Request) -> Key:
    info = request.match_info
    return info.get("plural", "pods"), info.get("namespace", ""), info.get("name", "")


def _line(kind: str, found: Object) -> bytes:
    return json.dumps({"type": kind, "object": found}).encode() + b"\n"


def _selection(request: web.Request) -> Callable[[Object], bool]:
    """Return whether an object has the labels and fields that a request names."""
    labels = [part.partition("=") for part in request.query.get("labelSelector", "").split(",") if part]
    fields = [part.partition("=") for part in request.query.get("fieldSelector", "").split(",") if part]

    def matches(found: Object) -> bool:
        own = found["metadata"].get("labels", {})
        if any(name not in own or (is_equal and own[name] != value) for name, is_equal, value in labels):
            return False
        return all(_field(found, name) == value for name, _, value in fields)

    return matches


def _field(found: Object, path: str) -> str:
    for part in path.split("."):
        found = found.get(part, {})
    return str(found)


def _merged(current: Object, patch: Object) -> Object:
    merged = dict(current)
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = _merged(merged.get(name) or {}, value) if isinstance(value, dict) else value
    return merged


def _patched(current: Object, patch: list[Object]) -> Object:
    for step in patch:
        *way, last = step["path"].strip("/").split("/")
        place = current
        for part in way:
            place = place[part]
        if step["op"] == "test" and place.get(last) != step["value"]:
            raise Refusal(422, "Invalid", "the server rejected our request due to an error in our request")
        if step["op"] == "remove":
            if last not in place:
                raise Refusal(422, "Invalid", "the server rejected our request due to an error in our request")
            del place[last]
    return current


async def serve(api: Api, port: int) -> web.AppRunner:
    """Serve the API on a port of this machine, until the runner is cleaned up."""
    runner = web.AppRunner(api.app(), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    return runner
