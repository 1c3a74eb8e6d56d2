"""One call, as a handler sees it."""

import asyncio
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING
from urllib.parse import unquote
from uuid import UUID

from chassis import ids
from chassis.actor import Actor, RepeatKey

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from chassis.rpc.policy import Method


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls, in which account, with which rights.

    `subject` is a user id or `service:<name>`; `account_id` is None for a service that acts for itself.
    `role` is a number of `stateroom.api.v1.Role`.
    """

    subject: str
    account_id: UUID | None = None
    role: int = 0
    scopes: frozenset[str] = frozenset()
    credential_id: str = ""

    @property
    def is_service(self) -> bool:
        """Whether another service calls for itself."""
        return self.subject.startswith("service:")


ANONYMOUS = Principal(subject="")


@dataclass(slots=True)
class Call:
    """Everything about a call but its request. Steps of the chain fill it in; handlers only read it."""

    method: "Method"
    metadata: dict[str, str]
    peer_address: str
    correlation_id: str = ""
    principal: Principal = ANONYMOUS
    forwarded: bool = False
    """Whether a process of ours made the call, so that it can be believed whom it makes the call for."""
    repeat: RepeatKey | None = None
    code: str = "OK"
    """The name of the status code that the call ended with."""
    was_heard: bool = False
    """Whether anything that a stream of requests says was asked for."""
    failed: asyncio.Event = field(default_factory=asyncio.Event)
    failure: Exception | None = None

    def fail(self, error: Exception) -> None:
        """End a stream with an error at once, also while its client takes nothing of it. The first error counts."""
        self.failure = self.failure or error
        self.failed.set()

    async def until_failed(self) -> None:
        """Wait for a failure and raise it."""
        await self.failed.wait()
        if self.failure is not None:
            raise self.failure

    @property
    def user_agent(self) -> str:
        """The client's own name, as the first hop saw it."""
        forwarded = self.metadata.get("stateroom-user-agent") if self.forwarded else None
        return (forwarded or self.metadata.get("user-agent", ""))[:255]

    @property
    def ip_address(self) -> str:
        """Address of the client as the first hop of ours saw it."""
        return (self.metadata.get("stateroom-ip-address") if self.forwarded else None) or self.peer_address

    @property
    def account_id(self) -> UUID:
        """The acting account. RuntimeError when the method's policy does not require one."""
        if self.principal.account_id is None:
            msg = f"{self.method.full_name} acts in no account"
            raise RuntimeError(msg)
        return self.principal.account_id

    @property
    def actor(self) -> Actor:
        """What changes made by this call say about their cause."""
        return self.acting_in(self.account_id)

    def acting_in(self, account_id: UUID) -> Actor:
        """Return the actor of this call in an account that the call itself names or makes."""
        return Actor(
            account_id=account_id,
            subject=self.principal.subject or str(account_id),
            credential_id=self.principal.credential_id,
            correlation_id=self.correlation_id,
            ip_address=self.ip_address,
            user_agent=self.user_agent,
            repeat=self.repeat,
        )

    def note_repeat(self, request: "Message") -> None:
        """Remember the request id, if the client sent one, with the digest of everything else it sent.

        Of a stream of requests a handler does so with the first, before it asks for the actor.
        """
        request_id = getattr(request, "request_id", "") if self.method.repeatable else ""
        if not request_id:
            return
        copy = type(request)()
        copy.CopyFrom(request)
        copy.ClearField("request_id")
        digest = sha256(copy.SerializeToString(deterministic=True)).digest()
        self.repeat = RepeatKey(ids.parse(request_id), self.method.full_name, digest)


def peer_address(peer: str) -> str:
    """Return the address in a gRPC peer such as `ipv4:127.0.0.1:5000`, `ipv6:%5B::1%5D:5000` or `unix:`."""
    kind, _, rest = unquote(peer).partition(":")
    return rest.rpartition(":")[0].strip("[]") if kind in {"ipv4", "ipv6"} else ""
