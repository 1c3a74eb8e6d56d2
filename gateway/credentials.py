"""Credentials of requests: where they may stand, and where not."""

import re
from collections.abc import Sequence
from functools import lru_cache
from urllib.parse import unquote

from chassis.errors import CredentialMalformed, CredentialMissing
from chassis.rpc import credential
from chassis.rpc.credential import Credential
from gateway.errors import CredentialInUrl
from gateway.http import HttpRequest

SUBPROTOCOL_PREFIX = "bearer."
"""Browsers cannot set headers on a WebSocket: they offer the credential as a subprotocol with this prefix."""

_CREDENTIAL = re.compile(r"sr[a-z]_[0-9A-Za-z]+_[0-9A-Za-z]+_[0-9A-Za-z]+")
_PARAMETER = re.compile(r"(?:^|&)(?:access_token|accessToken|api_?key|apiKey|authorization|token)=[^&]", re.IGNORECASE)
_TICKET = re.compile(r"(?:^|&)ticket=(srt_[0-9A-Za-z]+_[0-9A-Za-z]+_[0-9A-Za-z]+)(?=&|$)")
"""Browsers can set neither a header on a WebSocket nor anything else that is not seen: a ticket stands in the query."""

_BEARER = "bearer "
_parse = lru_cache(1024)(credential.parse)  # a checksum is a tenth of a cheap call, and clients send the same one again


def check_url(request: HttpRequest) -> None:
    """Refuse credentials in the path, the query or the host, but for a ticket. Raises CredentialInUrl."""
    query = _TICKET.sub("", request.query.decode("latin-1"))
    in_host = "@" in request.headers.get("host", "")
    if in_host or _CREDENTIAL.search(query) or _PARAMETER.search(query) or _CREDENTIAL.search(request.path):
        raise CredentialInUrl


def take_ticket(request: HttpRequest) -> str:
    """Take the ticket out of the query; empty without one. It works once and for seconds, so a log of it is no harm."""
    query = request.query.decode("latin-1")
    found = _TICKET.search(query)
    if found is None:
        return ""
    request.query = _TICKET.sub("", query).removeprefix("&").encode("latin-1")
    return found[1]


def without_credentials(text: str) -> str:
    """Return a text for a log: nothing of one that holds a credential, percent-encoded or not."""
    plain = unquote(text) if "%" in text else text
    return "" if _CREDENTIAL.search(plain) else text


def credential_of(request: HttpRequest, subprotocols: Sequence[str] = ()) -> Credential:
    """Return the credential that came with a request.

    Raises:
        CredentialMissing: there is none.
        CredentialMalformed: it is not of our form, or its checksum is wrong.
    """
    header = request.headers.get("authorization", "")
    offered = [item for item in subprotocols if item.startswith(SUBPROTOCOL_PREFIX)]
    if header:
        if header[: len(_BEARER)].lower() != _BEARER:
            raise CredentialMalformed
        text = header[len(_BEARER) :].strip()
    elif offered:
        text = offered[0].removeprefix(SUBPROTOCOL_PREFIX)
    else:
        raise CredentialMissing
    return _parse(text)
