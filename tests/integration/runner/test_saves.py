"""A room is saved as packs, and made again of them elsewhere, for a service that does not reach its disk."""

import asyncio
import fcntl
import os
import shutil
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stateroom.runner.v1 import save_service_pb2 as pb

from chassis import ids, processes
from chassis.errors import ServiceUnavailable
from runner.errors import SaveRefused
from runner.sandbox import Level, Sandbox
from runner.saves import Saves
from tests.support.checkouts import COMBINED, STATES, as_git_sees_it, contents, make_checkout
from tests.support.examples import examples
from tests.support.waiting import until

LIMIT = 1 << 30


@dataclass(frozen=True, slots=True)
class Taken:
    """What a runner sent of a save."""

    facts: pb.SaveFacts
    pack: bytes


@dataclass(slots=True)
class Room:
    """A room, and a chain of its saves as the service would keep it."""

    folder: Path
    saves: Saves = field(init=False)
    chain: list[Taken] = field(default_factory=list)

    def __post_init__(self) -> None:
        (self.folder / "home").mkdir(parents=True)
        self.saves = Saves(Sandbox(Level.PROCESS, self.folder, ()))

    @property
    def files(self) -> Path:
        """The directory."""
        return self.folder / "files"

    async def take(self, *, size_limit: int = LIMIT, base: str | None = None) -> Taken:
        """Take a save that rests on the one before it."""
        before = self.chain[-1].facts.commit if self.chain else ""
        request = pb.TakeSaveRequest(
            save_id=str(ids.new()),
            base_commit=before if base is None else base,
            size_limit=size_limit,
            with_ignored=True,
        )
        parts = [part async for part in self.saves.take(request)]
        taken = Taken(parts[-1].facts, b"".join(part.data for part in parts))
        self.chain = [*(self.chain if taken.facts.based else ()), taken]
        return taken

    async def restore(self, chain: Sequence[Taken], *, restoration: str = "one", data: bytes | None = None) -> str:
        """Make the directory of the last save of a chain."""
        first = pb.RestoreSaveRequest(
            save_id="saved",
            restoration=restoration,
            commit=chain[-1].facts.commit,
            pack_bytes=[len(taken.pack) for taken in chain],
        )
        sent = b"".join(taken.pack for taken in chain) if data is None else data
        return await self.saves.restore(first, _sent(sent))


async def _sent(data: bytes) -> AsyncIterator[pb.RestoreSaveRequest]:
    for at in range(0, len(data), 1 << 20):
        yield pb.RestoreSaveRequest(data=data[at : at + (1 << 20)])


@pytest.fixture
def room(tmp_path: Path) -> Room:
    """A room with two files."""
    room = Room(tmp_path / "room")
    (room.files / "folder").mkdir(parents=True)
    (room.files / "folder" / "one").write_text("one\n")
    (room.files / "two").write_text("two\n" * 1000)
    return room


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout to copy: git needs longer to make one."""
    folder = tmp_path_factory.mktemp("plain") / "files"
    folder.mkdir()
    asyncio.run(make_checkout(folder))
    return folder


async def test_save_of_any_git_states_and_the_next_one_are_given_back_elsewhere_as_they_were(
    plain: Path, tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> None:
    """Whatever somebody did before and between: bytes, rights and links are the same, and git sees the same."""
    states = st.lists(st.sampled_from(COMBINED), min_size=1, max_size=2, unique=True)

    @examples(pytestconfig, 2)
    @given(states, states)
    def whatever_was_done(first: list[str], then: list[str]) -> None:
        asyncio.run(_save_and_compare(plain, tmp_path_factory.mktemp("mixed"), first, then))

    await asyncio.to_thread(whatever_was_done)


@pytest.mark.thorough
@pytest.mark.parametrize("state", STATES)
async def test_save_of_each_git_state_is_given_back_elsewhere_as_it_was(
    plain: Path, tmp_path: Path, state: str
) -> None:
    """Also those in which git cannot go on."""
    await _save_and_compare(plain, tmp_path, [state], ["clean"])


async def _save_and_compare(plain: Path, folder: Path, *changes: Sequence[str]) -> None:
    room, other = Room(folder / "room"), Room(folder / "other")
    shutil.copytree(plain, room.files)
    for number, states in enumerate(changes):
        for state in states:
            with suppress(AssertionError, FileNotFoundError, FileExistsError):  # git refused what came before
                await STATES[state](room.files)
        await room.take()
        held, seen = contents(room.files), await as_git_sees_it(room.files)
        await other.restore(room.chain, restoration=str(number))
        (folder / "aside").mkdir(exist_ok=True)
        room.files.rename(folder / "aside" / "files")
        other.files.rename(room.files)  # git writes its place into submodules
        assert contents(room.files) == held
        assert await as_git_sees_it(room.files) == seen
        shutil.rmtree(folder / "aside")
    assert len(room.chain) == len(changes)


async def test_take_save_after_another_sends_what_changed(room: Room, tmp_path: Path) -> None:
    """The second pack is small, and of no use alone; where the first is lost all is sent again."""
    (room.files / "large").write_bytes(bytes(3 << 20) + ids.new().bytes)
    whole = await room.take()
    (room.files / "two").write_text("changed\n")
    changed = await room.take()
    assert (whole.facts.based, changed.facts.based) == (False, True)
    assert len(changed.pack) < 2000
    other = Room(tmp_path / "other")
    with pytest.raises(SaveRefused):
        await other.restore([changed])
    assert not other.files.exists()
    await other.restore([whole, changed], restoration="two")
    assert contents(other.files) == contents(room.files)
    shutil.rmtree(room.folder / "vault.git")
    assert not (await room.take()).facts.based


async def test_take_save_of_more_than_it_may_hold_is_refused_until_there_is_less(room: Room) -> None:
    """It says why; what was begun is of no use and is not kept for the next."""
    with pytest.raises(SaveRefused, match="it holds more than 100 bytes, as counted up to two of 4000"):
        await room.take(size_limit=100)
    (room.files / "two").unlink()
    assert (await room.take(size_limit=100)).facts.files == 1


async def test_take_save_twice_is_the_save_that_was_taken_first(room: Room) -> None:
    """An answer that was lost is given again, whatever was done meanwhile."""
    request = pb.TakeSaveRequest(save_id=str(ids.new()), size_limit=LIMIT, with_ignored=True)
    first = [part async for part in room.saves.take(request)]
    (room.files / "two").unlink()
    again = [part async for part in room.saves.take(request)]
    assert again[-1].facts.commit == first[-1].facts.commit


async def test_restore_save_that_is_damaged_or_cut_short_leaves_the_room_as_it_was(room: Room, tmp_path: Path) -> None:
    """Nothing is to be seen of it before all of it is there; asked for again as it should be, it is."""
    taken = await room.take()
    other = Room(tmp_path / "other")
    other.files.mkdir()
    (other.files / "mine").touch()
    damaged = taken.pack[:-30] + bytes(10) + taken.pack[-20:]
    for data in (damaged, taken.pack[:-1], b""):
        with pytest.raises(SaveRefused):
            await other.restore([taken], data=data)
        assert list(contents(other.files)) == ["mine"]
    await other.restore([taken])
    assert contents(other.files) == contents(room.files)
    assert not (other.folder / "restored.git").exists()


async def test_restore_save_that_was_restored_leaves_what_was_done_since(room: Room, tmp_path: Path) -> None:
    """Whoever died before it could say so asks again; somebody may work there by then."""
    taken = await room.take()
    other = Room(tmp_path / "other")
    await other.restore([taken])
    (other.files / "since").touch()
    await other.restore([taken])
    assert (other.files / "since").exists()
    await other.restore([taken], restoration="another")
    assert not (other.files / "since").exists()


@contextmanager
def _vault_held(room: Room) -> Iterator[Callable[[], Awaitable[bool]]]:
    """Keep everybody from the room's vault; gives a check whether a process of ours waits for it."""
    with (room.folder / "vault.git.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)

        async def waits() -> bool:
            return bool(_processes())

        yield waits


def _processes() -> list[int]:
    return [key.pid for key in processes.descendants(os.getpid()) if b"runner.snapshot" in _command(key.pid)]


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:  # it has just ended
        return b""


async def test_take_save_whose_process_dies_is_taken_again(room: Room) -> None:
    """A process that ends without an answer is no refusal; whoever asks again gets all of it."""
    with _vault_held(room) as waits:
        async with asyncio.TaskGroup() as group:
            asked = group.create_task(_expect_unavailable(room))
            await until(waits)
            os.kill(_processes()[0], signal.SIGKILL)
            await asked
    assert (await room.take()).facts.files == 2


async def _expect_unavailable(room: Room) -> None:
    with pytest.raises(ServiceUnavailable):
        await room.take()


async def test_take_save_whose_caller_hangs_up_leaves_no_process_and_frees_the_room(room: Room) -> None:
    """A service that was killed asks again, through another process."""
    with _vault_held(room) as waits:
        async with asyncio.TaskGroup() as group:
            asked = group.create_task(room.take())
            await until(waits)
            asked.cancel()
        assert not _processes()
    assert (await room.take()).facts.files == 2
