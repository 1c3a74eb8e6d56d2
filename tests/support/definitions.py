"""Definitions of any form without problems, for tests of plans."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from hypothesis import strategies as st

from services.execution.definitions.domain import Definition, OnError, Step, Type

_LOOKING = (Type.APPROVAL, Type.WORKFLOW)
_REPEATED = (Type.CODE, Type.API)
_LEAVES = (Type.NOOP, Type.WAIT, *_LOOKING, *_REPEATED)
_CONTAINERS = (Type.CONDITION, Type.LOOP, Type.PARALLEL)
_DEPTH = 3
_STEPS = 9


@dataclass
class _Drawing:
    """A definition that is being drawn."""

    draw: st.DrawFn
    numbers: Iterator[int] = field(default_factory=lambda: iter(range(_STEPS)))
    made: list[Step] = field(default_factory=list)

    def group(self, depth: int) -> tuple[str, ...]:
        """Draw some steps beside each other; returns their keys, none when there are enough."""
        keys: list[str] = []
        as_graph = self.draw(st.booleans())
        for _ in range(self.draw(st.integers(1, 4))):
            number = next(self.numbers, None)
            if number is None:
                break
            before = tuple(self.draw(st.sets(st.sampled_from(keys), max_size=2))) if as_graph and keys else ()
            self.made.append(self._step(f"s{number}", before, depth))
            keys.append(f"s{number}")
        return tuple(keys)

    def _step(self, key: str, before: tuple[str, ...], depth: int) -> Step:
        kind = self.draw(st.sampled_from(_LEAVES + _CONTAINERS if depth < _DEPTH else _LEAVES))
        inside = self.group(depth + 1) if kind in _CONTAINERS else ()
        if kind in _CONTAINERS and not inside:
            kind = Type.NOOP
        otherwise = self.group(depth + 1) if kind is Type.CONDITION else ()
        retry_count = self.draw(st.integers(0, 2)) if kind in _REPEATED else 0
        on_error = OnError.RETRY if retry_count else self.draw(st.sampled_from((OnError.FAIL, OnError.CONTINUE)))
        return Step(
            key,
            kind,
            depends_on=before,
            retry_count=retry_count,
            on_error=on_error,
            concurrency=self.draw(st.integers(1, 3)),
            then=inside if kind is Type.CONDITION else (),
            otherwise=otherwise,
            steps=() if kind is Type.CONDITION else inside,
        )


@st.composite
def definitions(draw: st.DrawFn) -> Definition:
    """Draw a definition of a few steps, some inside others, in a row or by what they depend on."""
    drawing = _Drawing(draw)
    drawing.group(0)
    return Definition(tuple(sorted(drawing.made, key=lambda step: int(step.key[1:]))))
