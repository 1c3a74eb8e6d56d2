"""The form of records on disk."""

import pytest

from runner.record import Exit, Record, RecordType, decode, encode_header, exit_of, pack_exit

RECORD = Record(7, 4096, 1_700_000_000_123_456_789, RecordType.OUTPUT, b"\0\xff text")


def test_decode_whole_record_is_the_one_encoded() -> None:
    """Nothing changes on the way to disk and back, also behind other bytes."""
    assert decode(b"before" + encode_header(RECORD) + RECORD.body, 6) == RECORD


@pytest.mark.parametrize("cut", range(1, 40, 3))
def test_decode_torn_record_is_none(cut: int) -> None:
    """A record that lacks bytes at its end is no record."""
    assert decode((encode_header(RECORD) + RECORD.body)[:-cut], 0) is None


@pytest.mark.parametrize("position", range(len(encode_header(RECORD)) + len(RECORD.body)))
def test_decode_flipped_bit_is_none(position: int) -> None:
    """The checksum covers every byte."""
    data = bytearray(encode_header(RECORD) + RECORD.body)
    data[position] ^= 4
    assert decode(bytes(data), 0) is None


@pytest.mark.parametrize(
    "ended", [Exit(code=0), Exit(code=255, reason="shutdown"), Exit(signal=9, reason="signal"), Exit()]
)
def test_exit_of_packed_exit_is_the_same(ended: Exit) -> None:
    """Code 0, a signal and an unknown end stay apart."""
    assert exit_of(Record(1, 0, 0, RecordType.EXIT, pack_exit(ended))) == ended
