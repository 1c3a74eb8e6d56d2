"""Every record as a line of JSON, with the names and the form that the API gives it."""

from google.protobuf import json_format

from services.session.sessions import convert
from services.session.sessions.log import Record


class Ndjson:
    """Records as they are; the bytes in base64, so that none is lost."""

    content_type = "application/x-ndjson"
    extension = "ndjson"

    def begin(self) -> bytes:
        """Return nothing."""
        return b""

    def add(self, record: Record) -> bytes:
        """Return the record's line."""
        return json_format.MessageToJson(convert.record_to_proto(record), indent=None).encode() + b"\n"

    def end(self) -> bytes:
        """Return nothing."""
        return b""
