"""The spool on a real disk: order, trimming, fullness, and what is left after a crash."""

# Looking at a file for a moment blocks nobody but the test itself:

from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path

import pytest

from runner.errors import OutputTrimmed
from runner.record import RecordType
from runner.spool import Spool

LIMIT = 64 * 1024
BODY = b"x" * 1000


@pytest.fixture
def executor() -> Iterator[Executor]:
    """The one thread that syncs."""
    with ThreadPoolExecutor(1) as pool:
        yield pool


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the spool goes."""
    return tmp_path / "spool"


async def _all(spool: Spool, after: int = 0) -> list[int]:
    found: list[int] = []
    while records := await spool.read(found[-1] if found else after):
        found += [record.sequence for record in records]
    return found


async def test_read_lagging_reader_gets_everything_from_disk(folder: Path, executor: Executor) -> None:
    """Records that left memory are read from their files, in order."""
    spool = Spool.create(folder, executor, 100 * LIMIT)
    for number in range(1500):
        spool.append(RecordType.OUTPUT, [b"%d" % number * 100])
    assert await _all(spool) == list(range(1, 1501))
    assert await _all(spool, 700) == list(range(701, 1501))
    await spool.close()


async def test_reopen_after_a_crash_has_everything_written(folder: Path, executor: Executor) -> None:
    """What `write` took is there without any close, and ends where it ended."""
    spool = Spool.create(folder, executor, LIMIT)
    written = spool.append(RecordType.OUTPUT, [BODY] * 40)
    left = Spool.reopen(folder, executor)
    assert await left.read(0) == written
    assert (left.end_sequence, left.end_offset) == (40, 40_000)
    assert not await left.wait(40)
    await spool.close()


@pytest.mark.parametrize("cut", [1, 500, 1010])
async def test_reopen_torn_tail_is_cut(folder: Path, executor: Executor, cut: int) -> None:
    """A last record that is cut short, or spoilt, does not exist; those before it do."""
    spool = Spool.create(folder, executor, 100 * LIMIT)
    spool.append(RecordType.OUTPUT, [BODY] * 5)
    await spool.close()
    (segment,) = folder.glob("*.records")
    segment.write_bytes(segment.read_bytes()[:-cut])
    left = Spool.reopen(folder, executor)
    assert left.end_sequence == 4
    assert await _all(left) == [1, 2, 3, 4]


async def test_reopen_spoilt_record_hides_what_follows(folder: Path, executor: Executor) -> None:
    """Nothing behind a gap is shown, because it would stand at a wrong place."""
    spool = Spool.create(folder, executor, LIMIT)
    for _ in range(60):
        spool.append(RecordType.OUTPUT, [BODY])
    await spool.close()
    first, *_ = sorted(folder.glob("*.records"))
    content = bytearray(first.read_bytes())
    content[2500] ^= 1
    first.write_bytes(content)
    left = Spool.reopen(folder, executor)
    assert await _all(left) == [1, 2]


async def test_acknowledge_drops_whole_files(folder: Path, executor: Executor) -> None:
    """Space comes back, and a reader that asks for dropped records is told."""
    spool = Spool.create(folder, executor, LIMIT)
    for _ in range(1200):
        spool.append(RecordType.OUTPUT, [BODY])
    files = len(list(folder.glob("*.records")))
    assert spool.full
    spool.acknowledge(1160)
    assert not spool.full
    assert len(list(folder.glob("*.records"))) < files
    with pytest.raises(OutputTrimmed):
        await spool.read(0)
    assert (await _all(spool, 1160))[0] == 1161
    await spool.close()


async def test_append_on_a_full_disk_writes_nothing(folder: Path, executor: Executor) -> None:
    """A refused record leaves neither half of itself nor a gap in the numbers."""
    spool = Spool.create(folder, executor, LIMIT)
    spool.append(RecordType.OUTPUT, [BODY])
    full = open("/dev/full", "ab", buffering=0)  # noqa: SIM115, PTH123, ASYNC230  # the kernel's own full disk
    with full, pytest.MonkeyPatch.context() as patch:
        patch.setattr(spool, "_descriptor", full.fileno())
        with pytest.raises(OSError):  # noqa: PT011  # which one depends on the disk
            spool.append(RecordType.OUTPUT, [BODY])
    assert spool.end_sequence == 1
    assert spool.append(RecordType.OUTPUT, [BODY])[0].sequence == 2
    await spool.close()
    assert await _all(Spool.reopen(folder, executor)) == [1, 2]
