"""Headers in and out: what of a request travels on to a service, and what of its answer comes back."""

import base64
import binascii
import re
from collections.abc import Iterable

from chassis import trace
from chassis.errors import InvalidField, Violation
from chassis.rpc.token_cache import ACCOUNT_KEY, account_in
from gateway.errors import HeadersTooLarge
from gateway.http import Headers, HttpRequest

Metadata = tuple[tuple[str, str | bytes], ...]

DEADLINE = 30.0
"""Seconds a unary call may take when its caller names no other time."""
_LONGEST = 300.0

_PREFIX = "grpc-metadata-"
_OWN = frozenset(
    {"authorization", ACCOUNT_KEY, "x-request-id", trace.HEADER, "host", "content-type", "te", "user-agent"}
)
_OWN_PREFIXES = ("grpc-", "stateroom-", "x-forwarded-", ":")
_KEY = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
_PASSED_ON_LIMIT = 4 << 10  # bytes, of the 8 KiB of metadata that gRPC surely takes
_PRINTABLE = re.compile(r"[\x20-\x7e]*")
_TIMEOUT = re.compile(r"([0-9]{1,8})([HMSmun])")
_MILLISECONDS = re.compile(r"[0-9]{1,10}")
_UNITS = {"H": 3600.0, "M": 60.0, "S": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9}
_USER_AGENT_LENGTH = 255


def outgoing(request: HttpRequest, token: str, named: Iterable[str] = ()) -> Metadata:
    """Return the metadata of the call that a request becomes.

    Identity comes from the exchanged token and the connection alone: a client's own headers cannot claim any.

    Args:
        request: the request.
        token: the internal token, empty for a call without credential.
        named: headers that the method wants to see, in lower case.

    Raises:
        InvalidField: a header that should travel on cannot.
        HeadersTooLarge: those that should are too long for it.
    """
    user_agent = request.headers.get("user-agent", "")[:_USER_AGENT_LENGTH].encode("ascii", "replace").decode()
    made: list[tuple[str, str | bytes]] = [
        ("x-request-id", request.correlation_id),
        (trace.HEADER, request.traceparent),
        ("stateroom-ip-address", request.client_address),
        ("stateroom-user-agent", user_agent if user_agent.isprintable() else ""),
    ]
    if token:
        made.append(("authorization", f"Bearer {token}"))
        if account := account_in(request.headers):
            made.append((ACCOUNT_KEY, account))
    passed_on = (*_passed_on(request), *_wanted(request, named))
    if sum(len(key) + len(value) for key, value in passed_on) > _PASSED_ON_LIMIT:
        raise HeadersTooLarge(_PASSED_ON_LIMIT)
    return (*made, *passed_on)


def _passed_on(request: HttpRequest) -> Iterable[tuple[str, str | bytes]]:
    for header, value in request.headers.items():
        key = header.removeprefix(_PREFIX)
        if key == header or key in _OWN or key.startswith(_OWN_PREFIXES) or not _KEY.fullmatch(key):
            continue
        if key.endswith("-bin"):
            yield key, _binary(header, value)
        else:
            _check_printable(header, value)
            yield key, value


def _wanted(request: HttpRequest, named: Iterable[str]) -> Iterable[tuple[str, str]]:
    for header in named:
        if header in request.headers:
            _check_printable(header, request.headers[header])
            yield header, request.headers[header]


def _binary(header: str, value: str) -> bytes:
    try:
        return base64.b64decode(value + "=" * (-len(value) % 4), validate=True)
    except (binascii.Error, ValueError) as exc:
        raise InvalidField(Violation(header, "not base64")) from exc


def _check_printable(header: str, value: str) -> None:
    if not _PRINTABLE.fullmatch(value):
        raise InvalidField(Violation(header, "only printable ASCII characters"))


def deadline(request: HttpRequest) -> float:
    """Return how many seconds a unary call may take: what its caller asked for or 30, at most 300.

    Raises:
        InvalidField: the caller asked for what is no time.
    """
    asked = asked_seconds(request)
    return DEADLINE if asked is None else min(asked, _LONGEST)


def asked_seconds(request: HttpRequest) -> float | None:
    """Return the time that `Grpc-Timeout` or else `Connect-Timeout-Ms` gives a call, None without either.

    Raises:
        InvalidField: the header is no time.
    """
    if text := request.headers.get("grpc-timeout"):
        match = _TIMEOUT.fullmatch(text)
        if match is None:
            raise InvalidField(Violation("grpc-timeout", "at most 8 digits and one of H, M, S, m, u, n"))
        return int(match[1]) * _UNITS[match[2]]
    if text := request.headers.get("connect-timeout-ms"):
        if not _MILLISECONDS.fullmatch(text):
            raise InvalidField(Violation("connect-timeout-ms", "at most 10 digits"))
        return int(text) * 1e-3
    return None


def incoming(metadata: Iterable[tuple[str, str | bytes]] | None) -> Headers:
    """Return the headers that metadata of an answer becomes: each with the prefix `Grpc-Metadata-`."""
    headers: Headers = []
    for key, value in metadata or ():
        if key in _OWN or key.startswith(_OWN_PREFIXES):
            continue
        raw = value.encode() if isinstance(value, str) else base64.b64encode(value)
        headers.append((f"{_PREFIX}{key}".encode(), raw))
    return headers
