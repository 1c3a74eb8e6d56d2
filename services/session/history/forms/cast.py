"""asciicast v3: a header, then events of text with the time since the one before."""

import codecs
import shlex
from datetime import datetime, timedelta

import orjson

from services.session.history.domain import Recording
from services.session.sessions.log import Record, RecordType

_SIGNALLED = 128
"""What shells add to the number of the signal that ended a program."""


class Cast:
    """Records as events: output, sizes, titles as markers, the exit code.

    Text cannot hold all bytes: those of a character that is split over records come with its last one, and what is no
    UTF-8 is replaced. Times are those of the records; a clock that went back stood still.
    """

    content_type = "application/x-asciicast"
    extension = "cast"

    def __init__(self, recording: Recording, idle_time_limit: timedelta | None) -> None:
        self._recording = recording
        self._idle_time_limit = idle_time_limit
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._time = recording.session.create_time
        self._title = b""

    def begin(self) -> bytes:
        """Return the header. It has nothing that changes later, such as what people call the session."""
        session = self._recording.session
        term = {"cols": self._recording.columns, "rows": self._recording.rows, "type": "xterm-256color"}
        header: dict[str, object] = {"version": 3, "term": term, "timestamp": int(session.create_time.timestamp())}
        if self._idle_time_limit is not None:
            header["idle_time_limit"] = self._idle_time_limit.total_seconds()
        if session.command:
            header["command"] = shlex.join(session.command)
        else:
            header["env"] = {"SHELL": session.shell}
        return orjson.dumps(header) + b"\n"

    def add(self, record: Record) -> bytes:
        """Return the record's event, if it is one."""
        match record.type:
            case RecordType.OUTPUT:
                return self._output(record.time, self._decoder.decode(record.data))
            case RecordType.RESIZE:
                return self._event(record.time, "r", f"{record.columns}x{record.rows}")
            case RecordType.TITLE if record.data != self._title:
                self._title = record.data
                return self._event(record.time, "m", record.data.decode("utf-8", "replace"))
            case RecordType.EXIT:
                return self._output(record.time, self._decoder.decode(b"", final=True)) + self._exit(record)
            case _:
                return b""

    def end(self) -> bytes:
        """Return the bytes that are no character, of a log without an exit."""
        return self._output(self._time, self._decoder.decode(b"", final=True))

    def _output(self, time: datetime, text: str) -> bytes:
        if not self._recording.session.has_terminal:
            text = text.replace("\n", "\r\n")  # as a terminal would have done
        return self._event(time, "o", text) if text else b""

    def _exit(self, record: Record) -> bytes:
        if record.exit_code is None and record.exit_signal is None:
            return b""
        code = record.exit_code if record.exit_code is not None else _SIGNALLED + (record.exit_signal or 0)
        return self._event(record.time, "x", str(code))

    def _event(self, time: datetime, code: str, text: str) -> bytes:
        passed = max(time - self._time, timedelta())
        self._time += passed
        seconds = f"{passed // timedelta(seconds=1)}.{passed.microseconds:06}"
        return f'[{seconds}, "{code}", '.encode() + orjson.dumps(text) + b"]\n"
