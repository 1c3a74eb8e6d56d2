"""The REST API for a program: JSON in and out, pages and streams as iterators, errors as exceptions."""

import json
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, TypeAlias

import httpx2

from chassis import ids
from cli import program
from cli.api_errors import from_response
from cli.endpoint import Endpoint
from cli.errors import ServerFailed, Unreachable

Json: TypeAlias = dict[str, Any]
"""A resource or message as the API writes it: camelCase names, 64-bit numbers as strings."""
Parameter: TypeAlias = str | int | list[str]
"""A value in a query; a list stands there once for each."""

TIMEOUT = httpx2.Timeout(30.0, connect=5.0)
"""Seconds; creating a session waits for its shell."""

PATIENT = httpx2.Timeout(None, connect=5.0)
"""For streams, which may be silent for as long as there is nothing to tell."""


@dataclass(frozen=True, slots=True)
class Content:
    """Content on its way here: its length in bytes, None where nobody knows it, and the bytes."""

    size: int | None
    chunks: AsyncIterator[bytes]


class Client:
    """One connection pool to one gateway; `account` is the account to act in, empty for the key's own."""

    def __init__(self, endpoint: Endpoint, account: str = "") -> None:
        headers = endpoint.headers(account)
        self.endpoint = endpoint
        self.account = account
        self._http = httpx2.AsyncClient(base_url=endpoint.url, headers=headers, timeout=TIMEOUT)

    async def __aenter__(self) -> Self:
        await self._http.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.__aexit__(kind, error, trace)

    async def get(self, path: str, /, **parameters: Parameter) -> Json:
        """Return what the path names."""
        return await self.call("GET", path, parameters=parameters)

    async def post(self, path: str, body: Json) -> Json:
        """Create something, or do what the path's verb says."""
        return await self.call("POST", path, body=body)

    async def update(self, path: str, changes: Json, *, etag: str) -> Json:
        """Set these fields of what the path names, if it still is as it was read."""
        return await self.call("PATCH", path, body=changes, parameters={"updateMask": ",".join(changes), "etag": etag})

    async def delete(self, path: str) -> Json:
        """Delete what the path names."""
        return await self.call("DELETE", path)

    async def call(
        self,
        method: str,
        path: str,
        *,
        body: Json | None = None,
        parameters: Mapping[str, Parameter] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Json:
        """Make one call. A call that changes something carries an id, so that the transport may repeat it.

        Raises:
            Refused: a 4xx answer.
            ServerFailed: a 5xx answer.
            Unreachable: no answer, or none of Stateroom's.
        """
        own = {} if method == "GET" else {"Idempotency-Key": str(ids.new())}
        sent = own | dict(headers or {})
        try:
            response = await self._http.request(method, path, json=body, params=parameters or None, headers=sent)
        except httpx2.HTTPError as error:
            raise self._unreachable() from error
        if not response.is_success:
            raise from_response(response.status_code, response.content)
        return self._decode(response.content)

    async def send_content(
        self, method: str, path: str, content: AsyncIterable[bytes], /, **parameters: str | int
    ) -> Json:
        """Send content of any length and return what the server says of it. Raises as `call` does."""
        headers = {"Idempotency-Key": str(ids.new()), "Content-Type": "application/octet-stream"}
        timeout = httpx2.Timeout(None, connect=5.0)
        try:
            response = await self._http.request(
                method, path, content=content, params=parameters or None, headers=headers, timeout=timeout
            )
        except httpx2.HTTPError as error:
            raise self._unreachable() from error
        if not response.is_success:
            raise from_response(response.status_code, response.content)
        return self._decode(response.content)

    @asynccontextmanager
    async def content(self, path: str, /, **parameters: str | int) -> AsyncIterator[Content]:
        """Give content as it comes. Raises as `call` does, and ServerFailed when it breaks off."""
        timeout = httpx2.Timeout(30.0, connect=5.0)
        try:
            async with self._http.stream("GET", path, params=parameters or None, timeout=timeout) as response:
                if not response.is_success:
                    raise from_response(response.status_code, await response.aread())
                size = response.headers.get("content-length")
                yield Content(None if size is None else int(size), response.aiter_raw())
        except httpx2.RemoteProtocolError as error:
            msg = "The content broke off before its end; try again."
            raise ServerFailed(msg) from error
        except httpx2.HTTPError as error:
            raise self._unreachable() from error

    async def pages(self, path: str, field: str, /, *, limit: int, **parameters: Parameter) -> AsyncIterator[Json]:
        """Yield up to `limit` items of a list, page by page."""
        token = ""
        while limit > 0:
            page = await self.get(
                path, **parameters, pageSize=min(limit, 100), **({"pageToken": token} if token else {})
            )
            for item in page.get(field, [])[:limit]:
                yield item
                limit -= 1
            token = page.get("nextPageToken", "")
            if not token:
                return

    def stream(self, path: str, /, **parameters: str | int) -> AsyncGenerator[Json, None]:
        """Yield the messages of a server stream; an error in its middle is raised as from a call."""
        return self._stream("GET", path, params=parameters or None)

    def post_stream(self, path: str, body: Json, request_id: str) -> AsyncGenerator[Json, None]:
        """Do what the path's verb says and yield what it streams; the same id again joins what was begun with it."""
        return self._stream("POST", path, json=body, headers={"Idempotency-Key": request_id})

    async def download(self, path: str, **parameters: str | int) -> AsyncGenerator[bytes, None]:
        """Yield the bytes of what the path names; Unreachable where the connection was cut."""
        try:
            async with self._http.stream("GET", path, params=parameters or None, timeout=PATIENT) as response:
                if not response.is_success:
                    raise from_response(response.status_code, await response.aread())
                async for data in response.aiter_bytes():
                    yield data
        except httpx2.HTTPError as error:
            raise self._unreachable() from error

    async def _stream(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, **content: Any
    ) -> AsyncGenerator[Json, None]:
        headers = {"Accept": "application/x-ndjson", **(headers or {})}
        try:
            async with self._http.stream(method, path, headers=headers, timeout=PATIENT, **content) as response:
                if not response.is_success:
                    raise from_response(response.status_code, await response.aread())
                async for line in response.aiter_lines():
                    if line.strip():
                        yield self._result(line)
        except httpx2.HTTPError as error:
            raise self._unreachable() from error

    def _result(self, line: str) -> Json:
        message = self._decode(line.encode())
        if "error" in message:
            raise from_response(int(message["error"].get("code", 500)), line.encode())
        return dict(message.get("result", message))

    def _decode(self, content: bytes) -> Json:
        try:
            value = json.loads(content or b"{}")
        except ValueError as error:
            msg = f"{self.endpoint.url} answers, but not as Stateroom; check the URL."
            raise Unreachable(msg) from error
        if not isinstance(value, dict):
            msg = f"{self.endpoint.url} answered with something that is not an object."
            raise ServerFailed(msg)
        return value

    def _unreachable(self) -> Unreachable:
        return Unreachable(f"Nothing answers at {self.endpoint.url}; is it running (`{program.name()} up`)?")
