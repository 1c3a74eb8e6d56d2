"""The same requests through Envoy's transcoder and ours: the service receives, and the client gets, the same."""

import json
from typing import Any

import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

from gateway.http import URL_LIMIT
from tests.support.every_field import SERVICE, canonical, methods
from tests.support.rest_form import Mapping, mappings, requests, rest_form
from tests.support.transcoders import Call, Outcome, Transcoders

pytestmark = pytest.mark.asyncio(loop_scope="session")

X = "/v1/everything/x"
SAME = [
    # every kind of value in a query, by either name of its field
    f"GET {X}",
    f"GET {X}?int32Value=5&int64_value=-7&uint64Value=18446744073709551615&doubleValue=1.5&floatValue=1e3",
    f"GET {X}?boolValue=true&colour=RED&stringValue=a%20b&bytesValue=aGk%3D",
    f"GET {X}?colour=1",
    f"GET {X}?numbers=1&numbers=2&texts=a&texts=b&colours=RED&colours=2",
    f"GET {X}?inner.name=a&inner.deeper.deeper.tags=t&inner.deeper.deeper.tags=u",
    f"GET {X}?timestamp=2020-01-01T02:00:00.5%2B02:00&duration=-1.5s&fieldMask=a,bC",
    f"GET {X}?timestamps=2020-01-01T00:00:00Z&timestamps=2021-01-01T00:00:00Z",
    f"GET {X}?int32Wrapper=5&stringWrapper=hi&boolWrapper=false&doubleWrapper=2.5&bytesWrapper=aGk%3D&int64Wrapper=9",
    f"GET {X}?optionalInt32=0&optionalString=&optionalColour=COLOUR_UNSPECIFIED",
    f"GET {X}?anotherName=q&name=x&stringValue=a+b%2Bc&&",
    f"GET {X}?renamed=q",
    # values that are none
    f"GET {X}?int32Value=abc",
    f"GET {X}?int32Value=",
    f"GET {X}?colour=red",
    f"GET {X}?inner=5",
    f"GET {X}?labels=5",
    f"GET {X}?timestamp=nope",
    f"GET {X}?duration=1",
    f"GET {X}?choiceText=a&choiceNumber=5",
    # forms of paths
    "GET /v1/everything/a%2Fb",
    "GET /v1/everything/a%20b%41+c%3Ad",
    "GET /v1/inner/a/of/b",
    "GET /v1/numbers/5/RED/true",
    "GET /v1/numbers/x/RED/true",
    "GET /v1/numbers/5/NOPE/true",
    "GET /v1/shelves/a",
    "GET /v1/shelves/a%2Fb",
    "GET /v1/shelves/a/books/b%2fc",
    "GET /v1/files/a/b/c%20d%2Fe",
    "GET /v1/files",
    "GET /v1/shelves/a:read",
    "GET /v1/files/a/b:read",
    "GET /v1/fixed/anything/x",
    # forms of bodies
    "POST /v1/everything {}",
    f'PUT {X} {{"int32Value":5}}',
    f'PUT {X} {{"name":"x"}}',
    f'PATCH {X}?updateMask=int32Value,inner.name {{"int32Value":5}}',
    f'PATCH {X}?name=q {{"name":"x"}}',
    f"PATCH {X} null",
    'POST /v1/shelves/a:change {"int32Value":5}',
    f"DELETE {X}",
    f"REPORT {X}?int32Value=5",
    "POST /v1/uploads/x some text",
    "POST /v1/posts some text",
    "GET /v1/opened/a?content.data=aGk%3D&content.contentType=a/b",
    "GET /v1/downloads/x?count=3",
    "GET /v1/downloads/x/parts?count=3",
    # JSON
    'POST /v1/everything {"name":null,"inner":null,"labels":null,"numbers":null,"optionalInt32":null,"struct":null}',
    'POST /v1/everything {"value":null,"choiceNull":null,"int32Wrapper":null,"timestamp":null}',
    'POST /v1/everything {"int32Value":"5","int64Value":7,"uint64Value":"18446744073709551615","doubleValue":"1.5"}',
    'POST /v1/everything {"int32Value":5.0,"inner":{"big":-0}}',
    'POST /v1/everything {"int32Value":1.5}',
    'POST /v1/everything {"int32Value":2147483648}',
    'POST /v1/everything {"uint32Value":-1}',
    'POST /v1/everything {"floatValue":1e39}',
    'POST /v1/everything {"boolValue":1}',
    'POST /v1/everything {"bytesValue":"-_8="}',
    'POST /v1/everything {"bytesValue":"a*"}',
    'POST /v1/everything {"colour":-1,"colours":["RED",2]}',
    'POST /v1/everything {"colour":"NOPE"}',
    'POST /v1/everything {"labels":{"a":"b","":"d"},"byNumber":{"5":"x","-6":"y"}}',
    'POST /v1/everything {"byTruth":{"true":{"name":"n"},"false":{}},"sums":{"18446744073709551615":"-5"}}',
    'POST /v1/everything {"coloursByName":{"a":"RED","b":2}}',
    'POST /v1/everything {"byNumber":{"x":"x"}}',
    'POST /v1/everything {"choiceText":"","choiceNumber":null}',
    'POST /v1/everything {"timestamp":"1969-12-31T23:59:59.999999999Z","duration":"-1.000000001s"}',
    'POST /v1/everything {"timestamp":"0000-01-01T00:00:00Z"}',
    'POST /v1/everything {"timestamp":"2020-02-30T00:00:00Z"}',
    'POST /v1/everything {"duration":"315576000001s"}',
    'POST /v1/everything {"fieldMask":"a,bC.dE"}',
    'POST /v1/everything {"struct":{"a":1,"b":[true,null,{"c":"d"}]},"value":[1,"x",null],"listValue":[{},[],null]}',
    'POST /v1/everything {"any":{"@type":"type.googleapis.com/test.transcoding.v1.Inner","name":"x","big":"5"}}',
    'POST /v1/everything {"any":{"@type":"type.googleapis.com/google.protobuf.Duration","value":"1.5s"}}',
    'POST /v1/everything {"any":{"@type":"type.googleapis.com/nope.Nope"}}',
    'POST /v1/everything {"any":{"name":"x"}}',
    'POST /v1/everything {"empty":{},"choiceInner":{}}',
    'POST /v1/everything {"doubleWrapper":1.5,"floatWrapper":"2.5","int64Wrapper":"7","uint64Wrapper":8}',
    'POST /v1/everything {"uint32Wrapper":"3","boolWrapper":false,"stringWrapper":"","bytesWrapper":"aGk="}',
    'POST /v1/everything {"stringValue":"\\ud83d\\ude00","int32_value":5}',
    'POST /v1/everything {"stringValue":"\\ud800"}',
    'POST /v1/everything {"name":"a"',
    "POST /v1/everything []",
    'POST /v1/everything "x"',
]
"""Requests whose answers are not a matter of taste: HTTP method, target, body."""
CONTENT = ("/v1/uploads", "/v1/posts")
"""Paths whose bodies are no JSON."""
NOT_GENERATED = {"Upload", "Post", "Open", "Download", "DownloadParts", "Fail", "Stream"}
"""Methods that want something of their fields: a type of content, a number of items, a code."""
GENERATED = [
    mapping
    for method in methods().values()
    if method.containing_service.full_name == SERVICE and method.name not in NOT_GENERATED
    for mapping in mappings(method)
    if not mapping.path.startswith("/v1/{name=")  # their texts differ, see test_decided
]


def _call(text: str) -> Call:
    method, target, *body = text.split(" ", 2)
    headers = {"content-type": "text/plain"} if target.startswith(CONTENT) else {}
    return Call(method, target, body[0].encode() if body else None, headers)


def _content(outcome: Outcome) -> Any:
    """Return what an answer says; of a refusal, only that it is one."""
    if outcome.status >= 400:
        return "refused"
    if outcome.content_type != "application/json":
        return outcome.body
    return json.loads(outcome.body, parse_float=_rounded, parse_int=_rounded)


def _rounded(text: str) -> float:
    """Return a number with the digits of 32 bits: Envoy writes no more of a float, and we write all."""
    return float(f"{float(text):.7g}")


def _seen(outcome: Outcome) -> tuple[Any, ...]:
    """Return what the service received and what the client is told; of a refusal, only its status."""
    return outcome.received, outcome.status, _content(outcome), outcome.content_type if outcome.status < 400 else ""


@pytest.mark.parametrize("text", SAME)
async def test_call_of_any_form_is_as_through_envoy(both: Transcoders, text: str) -> None:
    """The service receives the same bytes, and the client the same status and content."""
    assert _seen(await both.ours(_call(text))) == _seen(await both.envoy(_call(text)))


@pytest.mark.parametrize("number", range(2, 17))
async def test_failure_of_any_code_has_envoys_status(both: Transcoders, number: int) -> None:
    """The table of HTTP statuses is everybody's, but for CANCELLED, which a service that dies answers."""
    call = Call("GET", f"/v1/failures/{number}")
    assert (await both.ours(call)).status == (await both.envoy(call)).status


@pytest.mark.parametrize("count", [0, 1, 3])
async def test_stream_has_envoys_items(both: Transcoders, count: int) -> None:
    """Our lines hold in an envelope what Envoy's lines are."""
    call = Call("GET", f"/v1/streams/x?count={count}")
    ours, theirs = await both.ours(call), await both.envoy(call)
    assert ours.received == theirs.received
    assert [json.loads(line)["result"] for line in ours.body.splitlines()] == [
        json.loads(line) for line in theirs.body.splitlines()
    ]


@pytest.mark.parametrize("mapping", GENERATED, ids=str)
@settings(max_examples=15, phases=[Phase.generate])
@given(data=st.data())
async def test_generated_call_is_as_through_envoy(both: Transcoders, mapping: Mapping, data: st.DataObject) -> None:
    """Whatever a request holds, both understand it, and as it was meant."""
    message = data.draw(requests(mapping))
    rest = rest_form(mapping, message)
    target = f"{rest.path}?{rest.query}" if rest.query else rest.path
    assume(len(target) < URL_LIMIT)
    call = Call(rest.method, target, rest.body)
    ours = await both.ours(call)
    assert ours.received == [(mapping.method.name, canonical(message))]
    assert _seen(ours) == _seen(await both.envoy(call))
