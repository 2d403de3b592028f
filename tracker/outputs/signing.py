"""Signing: how whoever is told something knows that it is from us, and of now: the headers of Standard Webhooks 1.0.

Signed are the id of the message, its time and its body, by HMAC-SHA256. A secret is `whsec_` and the key in base64.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

PREFIX = "whsec_"
SHORTEST, LONGEST = 24, 64  #: bytes of a key


def secret_of(key: bytes) -> str:
    return PREFIX + base64.b64encode(key).decode()


def key_of(secret: str) -> bytes:
    """Raises ValueError."""
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        raise ValueError("it is no base64") from None
    if not SHORTEST <= len(key) <= LONGEST:
        raise ValueError(f"its key has {len(key)} bytes, not {SHORTEST} to {LONGEST}")
    return key


def headers(secret: str, id: str, now: int, body: bytes) -> dict[str, str]:
    seconds = now // 1000
    signature = hmac.new(key_of(secret), f"{id}.{seconds}.".encode() + body, hashlib.sha256).digest()
    return {
        "webhook-id": id,
        "webhook-timestamp": str(seconds),
        "webhook-signature": f"v1,{base64.b64encode(signature).decode()}",
    }
