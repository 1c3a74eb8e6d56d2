"""The promises about changes as pure functions over a history and what was recorded; each returns what breaks them."""

from collections import Counter, defaultdict
from collections.abc import Sequence

from tests.support.history import History, Outcome, Row


def ledger_is_the_record(committed: Sequence[Row], recorded: Sequence[Row]) -> list[str]:
    """I1, I2: the ledger has every committed change once, in its very bytes, and nothing else; positions are dense."""
    broken = []
    positions = [row.position for row in recorded]
    if positions != list(range(1, len(positions) + 1)):
        odd = [position for at, position in enumerate(positions, 1) if position != at]
        broken.append(f"positions are not 1, 2, 3 …: the first odd one is {odd[0]}")
    expected = {row.position: row for row in committed}
    found = {row.position: row for row in recorded}
    broken += [f"position {position} is committed, not recorded" for position in sorted(expected.keys() - found.keys())]
    broken += [f"position {position} is recorded, not committed" for position in sorted(found.keys() - expected.keys())]
    broken += [
        f"position {position} was recorded with other bytes"
        for position in sorted(expected.keys() & found.keys())
        if expected[position] != found[position]
    ]
    return broken


def versions_count_up(recorded: Sequence[Row]) -> list[str]:
    """I1: the changes of each entity stand in the order of its versions, none is missing and none there twice."""
    versions: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for row in recorded:
        head = row.head
        if head.entity_id and head.entity_version:  # a refusal is of no version
            versions[head.entity_type, head.entity_id].append(head.entity_version)
    return [
        f"{kind} {entity_id} has the versions {found}"
        for (kind, entity_id), found in versions.items()
        if found != list(range(1, len(found) + 1))
    ]


def answers_are_kept(history: History, recorded: Sequence[Row]) -> list[str]:
    """I4: what was answered is recorded once, what was refused never, what got no answer at most once."""
    made = Counter((row.head.request_id, f"{row.head.entity_type}.{row.head.type}") for row in recorded)
    allowed = {Outcome.OK: {1}, Outcome.FAIL: {0}, Outcome.INFO: {0, 1}}
    return [
        f"{operation.change} ({operation.request_id}) was answered {operation.outcome} and is recorded {times} times"
        for operation in history.operations
        if (times := made[operation.request_id, operation.change]) not in allowed[operation.outcome]
    ]


def nothing_is_recorded_of(phantoms: Sequence[str], recorded: Sequence[Row]) -> list[str]:
    """I2: what rolled back, and what nobody committed, is nowhere."""
    found = {row.head.request_id for row in recorded}
    return [f"{phantom} was never committed, and is recorded" for phantom in phantoms if phantom in found]
