"""Requests that steps make: they go to the address that was checked, under their own name."""

import re
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

import httpx2

from services.execution.egress import Egress, NotAllowed
from services.execution.engine.steps import values
from services.execution.engine.steps.port import Attempt, StepFailed

_IN_HEADER = re.compile(r"[\x20-\x7e]*")


@dataclass(frozen=True, slots=True)
class Request:
    """A request. Headers and content are for its origin alone; `secrets` are those headers that nobody may see."""

    method: str
    url: httpx2.URL
    headers: Mapping[str, str]
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    content: bytes | None = None


@dataclass(frozen=True, slots=True)
class Sender:
    """Sends requests. What they are sent to is checked by its address."""

    egress: Egress
    tls: ssl.SSLContext = field(default_factory=ssl.create_default_context)

    @asynccontextmanager
    async def send(self, request: Request) -> AsyncIterator[httpx2.Response]:
        """Send a request; yields the answer before its content is read. NotAllowed, httpx2.RequestError."""
        url = request.url
        host = url.raw_host.decode()  # as it is on the wire, not as people read it
        address = await self.egress.address_of(host, url.port or {"http": 80, "https": 443}[url.scheme])
        if request.secrets and url.scheme != "https" and not self.egress.allows(address):
            raise NotAllowed("SECRET_IN_THE_CLEAR", f"a secret would go to {host} without TLS")
        headers = dict(request.headers) | {"Host": url.netloc.decode(), "Accept-Encoding": "identity"}
        async with (
            httpx2.AsyncClient(verify=self.tls, trust_env=False, timeout=None) as client,  # the step's own
            client.stream(
                request.method,
                url.copy_with(host=address),
                headers=headers | dict(request.secrets),
                content=request.content,
                extensions={"sni_hostname": host},
            ) as answer,
        ):
            yield answer


@contextmanager
def failing() -> Iterator[None]:
    """Have a step fail as a request does."""
    try:
        yield
    except NotAllowed as exc:
        raise StepFailed(exc.reason, exc.message) from exc
    except httpx2.RequestError as exc:
        reason = "TLS_FAILED" if "certificate" in str(exc).lower() else "REQUEST_FAILED"
        raise StepFailed(reason, f"{type(exc).__name__}: {values.short(str(exc))}") from exc


def url_of(text: str) -> httpx2.URL:
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


def secret_headers(attempt: Attempt) -> dict[str, str]:
    """Return the headers of a step that have secrets in them. StepFailed for one that no header can hold."""
    headers = {}
    for name, secret in attempt.step.secrets.items():
        headers[name] = attempt.step.prefixes.get(name, "") + in_header(attempt, secret)
    return headers


def in_header(attempt: Attempt, secret: str) -> str:
    """Return the value of a secret that becomes part of a header. StepFailed for one that no header can hold."""
    value = attempt.secrets[secret]
    if not _IN_HEADER.fullmatch(value):
        raise StepFailed("SECRET_NOT_FOR_HEADERS", f"{secret} is not one line of printable ASCII")
    return value


async def content_of(answer: httpx2.Response, most: int) -> bytes:
    """Read an answer, of at most so many bytes. NotAllowed."""
    expect_plain(answer)
    content = bytearray()
    async for data in answer.aiter_raw():
        content += data
        if len(content) > most:
            raise NotAllowed("ANSWER_TOO_LARGE", f"the answer is larger than {most // 1024} KiB")
    return bytes(content)


def expect_plain(answer: httpx2.Response) -> None:
    """Raise NotAllowed for an answer that is compressed."""
    if answer.headers.get("content-encoding", "identity") != "identity":
        raise NotAllowed("ANSWER_ENCODED", "the answer is compressed, which was not asked for")
