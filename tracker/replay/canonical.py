"""Canonical: an event as bytes that are the same whoever made it, and one hash of many.

Left out is what differs without anything being different: when we heard of it (`seq`, `received_at`, `delayed`), who
acknowledged it, and the metres of `why`, whose last digit belongs to the mathematics of a machine.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from tracker.live import messages
from tracker.model.events import Event

OF_RECEIPT = ("seq", "received_at", "delayed", "ack")


def facts(event: Event) -> dict[str, Any]:
    """What happened, in the words of the API."""
    told = messages.event(event)
    for name in OF_RECEIPT:
        told.pop(name, None)
    if "why" in told:
        told["why"] = _without_metres(told["why"])
    return told


def _without_metres(why: dict[str, Any]) -> dict[str, Any]:
    return {
        name: _without_metres(value) if isinstance(value, dict) else value
        for name, value in why.items()
        if not name.endswith("_m")
    }


def canonical(told: dict[str, Any]) -> bytes:
    """Keys in order, no spaces, UTF-8."""
    return json.dumps(told, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


class Digest:
    """SHA-256 of the SHA-256 of each event, these in order of their bytes: the order of events does not count, and of
    an event 32 bytes are kept."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def __len__(self) -> int:
        return len(self._parts)

    def add_event(self, event: Event) -> None:
        self._parts.append(hashlib.sha256(canonical(facts(event))).digest())

    def hexdigest(self) -> str:
        return hashlib.sha256(b"".join(sorted(self._parts))).hexdigest()


def hash_of(events: Iterable[Event]) -> str:
    digest = Digest()
    for event in events:
        digest.add_event(event)
    return digest.hexdigest()
