"""Packs, and which of them rest on others."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from services.workspace.packs.errors import PackLost

LONGEST_CHAIN = 20
"""Packs that are read to restore one save, at most."""


@dataclass(frozen=True, slots=True)
class Pack:
    """What a save holds and `base_id` does not.

    `facts` say what there is in the save, as JSON; None until all bytes of the pack are there.
    """

    pack_id: UUID
    account_id: UUID
    workspace_id: UUID
    save_id: UUID
    base_id: UUID | None = None
    commit_id: str = ""
    size_bytes: int = 0
    sha256: bytes = b""
    facts: str | None = None

    def expect_all(self, stored_bytes: int) -> None:
        """Raise PackLost unless as many bytes are stored as there are."""
        if stored_bytes != self.size_bytes:
            raise PackLost(self.pack_id)


def is_base(chain: Sequence[Pack]) -> bool:
    """Whether the next save may rest on the last pack of a chain.

    What changed is stored until it is as much as everything was: then it costs less to begin a chain anew, of which the
    one before it can be removed.
    """
    if not chain or any(pack.facts is None for pack in chain) or len(chain) >= LONGEST_CHAIN:
        return False
    whole, *changed = chain
    return sum(pack.size_bytes for pack in changed) < whole.size_bytes
