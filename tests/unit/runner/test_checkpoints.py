"""When the screen of a terminal is kept: fed by hand, with the real model."""

import asyncio

from stateroom.terminal.v1.screen_pb2 import Screen

from runner.checkpoints import MUCH, WORTH, Checkpoints
from runner.ghostty import Ghostty
from runner.model import Model
from tests.support.waiting import PATIENCE

LINE = b"The quick brown fox jumps over the lazy dog.\r\n"


class Log:
    """A log that holds output and screens, and the terminal that is fed with it."""

    def __init__(self) -> None:
        self.output = bytearray()
        self.screens: list[Screen] = []
        self.kept = asyncio.Event()
        self.model = Model(80, 24, lambda _: None)
        self.checkpoints = Checkpoints(self.model, lambda: len(self.output), self._keep)

    def prints(self, data: bytes) -> None:
        """Print."""
        self.output += data
        self.model.feed(data)
        self.checkpoints.fed(len(data))

    async def until_kept(self) -> Screen:
        """Wait for a screen."""
        await asyncio.wait_for(self.kept.wait(), PATIENCE)
        self.kept.clear()
        return self.screens[-1]

    def _keep(self, data: bytes) -> bool:
        self.screens.append(Screen.FromString(data))
        self.kept.set()
        return True


async def test_fed_much_output_is_kept_without_a_pause() -> None:
    """Where it is between two sequences, at an offset that goes on from it."""
    log = Log()
    log.prints(LINE * (MUCH // len(LINE)) + b"\x1b[3")
    assert not log.screens
    log.prints(b"1mred" + LINE * 200)
    assert [screen.offset for screen in log.screens] == [len(log.output)]
    log.prints(b"more")
    late = Ghostty(80, 24)
    late.feed(log.screens[0].data + b"more")
    assert late.formatted(plain=True).decode() == log.model.screen(0).text  # type: ignore[union-attr]  # at ground


async def test_fed_some_output_is_kept_soon_and_little_is_not() -> None:
    """A prompt is not worth a screen; a page is, and another screen and another size are."""
    log = Log()
    log.prints(b"$ ")
    log.prints(LINE * (WORTH // len(LINE) + 1))
    first = await log.until_kept()
    assert first.offset == len(log.output)
    log.prints(b"\x1b[?1049h\x1b[Hfull")
    second = await log.until_kept()
    assert (second.alternate_screen, second.text) == (True, "full")
    log.prints(b"\x1b[?1049l")
    assert not (await log.until_kept()).alternate_screen
    log.model.resize(100, 30)
    log.checkpoints.resized()
    assert (await log.until_kept()).columns == 100
    log.prints(b"$ ")
    assert len(log.screens) == 4


async def test_make_in_the_middle_of_a_sequence_waits_for_its_end() -> None:
    """Also when nothing but the rest of the sequence follows."""
    log = Log()
    log.prints(b"\x1b[?1049hfull\x1b]2;a tit")
    log.checkpoints.make()
    assert not log.screens
    log.prints(b"le\x07")
    assert (await log.until_kept()).title == "a title"


async def test_make_without_news_keeps_nothing() -> None:
    """The screen at the end is not kept twice."""
    log = Log()
    log.checkpoints.make()
    log.prints(b"x")
    log.checkpoints.make()
    log.checkpoints.make()
    assert [screen.text for screen in log.screens] == ["x"]
