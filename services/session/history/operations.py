"""What changes of logs: that they are let go."""

from chassis.database import Transaction
from services.session.history import store
from services.session.history.domain import LogMonth


async def expire_month(tx: Transaction, *, month: LogMonth) -> LogMonth:
    """Note that an account's logs of a month are let go."""
    await store.insert_month(tx.connection, month)
    tx.record("expired", after=month)
    return month
