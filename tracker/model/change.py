"""What one commit changed: what the bus carries, and every node takes up in order."""

from __future__ import annotations

from typing import Any

import msgspec

from tracker.model.events import Event
from tracker.model.ping import Ping
from tracker.model.records import Record


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


SECRET = "_secret"  #: the end of the name of an attribute that is used here and told to nobody


class Registered(msgspec.Struct, frozen=True, omit_defaults=True):
    """What people say of a vehicle."""

    vehicle: str
    name: str | None = None
    plate: str | None = None
    group: str | None = None
    kind: str | None = None
    attributes: dict[str, Any] = {}

    def told(self) -> dict[str, Any]:
        """Its attributes; of a secret, that there is one."""
        return {name: True if name.endswith(SECRET) else value for name, value in self.attributes.items()}


class Acked(msgspec.Struct, frozen=True, omit_defaults=True):
    """An acknowledgement, or (`by` None) its undoing."""

    id: str
    by: str | None
    at: int


class Change(msgspec.Struct, omit_defaults=True):
    """What one commit changed: the unit the bus carries and every node applies in order."""

    moved: list[VehicleState] = []
    events: list[Event] = []
    unnumbered: list[Event] = []  # durable, and not visible yet: nobody is told before they come as `events`
    regions: list[dict[str, Any]] = []  # GeoJSON Features as the API answers them, without live counts
    regions_deleted: list[str] = []
    registered: list[Registered] = []
    removed: list[str] = []  # vehicles
    acked: list[Acked] = []
    erased: list[str] = []  # vehicles whose history is gone, that of their events too
    records: list[Record] = []  # of those who may come in
    deed: int = 0  # where several nodes write: of the journal, what there is up to now
    after: int = 0  # … and what whoever decided this had done before it
