"""Vehicle: what the fleet remembers of one vehicle, and how that is packed for the store."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from tracker.model.change import VehicleState
from tracker.model.events import DELAYED_MS
from tracker.model.ping import NOWHERE, Ping
from tracker.model.states import UNKNOWN

PLACE_BITS = 22
PLACE_MASK = (1 << PLACE_BITS) - 1
MOST_FIXES = 256  #: fixes remembered for the sake of duplicates, 2 kB; for older ones the store is asked
LAYOUT = 2  #: of a packed state; every older one is read
NEVER = 1 << 62  #: ms: after every time

NEW, SAME, OTHER, ASK = range(4)  #: a fix time is not known yet; known with this place; with another; ask the store


class Seen(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A fix beside a region, as an event explains itself with it."""

    time: int
    lat: float
    lon: float
    accuracy_m: float | None
    edge_m: float | None  # to the region's edge, negative inside; the whole world has none

    def told(self) -> dict[str, Any]:
        return {
            "time": self.time, "lat": self.lat, "lon": self.lon, "accuracy_m": self.accuracy_m, "edge_m": self.edge_m,
        }  # fmt: skip


class Why(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What decided about a vehicle and a region."""

    to: Seen
    before: Seen | None
    enter_m: float
    exit_m: float
    debounce: str

    def told(self) -> dict[str, Any]:
        why: dict[str, Any] = {"to": self.to.told()}
        if self.before is not None:
            why["from"] = self.before.told()
        why["enter_m"], why["exit_m"], why["debounce"] = self.enter_m, self.exit_m, self.debounce
        return why


class Visit(msgspec.Struct, array_like=True, gc=False):
    """The time a vehicle is in a region."""

    entered_at: int  # fix time, or the instant of the edit or window
    received_at: int
    top_mps: float = -1.0  # highest reported speed so far
    dwelled: bool = False
    over_since: int = 0  # first fix over the limit in a row
    over_top_mps: float = 0.0
    over_told: bool = False  # overspeed_start was made
    why: Why | None = None  # of its enter, until the dwell was told with it


class Touch(msgspec.Struct, array_like=True, gc=False):
    """The time a vehicle is in a region's edge: neither clearly in nor clearly out."""

    entered_at: int
    exited_at: int  # the last instant we know it covered
    chord_m: float = 0.0
    moved: bool = False  # it was seen moving meanwhile


class Alarm(msgspec.Struct, array_like=True, gc=False):
    """Messages with one alarm, by fix time."""

    text: str
    first: int
    last: int


class Doubt(msgspec.Struct, array_like=True, gc=False):
    """A fix that would move a vehicle which stands; what it would do to which regions waits for a second one."""

    ping: Ping
    before: Ping  # the newest fix that decides until then
    received_at: int
    exits: list[str]
    enters: list[str]
    crosses: dict[str, Touch]

    def named(self) -> set[str]:
        return {*self.exits, *self.enters, *self.crosses}

    def drop(self, region: str) -> None:
        """It is decided anew what this region is to it."""
        self.exits = [key for key in self.exits if key != region]
        self.enters = [key for key in self.enters if key != region]
        self.crosses.pop(region, None)


#: where a vehicle stood before one fix elsewhere: place, still_since, state, since
Stood = tuple[float, float, int, int, int]


class Packed(msgspec.Struct, array_like=True, frozen=True):
    """A vehicle's state as the store keeps it. The first field is the layout's version."""

    layout: int
    rev: int
    clock: int
    top: int
    floor: int
    received_at: int
    state: int
    since: int
    still_since: int
    anchor: tuple[float, float]
    gap_ms: float
    peak_mps: float
    silent: bool
    low: bool
    delayed: bool
    ping: Ping
    held: Ping | None
    visits: dict[str, Visit]
    touches: dict[str, Touch]
    # since layout 2; an older state has none of these
    doubts: int = 0
    sure: Ping | bool = True  # True: `ping`; False: there was none yet
    doubt: Doubt | None = None
    stood: Stood | None = None
    alarms: list[Alarm] = []
    set_by: int = 0
    lone: bool = False
    heard_ms: int = 0  # how much later than its newest fix its newest message came


_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(Packed).decode
_fields: Callable[[Packed], tuple[Any, ...]] = msgspec.structs.astuple


class Vehicle:
    """Mutable, and only the fleet changes it. `ping` is the newest fix shown, `sure` the newest accurate one."""

    __slots__ = (
        "alarms", "anchor", "beyond", "clock", "delayed", "doubt", "doubts", "fixed_at", "fixes", "floor", "gap_ms",
        "held", "lone", "low", "most", "n", "peak_mps", "ping", "queued", "raw", "received_at", "regions", "rev",
        "set_by", "settled", "silent", "since", "state", "still_since", "stood", "sure", "top", "touches", "visits",
        "watched",
    )  # fmt: skip

    def __init__(self, n: int, ping: Ping, now: int) -> None:
        self.n = n
        self.ping = ping
        self.sure: Ping | None = ping  # None: there was none yet
        self.doubt: Doubt | None = None
        self.beyond: tuple[
            str, ...
        ] = ()  # regions it is in though `ping` lies far outside: their viewers see `decided`
        self.received_at = now  # its newest message
        self.fixed_at = now  # `ping`, which may be older: a message need have no place
        self.held: Ping | None = None
        self.doubts = 0  # how many were held in a row
        self.delayed = False
        # where it is
        self.visits: dict[str, Visit] = {}
        self.touches: dict[str, Touch] = {}
        self.regions: dict[str, int] = {}  # what is published of the visits; a new dict when it changes
        self.raw: Sequence[str] | None = None  # the regions that cover `ping`; None: nobody looked yet
        self.watched = False  # a visit has rules that every fix must be held against
        self.settled = False  # visits are exactly `raw`, and nothing waits for the next fix
        self.clock = 0  # schedules were obeyed up to here
        self.rev = 0  # the last edit it was evaluated against
        # how it moves
        self.state = UNKNOWN
        self.since = ping.time
        self.still_since = 0  # first fix in a row without movement; 0: the newest one moved
        self.stood: Stood | None = None
        self.lone = False  # one fix without a speed is all that is known of how it moves
        self.anchor = (ping.lat, ping.lon)  # where it last moved to
        self.peak_mps = -1.0  # highest speed since the visits' own were written down
        self.gap_ms = 0.0  # about the median time between its reports, receipt clock
        self.silent = False
        self.low = False  # its battery
        self.alarms: list[Alarm] | tuple[()] = ()  # it raised, the one heard last at the end; most never do
        self.queued = NEVER  # when its timer goes off, at the latest
        self.set_by = 0  # ms our clock was set by since receipts are written down, as far as this vehicle knows
        # which fixes the store has
        self.fixes = array("Q")  # sorted: time << 22 | a hash of the place
        self.floor = 0  # of earlier fixes only the store knows whether it has them
        self.most = MOST_FIXES  # more of them are too many
        self.top = 0  # the highest fix time ever taken

    @property
    def decided(self) -> Ping | None:
        """The newest fix that decided where it is."""
        return self.sure if self.doubt is None else self.doubt.before

    def knows(self, ping: Ping) -> int:
        """Is there a fix of this time already?"""
        time = ping.time
        if time > self.top and time >= self.floor:
            return NEW
        mine, at = _place(ping), bisect_left(self.fixes, time << PLACE_BITS)
        while at < len(self.fixes) and self.fixes[at] >> PLACE_BITS == time:
            there = self.fixes[at] & PLACE_MASK
            if there == mine or mine == UNPLACED:
                return SAME
            if there != UNPLACED:
                return OTHER
            at += 1
        return NEW if time >= self.floor else ASK

    def remember(self, ping: Ping) -> None:
        """This fix is going to be stored."""
        time = ping.time
        key = time << PLACE_BITS | hash((ping.lat, ping.lon)) & PLACE_MASK  # what `_place` says
        fixes = self.fixes
        if time > self.top:
            self.top = time
            fixes.append(key)
        else:
            fixes.insert(bisect_left(fixes, key), key)
        if len(fixes) > self.most:  # half of them at once: so this is rare
            self.most = MOST_FIXES
            del fixes[: -MOST_FIXES // 2]
            self.floor = max(self.floor, fixes[0] >> PLACE_BITS)

    def learn(self, pings: Iterable[Ping]) -> None:
        """These are stored, it turns out. What comes next is told by them: until then they are not too many."""
        self.fixes = array("Q", sorted({*self.fixes, *(ping.time << PLACE_BITS | _place(ping) for ping in pings)}))
        self.most = len(self.fixes) + MOST_FIXES

    def settle(self, watched: bool) -> None:
        """Keep the quick way out of `move` true after visits, touches or `raw` changed."""
        self.settled = self.raw is not None and not self.touches and len(self.visits) == len(self.raw)
        self.settled = self.settled and self.doubt is None
        self.watched = watched

    def publish(self) -> None:
        """The visits changed: so does what is said of them."""
        self.regions = {key: visit.entered_at for key, visit in self.visits.items()}

    def set_clock(self, by: int) -> None:
        """Our clock was set: receipts are told by the one there is now, so that timers go on from there."""
        self.set_by += by
        self.received_at += by
        self.fixed_at += by
        self.delayed = self.delayed and self.fixed_at - self.ping.time > DELAYED_MS  # it was the clock, then
        for visit in self.visits.values():
            visit.received_at += by
        if self.doubt is not None:
            self.doubt.received_at += by

    def receive_at(self, now: int) -> None:
        """No receipt is later than now, whatever was written down."""
        self.received_at = min(self.received_at, now)
        self.fixed_at = min(self.fixed_at, now)
        for visit in self.visits.values():
            visit.received_at = min(visit.received_at, now)
        if self.doubt is not None:
            self.doubt.received_at = min(self.doubt.received_at, now)

    def write_peak(self) -> None:
        """Give each visit its share of the highest speed, before one ends or another begins."""
        if self.peak_mps < 0:  # nobody said one
            return
        for visit in self.visits.values():
            visit.top_mps = max(visit.top_mps, self.peak_mps)
        self.peak_mps = -1.0

    def published(self) -> VehicleState:
        return VehicleState(
            self.n, self.ping, self.received_at, self.state, self.since, self.regions, self.held, self.delayed,
            self.decided if self.beyond else None, self.beyond,
        )  # fmt: skip

    def pack(self) -> bytes:
        return _pack(
            (
                LAYOUT, self.rev, self.clock, self.top, self.floor, self.received_at, self.state, self.since,
                self.still_since, self.anchor, self.gap_ms, self.peak_mps, self.silent, self.low, self.delayed,
                self.ping, self.held, self.visits, self.touches, self.doubts,
                True if self.sure is self.ping else self.sure or False, self.doubt, self.stood,
                self.alarms, self.set_by, self.lone, self.received_at - self.fixed_at,
            )
        )  # fmt: skip

    @classmethod
    def unpack(cls, n: int, state: bytes) -> Vehicle:
        """The vehicle as it was packed. Of its fixes only the newest are known again; `floor` says so."""
        packed = _unpack(state)
        self = cls(n, packed.ping, packed.received_at)
        (  # one by one in a loop, this would be a third of a start
            _, self.rev, self.clock, self.top, self.floor, self.received_at, self.state, self.since,
            self.still_since, self.anchor, self.gap_ms, self.peak_mps, self.silent, self.low, self.delayed,
            self.ping, self.held, self.visits, self.touches, self.doubts,
            sure, self.doubt, self.stood,
            self.alarms, self.set_by, self.lone, heard_ms,
        ) = _fields(packed)  # fmt: skip
        self.sure = sure if isinstance(sure, Ping) else self.ping if sure else None
        self.alarms = self.alarms or ()
        self.fixed_at = self.received_at - heard_ms
        if self.held is not None:
            self.doubts = max(self.doubts, 1)
        if self.visits:
            self.publish()
        self.fixes = array("Q", sorted(p.time << PLACE_BITS | _place(p) for p in (self.ping, self.held) if p))
        self.floor = max(self.floor, self.top + 1)
        return self


def _place(ping: Ping) -> int:
    """Hashes of floats are the same in every process; these never leave this one anyway."""
    return hash((ping.lat, ping.lon)) & PLACE_MASK


UNPLACED = hash(NOWHERE) & PLACE_MASK  #: of a message without a place: a fix of its time stands beside it
