"""What was delivered for a trigger."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

BODY = 1024 * 1024
"""Bytes of a delivery that are kept; more is refused."""

_JSON = "json"


@dataclass(frozen=True, slots=True)
class Delivery:
    """What was delivered. `key` is what its sender calls it; `body` is empty where only the rest was read."""

    delivery_id: UUID
    account_id: UUID
    trigger_id: UUID
    key: str
    headers: Mapping[str, str]
    content_type: str
    body: bytes
    size_bytes: int
    redelivery_count: int
    receive_time: datetime

    @property
    def entity_id(self) -> UUID:
        """The delivery's id."""
        return self.delivery_id

    @property
    def version(self) -> int:
        """One more with each redelivery."""
        return self.redelivery_count + 1

    @property
    def again_key(self) -> str:
        """What the newest redelivery is recognised by: nothing that a sender could think of."""
        return f"{self.delivery_id}/{self.redelivery_count}"

    def redeliver(self) -> "Delivery":
        """Return the delivery as one that is decided about once more."""
        return replace(self, redelivery_count=self.redelivery_count + 1)

    def event(self) -> dict[str, Any]:
        """Return what expressions see of it."""
        return {
            "trigger_id": str(self.trigger_id),
            "time": self.receive_time.isoformat(),
            "key": self.key,
            "headers": dict(self.headers),
            "body": _value(self.content_type, self.body),
        }


def _value(content_type: str, body: bytes) -> Any:
    """Return the value of JSON, or a text; what is no text in UTF-8 has its gaps marked."""
    if _JSON in content_type.lower():
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError:
            pass
    return body.decode(errors="replace")
