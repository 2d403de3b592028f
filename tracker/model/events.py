"""The vocabulary of what happened: what the fleet decides, the store keeps, the bus carries and the page shows."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from tracker.model.ping import Ping

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


class VehicleState(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """The newest committed state of one vehicle: what a map needs to show it."""

    n: int  # the store's number for this vehicle: small, never reused
    ping: Ping
    received_at: int
    state: int = 0  # 0 unknown, 1 moving, 2 idle, 3 parked, 4 offline
    since: int = 0  # when that state began
    regions: dict[str, int] = {}  # calm membership: region id → entered at (fix time)
    held: Ping | None = None  # a jump that waits for the next ping to agree
    delayed: bool = False  # the newest fix was over 5 minutes old at receipt
    decided: Ping | None = None  # the newest fix that decided, where that is another and `beyond` names regions
    beyond: tuple[str, ...] = ()  # regions it is in though its newest place is over 100 m outside


class Registered(msgspec.Struct, frozen=True, omit_defaults=True):
    """What people say of a vehicle."""

    vehicle: str
    name: str | None = None
    plate: str | None = None
    group: str | None = None
    kind: str | None = None
    attributes: dict[str, Any] = {}


class Acked(msgspec.Struct, frozen=True, omit_defaults=True):
    """An acknowledgement, or (`by` None) its undoing."""

    id: str
    by: str | None
    at: int


class Change(msgspec.Struct, omit_defaults=True):
    """What one commit changed: the unit the bus carries and every node applies in order."""

    moved: list[VehicleState] = []
    events: list[Event] = []
    regions: list[dict[str, Any]] = []  # GeoJSON Features as the API answers them, without live counts
    regions_deleted: list[str] = []
    registered: list[Registered] = []
    removed: list[str] = []  # vehicles
    acked: list[Acked] = []
    erased: list[str] = []  # vehicles whose history is gone, that of their events too
