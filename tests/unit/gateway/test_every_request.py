"""Whatever a request holds, the gateway makes of the REST form that google-api-core gives it what it was."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.transcode.codec import Codec
from gateway.transcode.request import RequestBinder, RequestParts
from gateway.transcode.routes import Routes
from gateway.transcode.schema import Schema
from tests.support.contracts import rpcs
from tests.support.every_field import canonical, descriptor_set, methods
from tests.support.rest_form import Mapping, RestRequest, mappings, requests, rest_form

_OURS = [rpc.descriptor for rpc in rpcs() if rpc.is_public and not rpc.descriptor.client_streaming]
CONTENT = {"Upload", "Post", "ReceiveDelivery"}  # their bodies are no JSON
OURS = [mapping for method in _OURS if method.name not in CONTENT for mapping in mappings(method)]
TEST = [mapping for method in methods().values() if method.name not in CONTENT for mapping in mappings(method)]


@pytest.fixture(scope="module")
def every_schema() -> Schema:
    """Return the contract with every kind of field."""
    return Schema(descriptor_set())


@pytest.fixture(scope="module")
def every_route(every_schema: Schema) -> Routes:
    """Return the routes of the contract with every kind of field."""
    return Routes(every_schema)


def _bound(routes: Routes, binder: RequestBinder, rest: RestRequest, name: str) -> bytes:
    route, segments = routes.find(rest.method, rest.path)
    assert route.method.name == name
    return binder.bind(route, RequestParts(segments, rest.query.encode(), rest.body or b""))


@pytest.mark.parametrize("mapping", OURS, ids=str)
@settings(max_examples=10)
@given(data=st.data())
def test_bind_rest_form_of_any_request_is_the_request(
    routes: Routes, binder: RequestBinder, mapping: Mapping, data: st.DataObject
) -> None:
    """Path, query and body lose nothing: not a space, not a slash, not a 64-bit number, not an empty message."""
    message = data.draw(requests(mapping))
    encoded = _bound(routes, binder, rest_form(mapping, message), mapping.method.name)
    assert canonical(type(message).FromString(encoded)) == canonical(message)


@pytest.mark.parametrize("mapping", TEST, ids=str)
@settings(max_examples=10)
@given(data=st.data())
def test_bind_rest_form_of_every_kind_of_field_is_the_request(
    every_schema: Schema, every_route: Routes, mapping: Mapping, data: st.DataObject
) -> None:
    """The same for what our contracts do not have: patterns over several segments, wrappers, maps of messages."""
    message = data.draw(requests(mapping))
    binder = RequestBinder(Codec(every_schema.registry))
    encoded = _bound(every_route, binder, rest_form(mapping, message), mapping.method.name)
    assert canonical(type(message).FromString(encoded)) == canonical(message)
