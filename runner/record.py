"""The records of a terminal's log and their form on disk: header, checksum, body."""

import struct
import zlib
from dataclasses import dataclass
from enum import IntEnum

MAXIMUM_OUTPUT = 16 * 1024
"""Bytes of output in one record: the contract's limit."""

MAXIMUM_SCREEN = 1024 * 1024
"""Bytes of a screen in one record: a screen of 300 by 100 cells, each with colours of its own, has about as many."""

MAXIMUM_BODY = MAXIMUM_SCREEN
"""Bytes of a body that a reader believes; a longer length is a torn header."""

# crc32, length of the body, sequence, offset, nanoseconds since 1970, type
_HEADER = struct.Struct("<IIQQQB")
_CRC = struct.Struct("<I")
_SIZE = struct.Struct("<HH")
_EXIT = struct.Struct("<Bi")
HEADER_SIZE = _HEADER.size


class RecordType(IntEnum):
    """What a record is; the numbers are those of the contract."""

    OUTPUT = 1
    RESIZE = 2
    TITLE = 3
    EXIT = 4
    SCREEN = 5
    BELL = 6
    PROGRESS = 7


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a terminal's log.

    Attributes:
        sequence: 1, 2, 3 … without a gap.
        offset: for OUTPUT that of its first byte, else the end of the output before it.
        time: nanoseconds since 1970.
        body: OUTPUT and TITLE: the bytes; RESIZE and EXIT: packed, see `size_of` and `exit_of`; SCREEN and PROGRESS:
            the message of the contract, as it is sent.
    """

    sequence: int
    offset: int
    time: int
    type: RecordType
    body: bytes

    @property
    def end_offset(self) -> int:
        """The offset after this record."""
        return self.offset + len(self.body) if self.type is RecordType.OUTPUT else self.offset


@dataclass(frozen=True, slots=True)
class Exit:
    """How a shell ended: exactly one of `code` and `signal`, or neither when nobody knows.

    Attributes:
        reason: what the one who ended it gave as reason; empty when it ended by itself.
    """

    code: int | None = None
    signal: int | None = None
    reason: str = ""


def pack_size(columns: int, rows: int) -> bytes:
    """Return the body of a RESIZE record."""
    return _SIZE.pack(columns, rows)


def size_of(record: Record) -> tuple[int, int]:
    """Return columns and rows of a RESIZE record."""
    columns, rows = _SIZE.unpack(record.body)
    return columns, rows


def pack_exit(ended: Exit) -> bytes:
    """Return the body of an EXIT record."""
    if ended.code is not None:
        return _EXIT.pack(1, ended.code) + ended.reason.encode()
    if ended.signal is not None:
        return _EXIT.pack(2, ended.signal) + ended.reason.encode()
    return _EXIT.pack(0, 0) + ended.reason.encode()


def exit_of(record: Record) -> Exit:
    """Return what an EXIT record says."""
    how, number = _EXIT.unpack_from(record.body)
    reason = record.body[_EXIT.size :].decode()
    return Exit(code=number if how == 1 else None, signal=number if how == 2 else None, reason=reason)  # noqa: PLR2004 the tags of `pack_exit`


def encode_header(record: Record) -> bytes:
    """Return the bytes that stand before the body; the checksum covers the rest of them and the body."""
    header = _HEADER.pack(0, len(record.body), record.sequence, record.offset, record.time, record.type)
    checksum = zlib.crc32(record.body, zlib.crc32(header[_CRC.size :]))
    return _CRC.pack(checksum) + header[_CRC.size :]


def decode(data: bytes, position: int) -> Record | None:
    """Return the record that begins at `position`, or None where it is cut short or its checksum is wrong."""
    start = position + HEADER_SIZE
    if len(data) < start:
        return None
    checksum, length, sequence, offset, time, type_ = _HEADER.unpack_from(data, position)
    end = start + length
    if length > MAXIMUM_BODY or len(data) < end:
        return None
    body = data[start:end]
    if zlib.crc32(body, zlib.crc32(data[position + _CRC.size : start])) != checksum:
        return None
    return Record(sequence, offset, time, RecordType(type_), body)


def encoded_size(record: Record) -> int:
    """Return how many bytes the record takes on disk."""
    return HEADER_SIZE + len(record.body)
