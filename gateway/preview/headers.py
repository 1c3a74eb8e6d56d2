"""Headers on their way to a preview's server and back. What is ours stays here, what belongs to one connection too."""

from collections.abc import Iterable

from gateway.http import Headers

_HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
"""What speaks of one connection only (RFC 9110, section 7.6.1), and its older relatives."""
_OURS = frozenset({b"expect", b"forwarded", b"host", b"stateroom-account"})
_OF_HANDSHAKE = b"sec-websocket-"
_FORWARDED = b"x-forwarded-"
_NOT_BACK = frozenset({b"alt-svc"})
"""It would lead the browser to another port of this host, past us."""


def for_server(headers: Headers, cookie_name: str, *, drop_authorization: bool) -> Headers:
    """Return what of a request's headers its server gets. What clients claim about where they come from is no use."""
    left = _of_connection(headers) | _OURS
    if drop_authorization:
        left |= {b"authorization"}
    passed: Headers = []
    for name, value in _lower(headers):
        if name in left or name.startswith((_FORWARDED, _OF_HANDSHAKE)):
            continue
        if name == b"cookie" and not (value := _without(value, cookie_name.encode())):
            continue
        passed.append((name, value))
    return passed


def for_browser(headers: Iterable[tuple[bytes, bytes]], cookie_name: str) -> Headers:
    """Return what of an answer's headers the browser gets. Cookies are for this preview's host and no other."""
    headers = list(_lower(headers))
    left = _of_connection(headers) | _NOT_BACK
    return [
        (name, _for_this_host(value) if name == b"set-cookie" else value)
        for name, value in headers
        if name not in left and not (name == b"set-cookie" and _name_of(value) == cookie_name.encode())
    ]


def cookies(headers: Headers, name: str) -> list[str]:
    """Return the values of all cookies of a name."""
    wanted = name.encode()
    values = [value for header, value in _lower(headers) if header == b"cookie"]
    pairs = [pair.strip().partition(b"=") for value in values for pair in value.split(b";")]
    return [found.decode("latin-1") for each, _, found in pairs if each == wanted]


def _of_connection(headers: Iterable[tuple[bytes, bytes]]) -> frozenset[bytes]:
    named = [
        part.strip().lower() for name, value in _lower(headers) if name == b"connection" for part in value.split(b",")
    ]
    return _HOP_BY_HOP | frozenset(named)


def _lower(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    return [(name.lower(), value) for name, value in headers]


def _without(cookie: bytes, name: bytes) -> bytes:
    return b";".join(pair for pair in cookie.split(b";") if _name_of(pair) != name).strip()


def _name_of(cookie: bytes) -> bytes:
    return cookie.partition(b"=")[0].strip()


def _for_this_host(cookie: bytes) -> bytes:
    """Return a cookie without the attribute that would send it to other previews too."""
    return b";".join(
        part for part in cookie.split(b";") if part.strip().partition(b"=")[0].strip().lower() != b"domain"
    )
