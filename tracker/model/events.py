"""The vocabulary of what happened: what the fleet decides, the store keeps, the bus carries and the page shows."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

#: every kind of event, with the sentence docs and page build on
KINDS: dict[str, str] = {
    "enter": "came into a region",
    "exit": "left a region",
    "cross": "touched a region without staying",
    "dwell": "stayed in a region for its dwell time",
    "overspeed_start": "went faster than the region's limit",
    "overspeed_end": "is below the region's limit again",
    "silent": "stopped reporting while moving",
    "heard": "reports again after silence",
    "alarm": "raised an alarm",
    "low_battery": "has a low battery",
}

TOLD = "told"  #: the kind of an event that another system decided: it is kept as that system's history
ERASED = "erased"  #: the kind of an event whose vehicle's history was erased: only its seq, id and time are left

DELAYED_MS = 300_000  #: an event whose deciding ping was older than this at receipt is `delayed`


class Ack(msgspec.Struct, frozen=True):
    by: str
    at: int


class Event(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One thing that happened. Made by the fleet without `seq`; the store gives it one as it commits.

    `time` is the fix time of the deciding ping (an edit: its instant; a timer: the due time).
    `detail` holds what depends on the kind (`duration_s`, `max_speed_mps`, `entered_at`, `why`, …);
    outside it is flattened into the event.
    """

    id: str
    kind: str
    vehicle: str
    time: int
    received_at: int
    reason: str
    lat: float
    lon: float
    region: str | None = None
    version: int | None = None  # of the region that decided
    delayed: bool = False
    detail: dict[str, Any] = {}
    seq: int = 0
    ack: Ack | None = None


_LETTERS = "abcdefghijklmnopqrstuvwxyz234567"
_PAIRS = [a + b for a in _LETTERS for b in _LETTERS]


def event_id(kind: str, vehicle: str, region: str | None, cause: str | int) -> str:
    """A 128-bit hash in base32 (26 letters): the same inputs give the same id, on any machine, in any run."""
    text = "\0".join((kind, vehicle, region or "", str(cause)))
    bits = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=16).digest()) << 2
    return "".join(
        [_PAIRS[bits >> at & 1023] for at in range(120, -1, -10)]
    )  # base64.b32encode takes four times as long


def erased(event: Event) -> Event:
    """What is left of an event once its vehicle's history is erased."""
    return Event(event.id, ERASED, "", event.time, event.time, ERASED, 0.0, 0.0, seq=event.seq)
