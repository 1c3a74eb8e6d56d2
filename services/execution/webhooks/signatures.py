"""How deliveries are signed: as Standard Webhooks say, or as GitHub does, with HMAC-SHA-256 in both."""

import base64
import hmac
import re
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from services.execution.triggers.domain import Scheme
from services.execution.webhooks.errors import DeliveryStale, SignatureRefused

TOLERANCE = timedelta(minutes=5)
"""How far the time that was signed may be off."""
SIGNATURES = frozenset({"webhook-signature", "x-hub-signature-256"})
"""Headers that hold nothing but a signature, which are not kept."""

_PREFIX = "whsec_"
_SECRET = 32  # bytes
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_LATEST = 253402300799  # the last second that a date can name
_TIMESTAMP = re.compile(r"[0-9]{1,12}")


def new_secret() -> str:
    """Return a secret as people pass it on."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(_SECRET)).decode()


def expect_signed(scheme: Scheme, secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> str:
    """Return what its sender calls a delivery. SignatureRefused, DeliveryStale."""
    if scheme is Scheme.GITHUB:
        return _by_github(secret, headers, body)
    return _standard(secret, headers, body, now)


def _standard(secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> str:
    key, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    signed = f"{key}.{timestamp}.".encode() + body
    raw = hmac.digest(base64.b64decode(secret.removeprefix(_PREFIX)), signed, sha256)
    expected = b"v1," + base64.b64encode(raw)
    sent = headers.get("webhook-signature", "").encode().split(b" ")
    if not any(hmac.compare_digest(expected, each) for each in sent) or not _KEY.fullmatch(key):
        raise SignatureRefused
    when = int(timestamp) if _TIMESTAMP.fullmatch(timestamp) else 0
    if abs(now - datetime.fromtimestamp(min(when, _LATEST), UTC)) > TOLERANCE:
        raise DeliveryStale(int(TOLERANCE.total_seconds() // 60))
    return key


def _by_github(secret: str, headers: Mapping[str, str], body: bytes) -> str:
    key = headers.get("x-github-delivery", "")
    expected = f"sha256={hmac.digest(secret.encode(), body, sha256).hex()}".encode()
    sent = headers.get("x-hub-signature-256", "").encode()
    if not hmac.compare_digest(expected, sent) or not _KEY.fullmatch(key):
        raise SignatureRefused
    return key
