"""What people see in the place of a preview that cannot be shown."""

import html
from http import HTTPStatus

import orjson

from gateway.failures import Failure
from gateway.http import Headers, HttpRequest
from gateway.negotiation import qualities

_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>
<style>body{{font:16px/1.5 system-ui,sans-serif;margin:20vh auto;max-width:36em;padding:0 1em;color:#333}}
h1{{font-size:1.3em}}small{{color:#888}}@media(prefers-color-scheme:dark){{body{{background:#181818;color:#ddd}}}}</style>
<h1>{title}</h1><p>{sentence}</p><small>Request {request_id}</small>
"""
_POLICY = b"default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"


def failure_answer(request: HttpRequest, failure: Failure) -> tuple[Headers, bytes]:
    """Return headers and body of a failure: a page for browsers, JSON for programs."""
    shared: Headers = [
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
        (b"x-request-id", request.correlation_id.encode()),
        *failure.headers,
    ]
    if qualities(request.headers.get("accept", "")).get("text/html", 0.0) <= 0:
        return [(b"content-type", b"application/json"), *shared], failure.body
    sentence = str(orjson.loads(failure.body)["error"]["message"])
    page = _PAGE.format(
        title=HTTPStatus(failure.http_status).phrase,
        sentence=html.escape(sentence),
        request_id=html.escape(request.correlation_id),
    )
    return [
        (b"content-type", b"text/html; charset=utf-8"),
        (b"content-security-policy", _POLICY),
        *shared,
    ], page.encode()
