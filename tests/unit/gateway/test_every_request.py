"""Whatever a request holds, the gateway makes of its REST form what it was."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.transcode.request import RequestBinder, RequestParts
from gateway.transcode.routes import Routes
from tests.support.contracts import Rpc, rpcs
from tests.support.transcoding import requests, rest_form

PUBLIC = [rpc for rpc in rpcs() if rpc.is_public and not rpc.descriptor.client_streaming]


@pytest.mark.parametrize("rpc", PUBLIC, ids=lambda rpc: rpc.name)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_bind_rest_form_of_any_request_is_the_request(
    routes: Routes, binder: RequestBinder, rpc: Rpc, data: st.DataObject
) -> None:
    """Path, query and body lose nothing: not a space, not a slash, not a 64-bit number, not an empty message."""
    message = data.draw(requests(rpc))
    rest = rest_form(rpc, message)
    route, segments = routes.find(rest.method, rest.path)
    assert route.method.name == rpc.name
    encoded = binder.bind(route, RequestParts(segments, rest.query, rest.body))
    assert type(message).FromString(encoded) == message
