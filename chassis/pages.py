"""Pages of lists: limits, and tokens that fit only the list and the arguments they were made for (AIP-158)."""

import base64
import binascii
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from chassis.errors import InvalidPageToken

DEFAULT_SIZE = 20
MAXIMUM_SIZE = 200
MAXIMUM_LOG_SIZE = 1_000

T = TypeVar("T")

_NONCE = 12  # bytes, as AES-GCM wants it
_PAGING_FIELDS = ("page_size", "page_token")


@dataclass(frozen=True, slots=True)
class Page:
    """One page: at most `size` rows after the key `after` (None for the first page)."""

    size: int
    after: str | None
    seal: Callable[[UUID | int | str], str]
    """Makes the token of the page after a key."""

    @property
    def limit(self) -> int:
        """How many rows to read: one more than is shown, which tells whether a page follows."""
        return self.size + 1

    @property
    def after_id(self) -> UUID | None:
        """The key as a UUID."""
        return UUID(self.after) if self.after is not None else None

    @property
    def after_number(self) -> int | None:
        """The key as a number."""
        return int(self.after) if self.after is not None else None

    def cut(self, rows: list[T], key: Callable[[T], UUID | int | str]) -> tuple[list[T], str]:
        """Cut what was read to what is shown, and return it with the next page's token (empty at the end)."""
        if len(rows) <= self.size:
            return rows, ""
        shown = rows[: self.size]
        return shown, self.seal(key(shown[-1]))


class Pages:
    """Opens pages. Tokens are encrypted: they carry no authority and nobody builds on their form."""

    def __init__(self, secret: bytes) -> None:
        self._cipher = AESGCM(sha256(b"page-token\0" + secret).digest())

    @classmethod
    def keyed_by(cls, key_file: Path) -> "Pages":
        """Derive the key from a file that all replicas of a service share."""
        return cls(key_file.read_bytes())

    def open(self, request: Any, account_id: UUID, *, maximum: int = MAXIMUM_SIZE) -> Page:  # any List request
        """Return the page a List request asks for. InvalidPageToken when its token was made for another list."""
        after = self._opened(request, account_id) if request.page_token else None
        return Page(min(request.page_size or DEFAULT_SIZE, maximum), after, partial(self._sealed, request, account_id))

    def _opened(self, request: Any, account_id: UUID) -> str:  # as above
        try:
            sealed = base64.urlsafe_b64decode(request.page_token + "=" * (-len(request.page_token) % 4))
            opened = self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], _purpose(request, account_id))
            return str(json.loads(opened))
        except (InvalidTag, binascii.Error, ValueError) as exc:
            raise InvalidPageToken from exc

    def _sealed(self, request: Any, account_id: UUID, last_key: UUID | int | str) -> str:  # as above
        nonce = os.urandom(_NONCE)
        sealed = nonce + self._cipher.encrypt(nonce, json.dumps(str(last_key)).encode(), _purpose(request, account_id))
        return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()


def _purpose(request: Any, account_id: UUID) -> bytes:  # as above
    arguments = type(request)()
    arguments.CopyFrom(request)
    for name in _PAGING_FIELDS:
        arguments.ClearField(name)
    return b"\0".join(
        (request.DESCRIPTOR.full_name.encode(), account_id.bytes, arguments.SerializeToString(deterministic=True))
    )
