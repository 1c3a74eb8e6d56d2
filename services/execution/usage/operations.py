"""Notes of what answers of models took, which are no changes of resources."""

from chassis.database import Transaction
from services.execution.usage import store
from services.execution.usage.domain import ModelUse


async def note_use(tx: Transaction, *, use: ModelUse) -> None:
    """Keep what an answer took."""
    await store.insert_use(tx.connection, use)
