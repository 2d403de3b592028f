"""Cursor: how a client that comes back says what it was told. Opaque to it: base64 of 27 bytes."""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import NamedTuple


class Cursor(NamedTuple):
    """Where a client is: which run of the server, what it followed there, and up to what it was told."""

    epoch: bytes  # 4 bytes: versions count anew in every run
    followed: bytes  # 8 bytes: what was followed and granted
    mark: bytes  # 5 bytes of the event `seq`: not the same one in a log that was restored and went another way
    seq: int
    version: int

    def text(self) -> str:
        return (cursor_head(self.epoch, self.followed) + cursor_tail(self.mark, self.seq, self.version)).decode()


def cursor_head(epoch: bytes, followed: bytes) -> bytes:
    """The part of a cursor that stays while a viewer follows the same: 16 characters."""
    return base64.urlsafe_b64encode(epoch + followed)


def cursor_tail(mark: bytes, seq: int, version: int) -> bytes:
    """The part that advances: 20 characters."""
    return base64.urlsafe_b64encode(mark + seq.to_bytes(5, "big") + version.to_bytes(5, "big"))


def read_cursor(text: str) -> Cursor | None:
    """None when it is not one of ours: the client then starts afresh."""
    try:
        raw = base64.b64decode(text.encode("ascii"), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        return None
    if len(raw) != 27 or len(text) != 36:
        return None
    seq, version = int.from_bytes(raw[17:22], "big"), int.from_bytes(raw[22:], "big")
    return Cursor(raw[:4], raw[4:12], raw[12:17], seq, version)


def mark_of(event_id: str) -> bytes:
    """What a cursor keeps of the event it ends at."""
    return hashlib.blake2b(event_id.encode(), digest_size=5).digest()


NO_MARK = bytes(5)  #: before the first event


def digest(*parts: str) -> bytes:
    """8 bytes that differ when any part does."""
    text = "\0".join(f"{len(part)}:{part}" for part in parts)
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
