"""What callers are told when the database is lost in the middle of something."""

import asyncpg
import pytest

from chassis.database import FAILURES, translated
from chassis.errors import DatabaseUnavailable

LOST = [
    ConnectionRefusedError(),
    TimeoutError(),
    asyncpg.ConnectionDoesNotExistError(),
    asyncpg.InterfaceError("the connection is closed"),
    asyncpg.InternalClientError("cannot switch to state 15; another operation (2) is in progress"),
]


@pytest.mark.parametrize("raised", LOST, ids=lambda raised: type(raised).__name__)
def test_translated_lost_connection_is_unavailable(raised: Exception) -> None:
    """Loops go on after each of these, and callers may try again."""
    assert isinstance(raised, FAILURES)
    assert isinstance(translated(raised), DatabaseUnavailable)
