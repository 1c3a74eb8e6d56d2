"""Steps that make an HTTP request."""

import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx2

from services.execution.egress import Egress, NotAllowed
from services.execution.engine.steps import values
from services.execution.engine.steps.port import Attempt, Ended, Log, Result, StepFailed
from services.execution.expressions import Expressions
from services.execution.logs.domain import Level

REDIRECTS = 10
"""How many are followed."""
BODY = 192 * 1024
"""Bytes of an answer that are taken."""

_WITH_BODY = {"POST", "PUT", "PATCH"}
_KEPT = {307, 308}  # redirects with which method and body stay
_SEEN = {
    "content-type",
    "etag",
    "last-modified",
    "link",
    "location",
    "retry-after",
}  # headers that are part of the output
_FAILED = 400


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A request. Its headers and its content go to its origin alone."""

    method: str
    url: httpx2.URL
    headers: Mapping[str, str]
    content: bytes | None

    def redirected(self, status: int, location: str) -> "_Wanted":
        """Return what a redirect asks for. NotAllowed when it leads from https to http."""
        url = _checked(str(self.url.join(location)))
        if (self.url.scheme, url.scheme) == ("https", "http"):
            raise NotAllowed("REDIRECT_NOT_ALLOWED", "a redirect leads from https to http")
        same = (url.scheme, url.host, url.port) == (self.url.scheme, self.url.host, self.url.port)
        headers = self.headers if same else {}
        if status in _KEPT or self.method in {"GET", "HEAD"}:
            if self.content is not None and not same:
                raise NotAllowed("REDIRECT_NOT_ALLOWED", f"a redirect would take the request to {url.host}")
            return _Wanted(self.method, url, headers, self.content)
        return _Wanted("GET", url, headers, None)


@dataclass(frozen=True, slots=True)
class Api:
    """Makes requests. What they are sent to is checked by its address, again for each redirect."""

    expressions: Expressions
    egress: Egress
    tls: ssl.SSLContext = field(default_factory=ssl.create_default_context)

    async def run(self, attempt: Attempt) -> Result:
        """Make the request and return the answer."""
        url = await values.of_expression(self.expressions, attempt)
        try:
            wanted = _wanted(attempt, url)
            for _ in range(REDIRECTS + 1):
                answer = await self._send(wanted, attempt.log)
                if not answer.has_redirect_location:
                    return _result(answer)
                wanted = wanted.redirected(answer.status_code, answer.headers["location"])
        except NotAllowed as exc:
            raise StepFailed(exc.reason, exc.message) from exc
        except httpx2.RequestError as exc:
            reason = "TLS_FAILED" if "certificate" in str(exc).lower() else "REQUEST_FAILED"
            raise StepFailed(reason, f"{type(exc).__name__}: {values.short(str(exc))}") from exc
        raise StepFailed("TOO_MANY_REDIRECTS", f"more than {REDIRECTS} redirects")

    async def _send(self, wanted: _Wanted, log: Log) -> httpx2.Response:
        """Send a request to the address that was checked, under its own name; returns the answer with its content."""
        url, port = wanted.url, wanted.url.port or {"http": 80, "https": 443}[wanted.url.scheme]
        host = url.raw_host.decode()  # as it is on the wire, not as people read it
        address = await self.egress.address_of(host, port)
        headers = dict(wanted.headers) | {"Host": url.netloc.decode(), "Accept-Encoding": "identity"}
        said = f"{wanted.method} {url.scheme}://{url.netloc.decode()}{url.path}"
        async with (
            httpx2.AsyncClient(verify=self.tls, trust_env=False, timeout=None) as client,  # the step's own
            client.stream(
                wanted.method,
                url.copy_with(host=address),
                headers=headers,
                content=wanted.content,
                extensions={"sni_hostname": host},
            ) as answer,
        ):
            log.say(Level.INFO, f"{said}: {answer.status_code}")
            content = b"" if answer.has_redirect_location else await _content(answer)
        return httpx2.Response(answer.status_code, headers=answer.headers, content=content)


async def _content(answer: httpx2.Response) -> bytes:
    if answer.headers.get("content-encoding", "identity") != "identity":
        raise NotAllowed("ANSWER_ENCODED", "the answer is compressed, which was not asked for")
    content = bytearray()
    async for data in answer.aiter_raw():
        content += data
        if len(content) > BODY:
            raise NotAllowed("ANSWER_TOO_LARGE", f"the answer is larger than {BODY // 1024} KiB")
    return bytes(content)


def _wanted(attempt: Attempt, url: object) -> _Wanted:
    step = attempt.step
    if not isinstance(url, str):
        raise StepFailed("EXPRESSION_FAILED", f"the URL is no text: {values.short(url)}")
    checked, inputs = _checked(url), dict(sorted(attempt.inputs.items()))  # a repeated request is the same request
    headers = {"User-Agent": "stateroom", "Accept": "application/json, */*;q=0.5"} | dict(step.headers)
    if step.method in _WITH_BODY:
        headers |= {"Content-Type": "application/json", "Idempotency-Key": attempt.key}
        return _Wanted(step.method, checked, headers, json.dumps(inputs).encode())
    texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in inputs.items()}
    return _Wanted(step.method, checked.copy_merge_params(texts) if texts else checked, headers, None)


def _checked(text: str) -> httpx2.URL:
    """Return a URL that a request may name. NotAllowed for any other."""
    try:
        url = httpx2.URL(text)
    except (httpx2.InvalidURL, ValueError) as exc:
        raise NotAllowed("INVALID_URL", f"{values.short(text)} is no URL") from exc
    if url.scheme not in {"http", "https"} or not url.host:
        raise NotAllowed("INVALID_URL", f"{values.short(text)} is no URL of http or https")
    if url.userinfo:
        raise NotAllowed("INVALID_URL", "a URL with a user or a password in it is not taken")
    return url


def _result(answer: httpx2.Response) -> Ended:
    if answer.status_code >= _FAILED:
        raise StepFailed("HTTP_STATUS", f"it was answered with {answer.status_code} {answer.reason_phrase}")
    headers = {name: value for name, value in answer.headers.items() if name in _SEEN}
    return Ended({"status": answer.status_code, "headers": headers, "body": _body(answer)})


def _body(answer: httpx2.Response) -> Any:
    """Return the content as JSON when it is, else as text."""
    text = values.storable(answer.content.decode(errors="replace"))
    if "json" not in answer.headers.get("content-type", ""):
        return text
    try:
        return values.storable(json.loads(text))
    except (ValueError, RecursionError):
        return text
