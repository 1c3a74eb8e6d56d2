"""Pages that describe the API: the OpenAPI document, a page that shows it, and the schema of workflows in files."""

from importlib.resources import files

import orjson

from gateway.answers import Answer, digest_etag
from gateway.http import Headers
from gateway.openapi import workflow_file as workflow_files
from gateway.openapi.contracts import Contracts
from gateway.openapi.document import build
from gateway.transcode.schema import Schema

_POLICY = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    b"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_PAGE_HEADERS: Headers = [(b"content-security-policy", _POLICY), (b"referrer-policy", b"no-referrer")]
_FILES = {
    "/docs": ("index.html", b"text/html; charset=utf-8"),
    "/docs/docs.js": ("docs.js", b"text/javascript; charset=utf-8"),
    "/docs/docs.css": ("docs.css", b"text/css; charset=utf-8"),
}


def documentation(schema: Schema, descriptor_set: bytes) -> dict[str, Answer]:
    """Return path → page. The document is made here, once; `schema` was read from the same descriptor set."""
    folder = files("gateway") / "docs"
    pages = {path: _page((folder / name).read_bytes(), kind) for path, (name, kind) in _FILES.items()}
    workflow_file = orjson.dumps(workflow_files.build(Contracts(descriptor_set)))
    return pages | {
        "/openapi.json": _page(orjson.dumps(build(schema, descriptor_set)), b"application/json"),
        "/workflow.schema.json": _page(workflow_file, b"application/schema+json"),
    }


def _page(body: bytes, content_type: bytes) -> Answer:
    headers = [(b"etag", digest_etag(body)), *_PAGE_HEADERS]
    return Answer(200, body, headers, content_type=content_type, cache_control=b"no-cache")
