"""The points of docs/rest.md at which transcoders differ, one by one: what ours does, on purpose."""

import json
import re
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest

from tests.support.contracts import ROOT
from tests.support.every_field import message_class
from tests.support.transcoders import Call, Outcome, Transcoders

pytestmark = pytest.mark.asyncio(loop_scope="session")

X = "/v1/everything/x"
NEW = "/v1/everything"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A call that is refused: with what reason, and the field to blame."""

    point: str
    call: str
    reason: str
    blamed: str = ""
    status: int = 400


@dataclass(frozen=True, slots=True)
class Reading:
    """A call that is understood: what the service receives of it."""

    point: str
    call: str
    fields: dict[str, Any] = field(default_factory=dict)


REFUSALS = [
    Refusal("unknown query parameter", f"GET {X}?nope=1", "UNKNOWN_FIELD", "nope"),
    Refusal("unknown query parameter", f"GET {X}?labels.a=1", "UNKNOWN_FIELD", "labels.a"),
    Refusal("unknown query parameter", f"GET {X}?inners.name=1", "UNKNOWN_FIELD", "inners.name"),
    Refusal("malformed value", f"GET {X}?int32_value=x", "INVALID_TYPE", "int32_value"),
    Refusal("malformed value", "GET /v1/numbers/x/RED/true", "INVALID_TYPE", "int64Value"),
    Refusal("malformed value", f'POST {NEW} {{"byTruth":{{"yes":{{}}}}}}', "INVALID_TYPE", "byTruth[yes]"),
    Refusal("malformed value", f'PATCH {X} {{"inner":{{"big":"x"}}}}', "INVALID_TYPE", "inner.big"),
    Refusal("number that is none", f"GET {X}?doubleValue=NaN", "INVALID_NUMBER", "doubleValue"),
    Refusal("number that is none", f'POST {NEW} {{"floatValue":"-Infinity"}}', "INVALID_NUMBER", "floatValue"),
    Refusal("number that is none", f"GET {X}?int32Value=%2B5", "INVALID_TYPE", "int32Value"),
    Refusal("boolean in other words", f"GET {X}?boolValue=1", "INVALID_TYPE", "boolValue"),
    Refusal("boolean in other words", f"GET {X}?boolValue=TRUE", "INVALID_TYPE", "boolValue"),
    Refusal("boolean in other words", f'POST {NEW} {{"boolValue":"true"}}', "INVALID_TYPE", "boolValue"),
    Refusal("value given twice", f"GET {X}?int32Value=1&int32_value=1", "DUPLICATE_KEY", "int32_value"),
    Refusal("value given twice", f'POST {NEW} {{"name":"a","name":"b"}}', "DUPLICATE_KEY", "name"),
    Refusal("value given twice", f'POST {NEW} {{"choiceText":"a","choiceNumber":1}}', "INVALID_TYPE", "choiceText"),
    Refusal("path and body differ", f'PUT {X} {{"name":"y"}}', "FIELD_CONFLICT", "name"),
    Refusal("path and body differ", f'PATCH {X} {{"name":"y"}}', "FIELD_CONFLICT", "name"),
    Refusal("path and body differ", f"GET {X}?name=y", "FIELD_CONFLICT", "name"),
    Refusal("query beside a whole body", f"PUT {X}?int32Value=5 {{}}", "UNKNOWN_FIELD", "int32Value"),
    Refusal("body of a method without one", f'DELETE {X} {{"int32Value":5}}', "UNKNOWN_FIELD", "int32Value"),
    Refusal("slash at the end", f"GET {X}/", "ROUTE_NOT_FOUND", status=404),
    Refusal("unknown custom verb", "GET /v1/shelves/a:nope", "ROUTE_NOT_FOUND", status=404),
    Refusal("character that is none", f"GET {X}?stringValue=%00", "NUL_NOT_ALLOWED", "stringValue"),
    Refusal("character that is none", f"GET {X}?stringValue=%ff", "INVALID_UNICODE", "stringValue"),
    Refusal("character that is none", "GET /v1/everything/%ff", "INVALID_UNICODE", "name"),
    Refusal("character that is none", f'POST {NEW} {{"stringValue":"\\u0000"}}', "NUL_NOT_ALLOWED", "stringValue"),
    Refusal("unknown field in the body", f'POST {NEW} {{"inner":{{"nope":1}}}}', "UNKNOWN_FIELD", "inner.nope"),
    Refusal("unknown field in the body", f'PATCH {X} {{"nope":1}}', "UNKNOWN_FIELD", "nope"),
    Refusal("loose JSON", f'POST {NEW} {{"name":"a",}}', "INVALID_JSON"),
    Refusal("loose JSON", f"POST {NEW} {{'name':'a'}}", "INVALID_JSON"),
    Refusal("loose JSON", f'POST {NEW} {{"numbers":5}}', "INVALID_TYPE", "numbers"),
    Refusal("loose JSON", f'POST {NEW} {{"numbers":[1,null]}}', "INVALID_TYPE", "numbers[1]"),
    Refusal("whole body null", f"POST {NEW} null", "INVALID_TYPE", "body"),
    Refusal("wrong method", f"TRACE {X}", "METHOD_NOT_ALLOWED", status=405),
]
READINGS = [
    Reading("path and body differ", f'PUT {X} {{"name":"x"}}', {"name": "x"}),
    Reading("body of a method without one", f"DELETE {X} {{}}", {"name": "x"}),
    Reading("percent decoding", "GET /v1/everything/a%2Fb%3Ac", {"name": "a/b:c"}),
    Reading("percent decoding", "GET /v1/shelves/a%2fb%21%2B", {"name": "shelves/a%2fb!+"}),
    Reading("percent decoding", "GET /v1/files/a%3Aread/b", {"name": "files/a:read/b"}),
    Reading("plus in a query", f"GET {X}?stringValue=a+b%2Bc", {"name": "x", "string_value": "a b+c"}),
    Reading("unknown custom verb", "GET /v1/shelves/a%3Anope", {"name": "shelves/a:nope"}),
    Reading("whole body null", f"POST {NEW}", {}),
    Reading("number of an unknown enum value", f"GET {X}?colour=77", {"name": "x", "colour": 77}),
    Reading("number of an unknown enum value", f'POST {NEW} {{"colour":77}}', {"colour": 77}),
    Reading("wrong method", f"HEAD {X}", {"name": "x"}),
]
OTHERS = {
    "default values in answers",
    "stream item",
    "failure in a stream",
    "metadata in",
    "metadata out",
    "status map",
    "part of an answer",
    "content of any type",
    "part of content, known content",
    "body of a method that takes a stream",
}
"""Points with tests of their own below, in tests/contract/gateway where a credential or a WebSocket is needed, or in
tests/e2e/test_files.py where a service is."""


def _call(text: str) -> Call:
    method, target, *body = text.split(" ", 2)
    return Call(method, target, body[0].encode() if body else None)


def _error(outcome: Outcome) -> dict[str, Any]:
    error: dict[str, Any] = json.loads(outcome.body)["error"]
    return error


async def test_every_point_of_the_page_has_a_test() -> None:
    """The page and the tests name the same points."""
    page = (ROOT / "docs" / "rest.md").read_text()
    named = set(re.findall(r"^\| ([^|]+?) \|", page, re.MULTILINE)) - {"point"}
    assert named == {case.point for case in REFUSALS} | {case.point for case in READINGS} | OTHERS


@pytest.mark.parametrize("case", REFUSALS, ids=lambda case: f"{case.point}: {case.call}")
async def test_call_is_refused_with_reason_and_field(both: Transcoders, case: Refusal) -> None:
    """The service is not called; the caller learns what to repair."""
    outcome = await both.ours(_call(case.call))
    error = _error(outcome)
    violations = [item for detail in error["details"] for item in detail.get("fieldViolations", ())]
    assert (outcome.status, error["details"][0]["reason"], outcome.received) == (case.status, case.reason, [])
    assert [item["field"] for item in violations] == ([case.blamed] if case.blamed else [])


@pytest.mark.parametrize("case", READINGS, ids=lambda case: f"{case.point}: {case.call}")
async def test_call_is_understood(both: Transcoders, case: Reading) -> None:
    """The service receives exactly this."""
    outcome = await both.ours(_call(case.call))
    ((name, received),) = outcome.received
    kind = message_class("Update" if name in {"Delete", "Match"} else "Everything")
    assert (outcome.status, received) == (200, kind(**case.fields).SerializeToString(deterministic=True))


async def test_wrong_method_lists_those_that_are_right(both: Transcoders) -> None:
    """405 comes with Allow."""
    outcome = await both.ours(Call("POST", X))
    assert (outcome.status, outcome.headers["allow"]) == (405, "DELETE, GET, HEAD, PATCH, PUT, REPORT")


async def test_call_that_the_service_cancelled_may_be_made_again(both: Transcoders) -> None:
    """The caller has cancelled nothing: 503, where Envoy says 499."""
    call = _call("GET /v1/failures/1")
    assert ((await both.ours(call)).status, (await both.envoy(call)).status) == (503, 499)


async def test_default_values_are_in_answers_but_for_messages(both: Transcoders) -> None:
    """A reader finds every scalar, list and map, and no message that is not there."""
    answer = json.loads((await both.ours(Call("GET", X))).body)
    assert (answer["int64Value"], answer["colour"], answer["numbers"], answer["labels"]) == (
        "0",
        "COLOUR_UNSPECIFIED",
        [],
        {},
    )
    assert not {"inner", "optionalInt32", "timestamp", "int32Wrapper", "choiceText"} & answer.keys()


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("*/*", [r'\{"result":\{.*"int32Value":0', r'\{"result":\{.*"int32Value":1', r'\{"error":\{"code":404']),
        ("text/event-stream", [r"data: \{", "", r"data: \{", "", "event: error", r'data: \{"error":\{"code":404']),
    ],
)
async def test_stream_that_fails_says_so_at_its_end(both: Transcoders, accept: str, expected: list[str]) -> None:
    """Items come in an envelope or as events; the failure is the last of them."""
    outcome = await both.ours(Call("GET", "/v1/streams/x?count=2&code=5", headers={"accept": accept}))
    lines = outcome.body.decode().rstrip("\n").split("\n")
    assert outcome.status == 200
    assert len(lines) == len(expected)
    assert all(re.match(pattern, line) for pattern, line in zip(expected, lines, strict=True))


async def test_metadata_of_an_answer_comes_as_headers(both: Transcoders) -> None:
    """The initial metadata, binary values in base64; nothing of the trailing."""
    headers = (await both.ours(Call("GET", X))).headers
    assert (headers["grpc-metadata-colour"], headers["grpc-metadata-data-bin"]) == ("red", "aGk=")
    assert not any("late" in name for name in headers)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/everything/x/text?stringValue=a", "a"),
        ("/v1/everything/x/text", ""),
        ("/v1/everything/x/inner?inner.name=a", {"name": "a", "big": "0", "tags": []}),
        ("/v1/everything/x/inner", {}),
        ("/v1/everything/x/inners", []),
    ],
)
async def test_part_of_an_answer_is_the_field(both: Transcoders, path: str, body: object) -> None:
    """`response_body` names the field that the client gets."""
    assert json.loads((await both.ours(Call("GET", path))).body) == body


async def test_content_of_any_type_runs_in_no_browser(both: Transcoders) -> None:
    """Content has the type that its service says, and no rights of this origin."""
    outcome = await both.ours(Call("GET", "/v1/opened/a?content.data=aGk%3D&content.contentType=text/html"))
    assert (outcome.body, outcome.content_type) == (b"hi", "text/html")
    assert outcome.headers["content-security-policy"] == "default-src 'none'; sandbox"


async def test_content_of_impossible_type_is_only_bytes(both: Transcoders) -> None:
    """A service's text never becomes a second header."""
    outcome = await both.ours(Call("GET", "/v1/opened/a?content.data=aGk%3D&content.contentType=a%0d%0ab:c"))
    assert (outcome.body, outcome.content_type) == (b"hi", "application/octet-stream")


async def test_content_that_fails_breaks_off(both: Transcoders) -> None:
    """A stream of bytes has no place for a failure; its client sees that the end is missing."""
    with pytest.raises(httpx2.RemoteProtocolError):
        await both.ours(Call("GET", "/v1/downloads/x/parts?count=2&code=5"))
    outcome = await both.ours(Call("GET", "/v1/downloads/x/parts?count=0&code=5"))
    assert (outcome.status, _error(outcome)["status"]) == (404, "NOT_FOUND")
