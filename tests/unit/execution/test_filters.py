"""Filters of jq: what they give, and that they see nothing else and keep nobody busy."""

from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from chassis import ids
from services.execution.expressions import Evaluation
from services.execution.filters import FilterFailed, Filters


@pytest_asyncio.fixture
async def filters() -> AsyncIterator[Filters]:
    """Return filters, and end what runs them."""
    evaluation = Evaluation()
    yield evaluation.of(ids.new()).filters
    await evaluation.close()


async def failure(filters: Filters, text: str, value: Any = None) -> str:
    """Return why a filter gives no value."""
    with pytest.raises(FilterFailed) as raised:
        await filters.run(text, value)
    return str(raised.value)


async def test_filter_gives_one_value_and_is_checked_before(filters: Filters) -> None:
    """What is wrong with it is told; none and several values are no value."""
    assert await filters.run("[.items[] | select(.n > 1) | .n]", {"items": [{"n": 1}, {"n": 2}]}) == [2]
    assert await filters.run("empty // null", None) is None
    assert await filters.problem_of(".a | map(.b)") == ""
    assert "syntax error" in await filters.problem_of(".a |")
    assert "no value" in await failure(filters, "empty")
    assert "more than one" in await failure(filters, ".[]", [1, 2])
    assert "Cannot index" in await failure(filters, ".a.b", {"a": 1})


async def test_filter_that_never_ends_or_takes_all_memory_is_ended(filters: Filters) -> None:
    """The next one is answered all the same."""
    assert "more than 2 s" in await failure(filters, "[limit(1; repeat(.) | select(false))]", 1)
    assert await filters.run(".", 1) == 1
    assert "memory" in await failure(filters, "[range(1e9)] | length")
    assert await filters.run(".", 2) == 2


async def test_filter_whose_process_ends_because_of_others_is_run_in_another_one(filters: Filters) -> None:
    """What was asked before may have left it no memory, and that is nobody's fault who asks later."""
    for value in range(3):
        assert await filters.run(".", value) == value
        assert filters.child.process is not None
        filters.child.process.kill()


async def test_filter_that_gives_what_is_too_deep_says_so_however_deep(filters: Filters) -> None:
    """Also where its own process can still write it, and the one that asks cannot read it."""
    for depth in range(880, 1010, 10):
        with suppress(FilterFailed):
            await filters.run(f"reduce range({depth}) as $each (1; [.])", None)
    assert "memory" in await failure(filters, "reduce range(1500) as $each (1; [.])")
    assert await filters.run(".", 1) == 1


async def test_filter_sees_no_file_and_no_environment(filters: Filters, tmp_path: Path) -> None:
    """What could be imported is not there."""
    (tmp_path / "secret.json").write_text('"secret"')
    imported = f'import "secret" as $found {{search: "{tmp_path}"}}; $found'
    missing = await filters.problem_of(imported.replace('"secret"', '"missing"'))
    assert await filters.problem_of(imported) == missing
    assert "nothing to import" in missing
    assert await filters.run("[env, $ENV]", None) == [{}, {}]
