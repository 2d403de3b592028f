"""Chain: one hash of many members: of each its name and content, and of all that came before it."""

from __future__ import annotations

import hashlib

START = bytes(32)


def link(before: bytes, name: str, digest: bytes) -> bytes:
    """`digest`: SHA-256 of a member."""
    return hashlib.sha256(before + name.encode() + digest).digest()
