"""What a save's state asks of the world: SAVING to be taken, DELETED to be gone."""

from collections.abc import Callable
from dataclasses import dataclass

from chassis import faults
from chassis.database import Database
from chassis.errors import Unavailable
from chassis.reconcile import Claim
from services.workspace.saves import operations, queries
from services.workspace.saves.domain import Save, State
from services.workspace.saves.vaults import Refused, Vaults

ATTEMPTS = 5
"""Times that a save is tried which does not come to an end, before it counts as failed."""

_AFTER_TAKING = faults.Point("saves.after_taking", "All is saved, and the save is still SAVING.")
_AFTER_REMOVAL = faults.Point("saves.after_removal", "A deleted save's bytes are gone, and its row is due.")


@dataclass(frozen=True, slots=True)
class Taking:
    """Takes saves and removes them; `wake` is called when one of a workspace is settled, which may wait for that."""

    database: Database
    vaults: Vaults
    wake: Callable[[], None]

    async def reconcile(self, claim: Claim) -> float | None:
        """Bring what is stored in line with a save's row. Safe to repeat."""
        save = await self.database.read(claim.actor, queries.load_save, save_id=claim.entity_id)
        if save.state is State.SAVING:
            await self._take(claim, save)
        elif save.state is State.DELETED:
            await self.vaults.remove(claim.actor, save)
            _AFTER_REMOVAL.reach()
        return None

    async def _take(self, claim: Claim, save: Save) -> None:
        try:
            facts = await self.vaults.take(claim.actor, save)
        except Refused as refusal:
            await self._fail(claim, save, str(refusal))
        except Unavailable as exc:
            if claim.attempts < ATTEMPTS:
                raise
            await self._fail(claim, save, exc.message)
        else:
            _AFTER_TAKING.reach()
            await self.database.write(claim.actor, operations.complete_save, save_id=save.save_id, facts=facts)
        self.wake()

    async def _fail(self, claim: Claim, save: Save, reason: str) -> None:
        await self.database.write(claim.actor, operations.fail_save, save_id=save.save_id, reason=reason)
