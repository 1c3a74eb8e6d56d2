"""No path deletes unsaved work: whoever dies at which moment, the directory or a complete save is there."""

import signal
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from stateroom.workspace.v1 import save_service_pb2 as pb
from stateroom.workspace.v1 import workspace_pb2

from runner.snapshot.restore import restore
from runner.snapshot.vault import Vault
from tests.support.checkouts import STATES, contents, make_checkout
from tests.support.people import Person, connected, sign_up
from tests.support.places import let_claims_pass, passed_by, said, start_armed
from tests.support.product import Product
from tests.support.saves import ask, files_of, room_of, saves_of, settled, vault_of
from tests.support.source import query
from tests.support.waiting import until

_DELETED = """
UPDATE workspaces SET delete_time = now() - interval '400 days'
WHERE workspace_id = $1 AND purge_time IS NULL AND reconcile_time IS NULL RETURNING 1
"""
_EXPIRED = """
UPDATE saves SET expire_time = now() - interval '400 days'
WHERE workspace_id = $1 AND expire_time IS NOT NULL RETURNING 1
"""
PASSED = {
    "saves.after_taking": (),
    "saves.before_removal": (_DELETED,),
    "saves.after_room": (_DELETED,),
    "saves.after_removal": (_DELETED, _EXPIRED),
}
"""The places in the order in which a workspace comes there, and the time that has to pass for that."""
SAVING = ("packs.midway", "packs.after_pack", "saves.after_taking")
RESTORING = "packs.giving_back"
"""The same for saves in the database, which are restored before the workspace is purged."""


@dataclass(slots=True)
class Room:
    """A workspace with work in it that nobody else has."""

    person: Person
    workspace: workspace_pb2.Workspace
    held: dict[str, tuple[int, bytes]]

    def is_safe(self, scratch: Path) -> bool:
        """Whether the work is in the directory, or can be had from the vault as it was."""
        files = files_of(self.person, self.workspace)
        if not (room_of(self.person, self.workspace) / "prepared.json").exists():
            vault = Vault(vault_of(self.person, self.workspace))
            (reference,) = vault.read("for-each-ref", "--format=%(refname)").decode().split()
            restore(vault, reference, scratch, "any")
            files = scratch / "files"
        return contents(files) == self.held


def test_place_of_a_removal_is_declared() -> None:
    """The list is that of the modules, so a new place is tested the day it appears."""
    assert sorted(PASSED) == sorted(passed_by("saves", 1))
    assert sorted((*SAVING[:2], RESTORING)) == sorted(passed_by("packs", 1))


@pytest.mark.thorough
@pytest.mark.timeout(300)
async def test_crash_at_every_place_of_a_removal_keeps_the_work(product: Product, rounds: int, tmp_path: Path) -> None:
    """The workspace is deleted, saved, purged and its save removed, while its service dies at each place."""
    for number in range(1, rounds + 1):
        await _start(product, "saves.after_taking")
        async with connected(product) as channel:
            room = await _deleted(await sign_up(product, channel))
            for place in PASSED:
                if place != "saves.after_taking":
                    await _start(product, place)
                await _until_it_died(product, place, room)
                gone = place == "saves.after_removal"  # that of the save: its time had come
                assert gone or room.is_safe(tmp_path / f"{number}-{place}"), place
            await product.start("workspace")
            await until(partial(_nothing_is_left, room))
            await product.kill("workspace")


@pytest.mark.thorough
@pytest.mark.timeout(300)
async def test_crash_at_every_place_of_a_save_in_the_database_keeps_the_work(product: Product, rounds: int) -> None:
    """The same, where rooms are reached through their runners alone; the save is restored before all goes."""
    for _ in range(rounds):
        await _start(product, SAVING[0], vaults="database")
        async with connected(product) as channel:
            room = await _deleted(await sign_up(product, channel))
            for place in SAVING:
                if place != SAVING[0]:
                    await _start(product, place, vaults="database")
                await _until_it_died(product, place, room)
                assert contents(files_of(room.person, room.workspace)) == room.held, place
            await _restore_and_compare(product, room)
            for place in list(PASSED)[1:]:
                await _start(product, place, vaults="database")
                await _until_it_died(product, place, room)
            await product.start("workspace", vaults="database")
            await until(partial(_nothing_is_stored, room))
            await product.kill("workspace")


async def _restore_and_compare(product: Product, room: Room) -> None:
    """Make a workspace of the save while the service dies at that."""
    await _start(product, RESTORING, vaults="database")
    save = await settled(room.person, room.workspace)
    request = pb.RestoreSaveRequest(save_id=save.save_id, name="again")
    made = await ask(room.person, "RestoreSave", request)
    await _until_it_died(product, RESTORING, room)
    await product.start("workspace", vaults="database")
    again = await room.person.settled(made)
    assert again.state == workspace_pb2.Workspace.ACTIVE, again.state_reason
    assert contents(files_of(room.person, again)) == room.held
    await product.kill("workspace")


async def _nothing_is_stored(room: Room) -> bool:
    url = room.person.product.installation.url("workspace_system")
    left = await query(url, "SELECT 1 FROM save_packs WHERE workspace_id = $1", room.workspace.workspace_id)
    return not left and not await saves_of(room.person, room.workspace)


async def _deleted(person: Person) -> Room:
    """Return a workspace with work in it, just deleted."""
    workspace = await person.ready_room()
    files = files_of(person, workspace)
    inner = files / "nested"
    inner.mkdir()
    await make_checkout(inner)
    await STATES["stashes"](inner)
    await STATES["staged_and_dirty"](inner)
    room = Room(person, workspace, contents(files))
    await person.delete_room(workspace)
    return room


async def _start(product: Product, place: str, **settings: str) -> None:
    """Start the service so that it dies at a place."""
    fault = f"{place}:1:kill"
    product.processes["workspace"] = await start_armed(product, "workspace", fault, sweep_seconds="0.2", **settings)


async def _until_it_died(product: Product, place: str, room: Room) -> None:
    """Let time pass until the service has come to the place."""
    process = product.processes["workspace"]

    async def dead() -> bool:
        for statement in PASSED.get(place, ()):
            await query(product.installation.url("workspace_system"), statement, room.workspace.workspace_id)
        return process.returncode is not None

    await until(dead)
    fault = f"{place}:1:kill"
    lines = said(product, fault)
    assert (process.returncode, lines[-1:]) == (-signal.SIGKILL, [f"fault: {fault}"]), lines[-20:]
    await let_claims_pass(product, "workspace")


async def _nothing_is_left(room: Room) -> bool:
    return not vault_of(room.person, room.workspace).exists() and not await saves_of(room.person, room.workspace)
