"""A page of a log whose output was joined, back in the order of its records."""

from collections.abc import Sequence
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from services.session.sessions.log import Record, RecordType, cut

NOW = datetime(2026, 1, 1, tzinfo=UTC)
OTHERS = (RecordType.RESIZE, RecordType.TITLE, RecordType.EXIT)
RECORDS = st.lists(st.binary(min_size=1, max_size=3) | st.sampled_from(OTHERS), max_size=8)


def _log(parts: Sequence[bytes | RecordType]) -> list[Record]:
    records: list[Record] = []
    offset = 7
    for sequence, part in enumerate(parts, 4):
        kind, data = (RecordType.OUTPUT, part) if isinstance(part, bytes) else (part, b"")
        records.append(Record(sequence, offset, NOW, kind, data))
        offset = records[-1].end_offset
    return records


def _joined(records: Sequence[Record]) -> list[Record]:
    output = [record for record in records if record.type is RecordType.OUTPUT]
    data = b"".join(record.data for record in output)
    joined = [Record(output[-1].sequence, output[0].offset, NOW, RecordType.OUTPUT, data)] if output else []
    others = [record for record in records if record.type is not RecordType.OUTPUT]
    return sorted(joined + others, key=lambda record: record.sequence)


def _runs(records: Sequence[Record]) -> list[Record]:
    runs: list[Record] = []
    for record in records:
        if runs and runs[-1].type is record.type is RecordType.OUTPUT:
            data = runs.pop().data + record.data
            record = Record(record.sequence, record.end_offset - len(data), NOW, RecordType.OUTPUT, data)  # noqa: PLW2901  # grown
        runs.append(record)
    return runs


@given(RECORDS)
def test_cut_a_page_of_any_records_gives_runs_of_output_between_the_others(parts: list[bytes | RecordType]) -> None:
    """Each run of output is one record with the run's last sequence; the others stay where they were."""
    records = _log(parts)
    assert list(cut(_joined(records))) == _runs(records)
