"""Commit: everything one step of the fleet leaves to be kept, and what is there again after a start."""

from __future__ import annotations

from typing import Any

import msgspec

from tracker.model.change import Acked, Registered
from tracker.model.events import Event
from tracker.model.ping import Ping
from tracker.model.records import Audit, Record

#: how a stored ping was taken: moved the vehicle, went into history only, waits or was a jump, is no part of the
#: track: kept for its alarm alone (it has no place, or is a fix there was already)
LIVE, LATE, HELD, APART = 0, 1, 2, 3


class StoredPing(msgspec.Struct, frozen=True, gc=False):
    n: int  # the vehicle's number
    ping: Ping
    received_at: int
    taken: int = LIVE


class SavedVehicle(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The newest fix and region state of one vehicle, as the fleet packs it (opaque to the store)."""

    n: int
    vehicle: str
    state: bytes | None  # None: removed from the live fleet; its history and number stay


class SavedRegion(msgspec.Struct, frozen=True):
    """One version of a region. `feature` None: deleted in this version."""

    id: str
    version: int
    updated_at: int
    feature: dict[str, Any] | None


class SharedDeed(msgspec.Struct, omit_defaults=True):
    """What somebody did, as every node follows it: what a commit of one has beside what its own vehicles made of it."""

    at: int
    regions: list[SavedRegion] = []
    registered: list[Registered] = []
    removed: list[str] = []
    erased: list[str] = []
    acked: list[Acked] = []
    records: list[Record] = []
    edit: str = ""  # of regions, as the fleet keeps it
    after: int = 0  # the place of the deed before it. Not written

    @property
    def lasts(self) -> bool:
        """Every vehicle has to see it, before the next of that kind."""
        return bool(self.edit or self.removed)


class Commit(msgspec.Struct):
    """Everything one transaction writes. All of it or none."""

    pings: list[StoredPing] = []
    events: list[Event] = []  # without seq
    vehicles: list[SavedVehicle] = []
    regions: list[SavedRegion] = []
    registered: list[Registered] = []
    unregistered: list[str] = []
    acked: list[Acked] = []
    erased: list[str] = []  # vehicles: their positions go, of their events (these here too) only seq, id and time stay
    meta: dict[str, str] = {}  # small facts the fleet needs after a restart
    records: list[Record] = []
    audit: list[Audit] = []  # without seq
    leases: dict[int, int] = {}  # where several nodes write: by which epoch each partition is this one's
    deed: SharedDeed | None = None  # … and what other nodes have to follow, if that is what it is
    room: int = 0  # bytes that must be free as well: more of the same is sure to come


class Loaded(msgspec.Struct):
    """What a node starts from."""

    vehicles: list[SavedVehicle]
    regions: list[SavedRegion]  # newest version of each that is not deleted
    registered: list[Registered]
    meta: dict[str, str]
    last_seq: int
    last_n: int  # highest vehicle number ever given
    records: list[Record] = []  # newest version of each
    deed: int = 0  # where several nodes write: the place of the newest
