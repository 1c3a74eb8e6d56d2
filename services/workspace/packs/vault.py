"""Saves of rooms with disks of their own: runners make them and make directories of them, the database keeps them."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any
from uuid import UUID

from stateroom.runner.v1 import save_service_pb2 as pb
from stateroom.runner.v1.save_service_pb2_grpc import SaveServiceStub

from chassis import faults
from chassis.actor import Actor
from chassis.database import Database
from chassis.errors import DomainError, ServiceUnavailable, WrongState
from services.workspace.packs import operations, queries
from services.workspace.packs.domain import Pack
from services.workspace.packs.errors import PackLost
from services.workspace.placement.handles import RunnerHandle
from services.workspace.placement.placement import Placement
from services.workspace.saves.domain import COUNTED, Save
from services.workspace.saves.vaults import Refused
from services.workspace.workspaces.domain import Workspace

_RESTORE_DEADLINE = 3600.0  # seconds for a whole directory
_DAMAGED = "what was saved is damaged"
_TOO_MUCH = "its runner sends more than a save may hold"
_MIDWAY = faults.Point("packs.midway", "A piece of a pack is stored, and not all of it.")
_AFTER_PACK = faults.Point("packs.after_pack", "All of a pack is stored, and nobody was told what is in it.")
_GIVING_BACK = faults.Point("packs.giving_back", "A piece of a pack was sent to the room that is made of it.")


@dataclass(frozen=True, slots=True)
class DatabaseVaults:
    """Packs in the database, in pieces, each of which stands in memory alone.

    `size_limit` and `with_ignored` are what the settings say of saves; `beside_files` is how many bytes names, links
    and rights of a directory may take in a pack, beside what is in its files.
    """

    database: Database
    placement: Placement
    size_limit: int
    with_ignored: bool
    beside_files: int = 1 << 30

    async def take(self, actor: Actor, save: Save) -> dict[str, Any]:
        """Have the room's runner save it; one is started for that when none lives.

        What an earlier attempt left half done is removed first. What was stored as a whole is not asked for again.
        """
        async with self.placement.for_save(actor, save.workspace_id) as runner:
            await self._drop(actor, save)
            pack, base = await self.database.write(actor, operations.begin_pack, save=save)
            try:
                told = pack.facts or await self._store(actor, runner, pack, base)
            except (Refused, DomainError):
                await self._drop(actor, save, pack.pack_id)
                raise
            facts: dict[str, Any] = json.loads(told)
            return facts

    async def give_back(self, actor: Actor, save: Save, workspace: Workspace) -> None:
        """Have the runner of the workspace make its directory."""
        chain = await self._chain(actor, save)
        if not chain:
            raise Refused(_DAMAGED)
        runner = await self.placement.ensure(actor, workspace.workspace_id)
        stub: Any = SaveServiceStub(runner.peer.channel)
        first = pb.RestoreSaveRequest(
            save_id=str(save.save_id),
            restoration=f"{save.save_id} {workspace.version}",
            commit=chain[-1].commit_id,
            pack_bytes=[pack.size_bytes for pack in chain],
        )
        with _refusals():
            await runner.peer.send(stub.RestoreSave, self._requests(actor, first, chain), timeout=_RESTORE_DEADLINE)

    async def is_sound(self, actor: Actor, save: Save) -> bool:
        """Whether all bytes of a save are those that the runner sent, which git had checked."""
        chain = await self._chain(actor, save)
        try:
            for pack in chain:
                async for _ in self._chunks(actor, pack):
                    pass
        except Refused:
            return False
        return bool(chain)

    async def remove(self, actor: Actor, save: Save) -> None:
        """Remove what deleted saves of the workspace hold and no other needs."""
        while not await self.database.write(actor, operations.drop_unneeded, workspace_id=save.workspace_id):
            pass

    async def _drop(self, actor: Actor, save: Save, pack_id: UUID | None = None) -> None:
        while not await self.database.write(actor, operations.drop_incomplete, save_id=save.save_id, pack_id=pack_id):
            pass

    async def _store(self, actor: Actor, runner: RunnerHandle, pack: Pack, base: str) -> str:
        """Store what the runner sends. Returns the facts about it."""
        stub: Any = SaveServiceStub(runner.peer.channel)
        request = pb.TakeSaveRequest(
            save_id=str(pack.save_id), base_commit=base, size_limit=self.size_limit, with_ignored=self.with_ignored
        )
        digest, number, left, facts = sha256(), 0, self._most(), None
        with _refusals():
            async for part in runner.peer.stream(stub.TakeSave, request):
                if part.HasField("facts"):
                    facts = part.facts
                    continue
                left -= len(part.data)
                if left < 0 or not part.data:
                    raise Refused(_TOO_MUCH)
                await asyncio.to_thread(digest.update, part.data)
                await self.database.write(actor, operations.add_chunk, pack=pack, number=number, data=part.data)
                number += 1
                _MIDWAY.reach()
        if facts is None:
            raise ServiceUnavailable(service="runner")
        if facts.sha256 != digest.digest():
            raise PackLost(pack.pack_id)
        stored = replace(
            pack,
            base_id=pack.base_id if facts.based else None,
            commit_id=facts.commit,
            size_bytes=facts.pack_bytes,
            sha256=facts.sha256,
            facts=json.dumps({name: getattr(facts, name) for name in COUNTED}),
        )
        await self.database.write(actor, operations.complete_pack, pack=stored)
        _AFTER_PACK.reach()
        return str(stored.facts)

    def _most(self) -> int:
        """Return how many bytes a pack may have: a runner that somebody has taken over keeps to no limit."""
        return self.size_limit + self.size_limit // 16 + self.beside_files

    async def _chain(self, actor: Actor, save: Save) -> list[Pack]:
        """Return the packs of a save, none unless all are complete."""
        chain = await self.database.read(actor, queries.list_chain, save_id=save.save_id)
        return chain if all(pack.facts is not None for pack in chain) else []

    async def _requests(
        self, actor: Actor, first: pb.RestoreSaveRequest, chain: Sequence[Pack]
    ) -> AsyncIterator[pb.RestoreSaveRequest]:
        yield first
        for pack in chain:
            async for data in self._chunks(actor, pack):
                yield pb.RestoreSaveRequest(data=data)
                _GIVING_BACK.reach()

    async def _chunks(self, actor: Actor, pack: Pack) -> AsyncIterator[bytes]:
        """Yield the pieces of a pack. Refused before the last one unless all of them are as they were."""
        digest, left, number = sha256(), pack.size_bytes, 0
        while left > 0:
            data = await self.database.read(actor, queries.find_chunk, pack_id=pack.pack_id, number=number)
            await asyncio.to_thread(digest.update, data)
            left -= len(data)
            number += 1
            if not data or left < 0 or (not left and digest.digest() != pack.sha256):
                raise Refused(_DAMAGED)
            yield data


@contextmanager
def _refusals() -> Iterator[None]:
    """Raise what a runner refuses as Refused."""
    try:
        yield
    except WrongState as exc:
        if exc.reason != "SAVE_REFUSED":
            raise
        raise Refused(exc.values["cause"]) from exc
