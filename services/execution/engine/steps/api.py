"""Steps that make an HTTP request."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx2

from services.execution.egress import NotAllowed
from services.execution.engine.steps import values
from services.execution.engine.steps.port import Attempt, Ended, Log, Result, StepFailed
from services.execution.engine.steps.requests import Request, Sender, content_of, failing, secret_headers, url_of
from services.execution.expressions import Evaluation
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
class Api:
    """Makes requests. What they are sent to is checked by its address, again for each redirect."""

    evaluation: Evaluation
    sender: Sender

    async def run(self, attempt: Attempt) -> Result:
        """Make the request and return the answer."""
        url = await values.of_expression(self.evaluation, attempt)
        with failing():
            wanted = _wanted(attempt, url)
            for _ in range(REDIRECTS + 1):
                answer = await self._send(wanted, attempt.log)
                if not answer.has_redirect_location:
                    return _result(answer)
                wanted = _redirected(wanted, answer.status_code, answer.headers["location"])
        raise StepFailed("TOO_MANY_REDIRECTS", f"more than {REDIRECTS} redirects")

    async def _send(self, wanted: Request, log: Log) -> httpx2.Response:
        """Send a request; returns the answer with its content."""
        url = wanted.url
        said = f"{wanted.method} {url.scheme}://{url.netloc.decode()}{url.path}"
        async with self.sender.send(wanted) as answer:
            log.say(Level.INFO, f"{said}: {answer.status_code}")
            content = b"" if answer.has_redirect_location else await content_of(answer, BODY)
        return httpx2.Response(answer.status_code, headers=answer.headers, content=content)


def _redirected(wanted: Request, status: int, location: str) -> Request:
    """Return what a redirect asks for. NotAllowed when it leads from https to http."""
    url = url_of(str(wanted.url.join(location)))
    if (wanted.url.scheme, url.scheme) == ("https", "http"):
        raise NotAllowed("REDIRECT_NOT_ALLOWED", "a redirect leads from https to http")
    same = (url.scheme, url.host, url.port) == (wanted.url.scheme, wanted.url.host, wanted.url.port)
    headers, secrets = (wanted.headers, wanted.secrets) if same else ({}, {})
    if status in _KEPT or wanted.method in {"GET", "HEAD"}:
        if wanted.content is not None and not same:
            raise NotAllowed("REDIRECT_NOT_ALLOWED", f"a redirect would take the request to {url.host}")
        return Request(wanted.method, url, headers, secrets, wanted.content)
    return Request("GET", url, headers, secrets)


def _wanted(attempt: Attempt, url: object) -> Request:
    step = attempt.step
    if not isinstance(url, str):
        raise StepFailed("EXPRESSION_FAILED", f"the URL is no text: {values.short(url)}")
    checked, inputs = url_of(url), dict(sorted(attempt.inputs.items()))  # a repeated request is the same request
    headers = {"User-Agent": "stateroom", "Accept": "application/json, */*;q=0.5"} | dict(step.headers)
    secrets = secret_headers(attempt)
    if step.method in _WITH_BODY:
        headers |= {"Content-Type": "application/json", "Idempotency-Key": attempt.key}
        return Request(step.method, checked, headers, secrets, json.dumps(inputs).encode())
    return Request(step.method, _with_query(checked, inputs), headers, secrets)


def _with_query(url: httpx2.URL, inputs: Mapping[str, Any]) -> httpx2.URL:
    """Return a URL with inputs as its query. What it has itself stays: a model may have chosen the inputs."""
    texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in inputs.items()}
    further = {name: text for name, text in texts.items() if name not in url.params}
    return url.copy_merge_params(further) if further else url


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
