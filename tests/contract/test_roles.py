"""What each role may call: every method that there is, held against its policy by the service that serves it."""

from collections.abc import Iterator

import grpc
import pytest
from stateroom.api.v1 import policy_pb2

from chassis import ids
from chassis.rpc.call import Principal
from chassis.rpc.tokens import TokenSigner
from embedded import keys
from tests.support.contracts import Rpc
from tests.support.product import Product
from tests.support.refusals import refused
from tests.support.requests import call, served, service_of

RPCS = [rpc for rpc in served() if rpc.access == "user"]
LADDER = ("VIEWER", "MEMBER", "ADMIN", "OWNER")
"""Each may do what those before it may."""
MALFORMED = b"\xff\xff"
"""No request of any method: what gets so far as to be read has passed the policy, and does nothing."""


def _may(rpc: Rpc, role: str) -> bool:
    needed = policy_pb2.Role.Name(rpc.policy.user.role)
    if role == "AUDITOR":
        return rpc.policy.user.auditor
    return role in LADDER[LADDER.index(needed) :]


@pytest.mark.parametrize("role", [*LADDER, "AUDITOR", "ROLE_UNSPECIFIED"])
async def test_role_may_call_what_its_place_allows_and_nothing_else(role: str, shared_product: Product) -> None:
    """Too low a role is told so, before anything of the request is read; nobody without a role calls anything."""
    signer = TokenSigner("workspace", keys.signing_key_file(shared_product.installation.layout, "workspace"))
    number, wrong = policy_pb2.Role.Value(role), []
    for service, rpcs in _by_service():
        async with grpc.aio.insecure_channel(shared_product.address(service)) as channel:
            for rpc in rpcs:
                principal = Principal(str(ids.new()), ids.new(), number, frozenset({"*"}), str(ids.new()))
                metadata = (("authorization", f"Bearer {signer.sign_user(principal)[0]}"),)
                refusal = await refused(call(channel, rpc, MALFORMED, metadata))
                allowed = role != "ROLE_UNSPECIFIED" and _may(rpc, role)
                if (refusal.reason == "ROLE_TOO_LOW") is allowed:
                    wrong.append((rpc.descriptor.full_name, refusal))
    assert not wrong


def _by_service() -> Iterator[tuple[str, list[Rpc]]]:
    for service in sorted({service_of(rpc) for rpc in RPCS}):
        yield service, [rpc for rpc in RPCS if service_of(rpc) == service]
