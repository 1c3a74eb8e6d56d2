"""The records that a feed holds in memory."""

import asyncio
from datetime import UTC, datetime

import pytest

from services.session.sessions.live.ring import LIMIT, TAIL, Ring
from services.session.sessions.log import Copy, Record, RecordType
from tests.support.waiting import PATIENCE

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def output(sequence: int, size: int = 10) -> Record:
    """Return a record of output, as if all before it had the same size."""
    return Record(sequence, (sequence - 1) * size, NOW, RecordType.OUTPUT, b"x" * size)


def test_after_returns_what_follows_and_none_below_what_is_held() -> None:
    """Below the ring a reader must ask the database; at its end there is nothing yet."""
    ring = Ring(5, 50)
    ring.extend([output(6), output(7), output(8)])
    assert [record.sequence for record in ring.after(6, 1_000_000) or ()] == [7, 8]
    assert ring.after(8, 1_000_000) == []
    assert ring.after(4, 1_000_000) is None
    assert (ring.first, ring.last, ring.end_offset) == (6, 8, 80)


def test_extend_drops_repetitions_and_refuses_a_gap() -> None:
    """A stream that begins again may repeat records, but may not skip one."""
    ring = Ring(0, 0)
    ring.extend([output(1), output(2)])
    ring.extend([output(1), output(2), output(3)])
    assert ring.last == 3
    with pytest.raises(ValueError, match="5 does not follow 3"):
        ring.extend([output(5)])


def test_store_keeps_a_tail_and_everything_that_is_not_stored() -> None:
    """Memory is freed from the front, never what PostgreSQL does not have."""
    ring = Ring(0, 0)
    ring.extend(output(sequence, 16_000) for sequence in range(1, 101))
    assert ring.first == 1
    ring.store(90)
    assert 80 < ring.first <= 91
    assert [record.sequence for record in ring.unstored(10**9)] == list(range(91, 101))
    ring.store(100)
    assert (100 - ring.first + 1) * 16_000 <= TAIL + 16_000
    assert ring.unstored(10**9) == []


async def test_room_is_gone_at_the_limit_and_back_once_stored() -> None:
    """A database that is away makes the runner's spool take the output, not memory."""
    ring = Ring(0, 0)
    count = LIMIT // 16_000 + 1
    ring.extend(output(sequence, 16_000) for sequence in range(1, count + 1))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await ring.room()
    ring.store(count)
    async with asyncio.timeout(PATIENCE):
        await ring.room()


def test_restart_behind_what_another_process_stored_forgets_what_is_older() -> None:
    """Records that were trimmed under a follower are read from the database instead."""
    ring = Ring(0, 0)
    ring.extend([output(1), output(2)])
    ring.restart(10, 100)
    assert (ring.first, ring.last, ring.stored, ring.end_offset) == (11, 10, 10, 100)
    ring.extend([output(11)])
    ring.restart(10, 100)
    assert (ring.last, ring.stored) == (11, 10)


def test_copy_takes_the_newest_title_and_the_exit_from_its_records() -> None:
    """A title is text of a program: whatever it holds, it can be stored."""
    records = (
        Record(1, 0, NOW, RecordType.TITLE, b"old"),
        Record(2, 0, NOW, RecordType.TITLE, b"n\xffe\0w"),
        Record(3, 0, NOW, RecordType.EXIT, exit_code=4),
    )
    copy = Copy(session_id=None, account_id=None, copier_epoch=1, head_sequence=0, records=records)  # type: ignore[arg-type]  # not looked at
    assert copy.title == "n\ufffdew"
    assert copy.shell_exit is not None
    assert copy.shell_exit.code == 4
