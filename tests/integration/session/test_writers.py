"""I10: devices take control from one another as fast as they can; each typed line is one device's, whole and once."""

import asyncio
from contextlib import AsyncExitStack
from functools import partial
from itertools import groupby

import pytest
from stateroom.session.v1 import attach_pb2 as pb

from tests.support.screens import Screen, attach
from tests.support.stage import Stage
from tests.support.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")  # that of the stage they share

DEVICES, TURNS, LINES = 10, 10, 3


class Racer:
    """A device that wants to type."""

    def __init__(self, name: str, screen: Screen) -> None:
        self.name = name
        self._screen = screen
        self._granted = asyncio.Queue[None]()

    async def read(self) -> None:
        """Hear when it is given control, until the session ends."""
        while kind := await self._screen.step():
            if kind == "role_changed" and self._screen.others[-1].role_changed.role == pb.CONTROLLER:
                self._granted.put_nowait(None)

    async def race(self) -> None:
        """Take control again and again, and type some lines each time."""
        for turn in range(TURNS):
            await self.type(*(f"{self.name} {turn * LINES + line}\n" for line in range(LINES)))

    async def type(self, *lines: str) -> None:
        """Take control and type."""
        await self._screen.send(take_control=pb.AttachSessionRequest.TakeControl())
        await self._granted.get()
        for line in lines:
            await self._screen.type(line)


async def _has_printed(screen: Screen, words: bytes) -> bool:
    return words in screen.output


@pytest.mark.invariant("I10")
async def test_attach_session_ten_devices_race_for_control_one_types_at_a_time(stage: Stage, other: Stage) -> None:
    """Half of them come through another replica. Nobody's lines go between those of one turn of somebody else."""
    session = await stage.create()
    async with AsyncExitStack() as opened:
        screens = [
            await opened.enter_async_context(attach((stage, other)[number % 2], session.session_id, role=pb.OBSERVER))
            for number in range(DEVICES)
        ]
        racers = [Racer(f"device-{number}", screen) for number, screen in enumerate(screens)]
        async with asyncio.TaskGroup() as reading:
            for racer in racers:
                reading.create_task(racer.read())
            await racers[0].type("stty -echo; echo rea''dy; cat > typed\n")  # who loses control is not heard any more
            await until(partial(_has_printed, screens[0], b"ready\r\n"))
            async with asyncio.TaskGroup() as racing:
                for racer in racers:
                    racing.create_task(racer.race())
            async with attach(stage, session.session_id, role=pb.CONTROLLER, take_over=True) as last:
                await last.type("\x04echo from here; cat typed; exit\n")
                await last.until_told("ended")
        _, _, typed = bytes(screens[0].output).rpartition(b"from here\r\n")
        assert len({bytes(screen.output) for screen in screens}) == 1
    lines = [line.split() for line in typed.decode().split("\r\n")[:-1] if line != "exit"]
    turns = [name for name, _ in groupby(lines, key=lambda line: line[0])]
    for racer in racers:
        numbers = [int(number) for name, number in lines if name == racer.name]
        assert numbers == sorted(set(numbers)), racer.name
        assert turns.count(racer.name) <= TURNS, racer.name
    assert len(turns) > DEVICES
