"""Doing something to files so that the record says it: intent before, outcome after, and what was cut off."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TypeVar
from uuid import UUID

from google.protobuf.message import Message

from chassis import faults, ids
from chassis.actor import Actor
from chassis.beside import beside
from chassis.database import Database
from chassis.errors import DomainError, Unavailable
from chassis.reconcile import Claim
from services.workspace.files import convert, operations
from services.workspace.files.domain import FileOperation, State, Wish
from services.workspace.files.errors import FileOperationUnderWay

T = TypeVar("T", bound=Message)

_SIGN = operations.LEASE.total_seconds() / 3
"""Seconds between two signs of life of whoever carries out an operation."""

_AFTER_INTENT = faults.Point("files.after_intent", "It is recorded that files will change, and nothing was done yet.")
_AFTER_WORK = faults.Point("files.after_work", "Files changed, and the record does not say so yet.")


@dataclass(frozen=True, slots=True)
class Journal:
    """Carries out operations on files."""

    database: Database

    async def carry_out(
        self, actor: Actor, wish: Wish, work: Callable[[], Awaitable[T]]
    ) -> tuple[FileOperation, T | None]:
        """Do the work and return it with its answer; without one when an earlier call with the request id has done it.

        Raises:
            FileOperationUnderWay: an earlier call is still at it.
            DomainError: what the work raises; then nothing was done.
        """
        operation = await self._start(actor, wish)
        if operation.state is State.DONE:
            return operation, None
        actor, operation_id = replace(actor, repeat=None), operation.file_operation_id
        _AFTER_INTENT.reach()
        try:
            async with beside(self._renew(actor, operation_id)):
                answer = await work()
        except Unavailable:
            await self._lose(actor, operation_id)
            raise
        except DomainError as error:
            await self.database.write(actor, operations.fail, file_operation_id=operation_id, reason=error.reason)
            raise
        except BaseException:
            await asyncio.shield(self._lose(actor, operation_id))
            raise
        _AFTER_WORK.reach()
        outcome = convert.outcome_from_proto(answer)
        done = await self.database.write(actor, operations.finish, file_operation_id=operation_id, outcome=outcome)
        return done, answer

    async def reconcile(self, claim: Claim) -> float | None:
        """Give up one of which nobody gives a sign of life; forget those that ended long ago."""
        await self.database.write(claim.actor, operations.lose, file_operation_id=claim.entity_id)
        await self.database.write(claim.actor, operations.forget_ended)
        return operations.KEPT.total_seconds()

    async def _start(self, actor: Actor, wish: Wish) -> FileOperation:
        new = ids.new()
        operation = await self.database.write(actor, operations.start, file_operation_id=new, wish=wish)
        if operation.file_operation_id == new or operation.state is State.DONE:
            return operation
        if operation.state is State.STARTED:
            raise FileOperationUnderWay(operation.file_operation_id)
        again = replace(actor, repeat=None)
        return await self.database.write(again, operations.restart, file_operation_id=operation.file_operation_id)

    async def _renew(self, actor: Actor, operation_id: UUID) -> None:
        while True:
            await asyncio.sleep(_SIGN)
            with suppress(DomainError):  # the next sign comes early enough
                await self.database.write(actor, operations.renew, file_operation_id=operation_id)

    async def _lose(self, actor: Actor, operation_id: UUID) -> None:
        with suppress(DomainError):  # whoever looks for signs of life does it later
            await self.database.write(actor, operations.lose, file_operation_id=operation_id)
