"""A running audit service, and what a test asks of it."""

from collections.abc import AsyncIterator, Awaitable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

import grpc
import pytest_asyncio
from stateroom.api.v1 import policy_pb2
from stateroom.audit.v1.audit_service_pb2_grpc import AuditServiceStub

from chassis.rpc.call import Principal
from chassis.rpc.channels import open_channel
from chassis.rpc.tokens import TokenSigner
from chassis.service import Service
from embedded import keys
from services.audit.__main__ import open_audit
from services.audit.settings import AuditSettings
from tests.support import waiting
from tests.support.installation import Installation
from tests.support.source import Source, query

if TYPE_CHECKING:
    from stateroom.audit.v1.audit_service_pb2_grpc import AuditServiceAsyncStub


@dataclass(frozen=True, slots=True)
class Ledger:
    """The service, and a stub of it. It records only while the test runs its loops."""

    service: Service
    stub: "AuditServiceAsyncStub"
    installation: Installation

    async def entries(self) -> list[tuple[int, int]]:
        """Return epoch and position of every entry that is not orphaned, in the order of the source."""
        rows = await query(
            self.installation.url("audit_system"),
            "SELECT epoch, position FROM entries WHERE NOT orphaned ORDER BY position",
        )
        return [(row["epoch"], row["position"]) for row in rows]

    async def caught_up(self, source: Source) -> None:
        """Wait until everything that was committed is numbered and recorded."""

        async def level() -> bool:
            rows = await query(self.installation.url("workspace_system"), "SELECT count(*) FROM outbox")
            head = await source.head()
            return rows[0][0] == 0 and len(await self.entries()) == head

        await waiting.until(level)

    def metadata(self, account_id: UUID, role: int = policy_pb2.VIEWER) -> tuple[tuple[str, str], ...]:
        """Return the metadata of somebody's call."""
        return user_metadata(self.installation, account_id, role=role)


def user_metadata(
    installation: Installation, account_id: UUID, *, role: int = policy_pb2.VIEWER, scopes: tuple[str, ...] = ("*",)
) -> tuple[tuple[str, str], ...]:
    """Return a token of a person, as the workspace service gives it."""
    signer = TokenSigner("workspace", keys.signing_key_file(installation.layout, "workspace"))
    principal = Principal(str(account_id), account_id, role, frozenset(scopes), "key-1")
    return (("authorization", f"Bearer {signer.sign_user(principal)[0]}"),)


@asynccontextmanager
async def open_ledger(source: Source, address: str = "") -> AsyncIterator[Ledger]:
    """Open an audit service that records a source."""
    async with AsyncExitStack() as stack:
        configured = AuditSettings(
            **source.installation.settings(
                "audit", audit_sources="workspace", workspace_address=address or source.address
            )
        )
        service, server = await open_audit(configured, stack)
        listening = await server.start("127.0.0.1:0")
        stack.push_async_callback(server.stop, 0)
        channel = await stack.enter_async_context(open_channel(listening))
        yield Ledger(service, AuditServiceStub(channel), source.installation)


async def refusal(call: Awaitable[object]) -> tuple[grpc.StatusCode, bytes]:
    """Return the status and the details of a call that must fail."""
    try:
        await call
    except grpc.aio.AioRpcError as exc:
        trailing: dict[str, Any] = dict(exc.trailing_metadata() or ())  # type: ignore[arg-type]  # pairs; the stub has no iterator
        details = trailing["grpc-status-details-bin"]
        assert isinstance(details, bytes)
        return exc.code(), details
    msg = "the call was answered"
    raise AssertionError(msg)


@pytest_asyncio.fixture
async def ledger(source: Source) -> AsyncIterator[Ledger]:
    """Return an audit service with an empty ledger."""
    async with open_ledger(source) as opened:
        yield opened
