"""Plain text: a log's lines, one after another."""

from collections.abc import Iterable

from services.session.history.domain import Recording
from services.session.history.lines import Line, Splitter, render
from services.session.sessions.log import Record, RecordType


class Text:
    """Lines as a person would have read them. The last one comes when it is over, or the log is."""

    content_type = "text/plain; charset=utf-8"
    extension = "txt"

    def __init__(self, recording: Recording) -> None:
        self._width = recording.width
        self._splitter = Splitter(0)

    def begin(self) -> bytes:
        """Return nothing."""
        return b""

    def add(self, record: Record) -> bytes:
        """Return the lines that the record ends."""
        match record.type:
            case RecordType.OUTPUT:
                return self._rendered(self._splitter.add(record.data))
            case RecordType.RESIZE if self._width:
                self._width = record.columns
                return b""
            case _:
                return b""

    def end(self) -> bytes:
        """Return the last line, if it was not ended."""
        return self._rendered(self._splitter.end())

    def _rendered(self, found: Iterable[Line]) -> bytes:
        """Return the text of lines; of those that a program left by moving the cursor, only what shows something."""
        texts = ((render(line.data, self._width), line.ended) for line in found)
        return "".join(f"{text}\n" for text, ended in texts if text or ended).encode()
