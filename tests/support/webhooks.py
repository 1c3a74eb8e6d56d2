"""Deliveries as their senders sign them."""

import base64
import hmac
import time
from hashlib import sha256


def signed(secret: str, body: bytes, key: str, *, age: int = 0) -> dict[str, str]:
    """Return the headers of a delivery as Standard Webhooks say, dated so many seconds ago."""
    timestamp = str(int(time.time()) - age)
    signature = hmac.digest(
        base64.b64decode(secret.removeprefix("whsec_")), f"{key}.{timestamp}.".encode() + body, sha256
    )
    value = f"v1,{base64.b64encode(signature).decode()}"
    return {"webhook-id": key, "webhook-timestamp": timestamp, "webhook-signature": value}


def signed_by_github(secret: str, body: bytes, key: str) -> dict[str, str]:
    """Return the headers of a delivery of GitHub's."""
    value = f"sha256={hmac.digest(secret.encode(), body, sha256).hex()}"
    return {"x-hub-signature-256": value, "x-github-delivery": key, "x-github-event": "push"}
