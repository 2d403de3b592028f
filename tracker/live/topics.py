"""Topics: what viewers can follow, and what is newer in one than a version.

A topic (everything, a region, a cell, one vehicle) keeps no positions, only by which version something last changed,
newest last. So "what is newer than v" costs what is newer, for the next tick, for a viewer that was held back and for
one that comes back after a minute alike. Values are looked up as they are told: the newest always wins.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import takewhile
from typing import Any, NamedTuple, TypeVar

import msgspec

from tracker.access.grants import Grant, IsNear, Part, finest
from tracker.geometry.earth import tile
from tracker.live.columns import Row, pack
from tracker.live.messages import Members, coarse_row, encode, moved_row, moved_text
from tracker.live.viewer import CELL_ZOOMS, Cell
from tracker.model.change import VehicleState
from tracker.model.coarse import coarsened, middle_e6
from tracker.model.events import Event
from tracker.model.ping import NOWHERE

K = TypeVar("K")
T = TypeVar("T")
DEEPEST = CELL_ZOOMS[-1]
MOST_KEPT = 50_000  #: tombstones of one kind in one topic


class Entry:
    """One state of a live vehicle, encoded at most once however many viewers and topics it is told to.

    A newer state is another Entry: what a fragment holds is what was so when it was made.
    """

    __slots__ = ("_coarse", "_place", "_row", "_t0", "_veiled", "full", "state", "text", "values")

    def __init__(self, state: VehicleState, t0: int) -> None:
        self.state = state
        self._t0 = t0
        self._row: Row | None = None
        self._place: tuple[int, int] | None = None
        self.text: bytes | None = None  # of a `moved` row
        self.full: bytes | None = None  # of a `new` row
        self.values: list[Any] | None = None  # the same, not encoded
        self._veiled: Entry | None = None
        self._coarse: Coarse | None = None  # in cells of one size; others hang on it

    @property
    def place(self) -> tuple[int, int]:
        """Its tile at the deepest zoom."""
        if self._place is None:
            self._place = tile(self.state.ping.lat, self.state.ping.lon, DEEPEST)
        return self._place

    @property
    def row(self) -> Row:
        if self._row is None:
            self._row = moved_row(self.state, self._t0)
        return self._row

    def seen_from(self, region: str | None) -> Entry:
        """What the followers of a region are told: of no place far outside that did not decide."""
        state = self.state
        return self if region is None or not (state.held or region in state.beyond) else self._veil()

    def seen_by(self, parts: Sequence[Part]) -> Entry:
        """The same of whoever is shown it by these parts of a grant."""
        state, best = self.state, finest(parts)
        seen = self
        if best.regions is not None and (state.held or state.beyond):
            near = any(
                region not in state.beyond and part.sees_region(region)
                for part in parts
                if part.coarse_m == best.coarse_m
                for region in state.regions
            )
            seen = self if near and not state.held else self._veil()
        return seen.coarse(best.coarse_m) if best.coarse_m else seen

    def coarse(self, cell_m: float) -> Coarse:
        """The same at the middle of its cell."""
        entry = self._coarse
        while entry is not None and entry.cell_m != cell_m:
            entry = entry.other
        if entry is None:
            entry = self._coarse = Coarse(self.state, self._t0, cell_m, self._coarse)
        return entry

    def _veil(self) -> Entry:
        if self._veiled is None:
            ping = self.state.decided or self.state.ping
            self._veiled = Entry(msgspec.structs.replace(self.state, ping=ping, held=None), self._t0)
        return self._veiled

    def rename(self) -> None:
        """Other things are said of it now."""
        self.full = self.values = self._veiled = self._coarse = None

    def moved(self) -> bytes:
        if self.text is None:
            self.text = moved_text(self.row)
        return self.text


class Coarse(Entry):
    """An entry at the middle of its cell, made by each move once for all who share it. Most are told the move alone:
    the whole state is made when somebody asks for it."""

    __slots__ = ("_exact", "_whole", "cell_m", "other")

    def __init__(self, exact: VehicleState, t0: int, cell_m: float, other: Coarse | None) -> None:
        self._exact = exact
        self.cell_m = cell_m
        self.other = other  # of the same entry, in cells of another size
        self._t0 = t0
        self._whole: VehicleState | None = None
        self._row = self._place = self.text = self.full = self.values = self._veiled = self._coarse = None

    @property
    def state(self) -> VehicleState:  # type: ignore[override]
        if self._whole is None:
            exact, cell_m = self._exact, self.cell_m
            ping, held = coarsened(exact.ping, cell_m), exact.held and coarsened(exact.held, cell_m)
            self._whole = msgspec.structs.replace(exact, ping=ping, held=held)
        return self._whole

    @property
    def row(self) -> Row:
        if self._row is None:
            self._row = coarse_row(self._exact, self._t0, self.cell_m)
        return self._row


class Gone(NamedTuple):
    version: int
    reason: str
    row: Row | None  # where the deciding fix of an exit was; nothing later is told


class Source(NamedTuple):
    """Where a fragment finds the present values."""

    entries: dict[int, Entry]
    full: Callable[[Entry], bytes]  # a `new` row
    feature: Callable[[str], bytes | None]  # a region's Feature; None: deleted
    registered: Callable[[str], bytes]
    acked: Callable[[str], bytes]
    number: Callable[[str], int | None]  # of a vehicle; None: it is not live
    group_of: Callable[[str], str | None]


class Topic:
    __slots__ = (
        "acked", "changed", "crossed", "features", "floor", "followers", "fragments", "gone", "joined", "key",
        "members", "moved", "peopled", "region", "registered", "version",
    )  # fmt: skip

    def __init__(self, version: int, members: Iterable[int] = (), region: str | None = None, key: Any = None) -> None:
        self.region = region  # of which this is the topic, if it is one's
        self.key = key  # what it is found by
        self.version = self.floor = version  # nothing is known of what left before `floor`
        self.changed = version  # when anything but a place did
        self.peopled = version  # when somebody came or went
        self.members = set(members)
        self.moved: dict[int, int] = {}
        self.joined: dict[int, int] = {}
        self.gone: dict[int, Gone] = {}
        self.crossed: dict[tuple[str, int], int] = {}  # (region, n); which way: look at what it is in now
        self.features: dict[str, int] = {}
        self.registered: dict[str, int] = {}
        self.acked: dict[str, int] = {}
        self.followers = 0
        self.fragments: dict[int, Fragment] = {}  # of this tick, by the version they begin after

    @property
    def veils(self) -> bool:
        """Whether its followers are told less than there is to know."""
        return self.region is not None

    def seen_entry(self, entry: Entry) -> Entry:
        """What its followers are told of a vehicle."""
        return entry.seen_from(self.region)

    def has_in(self, region: str, n: int, source: Source) -> bool:
        """Are they told that a vehicle is in a region, or that it is not any more?"""
        entry = source.entries.get(n)
        return entry is not None and region in entry.state.regions and source.feature(region) is not None

    def tells_of(self, vehicle: str, source: Source) -> bool:
        """May they be told what is now said of a vehicle, which may have left since it was last said?"""
        return not self.veils or source.number(vehicle) in self.members

    def move(self, n: int, version: int) -> None:
        moved = self.moved
        if n in moved:
            del moved[n]
        moved[n] = version
        self.version = version

    def join(self, n: int, version: int) -> None:
        if n not in self.members:
            self.members.add(n)
            self.gone.pop(n, None)
            self.joined[n] = version
            self.version = self.changed = self.peopled = version
        else:
            self.move(n, version)

    def leave_topic(self, n: int, version: int, reason: str, row: Row | None = None) -> None:
        if n in self.members:
            self.members.discard(n)
            self.joined.pop(n, None)
            self.moved.pop(n, None)
            self.gone.pop(n, None)
            self.gone[n] = Gone(version, reason, row)
            self.version = self.changed = self.peopled = version

    def moved_after(self, version: int) -> Iterator[int]:
        """Newest first, like the next two."""
        return _newer(self.moved, version)

    def joined_after(self, version: int) -> Iterator[int]:
        return _newer(self.joined, version)

    def gone_after(self, version: int) -> Iterator[int]:
        for n in reversed(self.gone):
            if self.gone[n].version <= version:
                return
            yield n

    def touch(self, log: dict[K, int], key: K, version: int) -> None:
        log.pop(key, None)
        log[key] = version
        self.version = self.changed = version

    def begin_again(self, version: int) -> None:
        """Nothing is known of what was before this version."""
        self.version = self.changed = self.peopled = self.floor = version
        for log in (self.moved, self.joined, self.gone, self.crossed, self.features, self.registered, self.acked):
            log.clear()
        self.members.clear()
        self.fragments.clear()

    def clear(self) -> None:
        """A new tick: what is newer is encoded again."""
        self.fragments.clear()

    def forget_gone(self, horizon: int) -> None:
        """Drop what was kept only for those who come back: everything up to this version, and what is too much."""
        self.floor = max(self.floor, horizon)
        if len(self.gone) > MOST_KEPT:
            self.floor = max(self.floor, list(self.gone.values())[-MOST_KEPT].version)
        for log in (self.joined, self.crossed, self.features, self.registered, self.acked):
            _drop(log, lambda version: version <= self.floor)
        _drop(self.gone, lambda gone: gone.version <= self.floor)

    def fragment(self, since: int, now: int, source: Source) -> Fragment:
        if (fragment := self.fragments.get(since)) is None:
            fragment = self.fragments[since] = _read(self, since, now, source)
        return fragment


class Cut(Topic):
    """What part of a grant shows in a region (None: anywhere): the vehicles of one group (None: all), perhaps at the
    middle of their cells. Shared by all who are granted it, whatever else they are."""

    __slots__ = ("coarse_m", "group")

    def __init__(
        self, version: int, members: Iterable[int], region: str | None, group: str | None, coarse_m: float
    ) -> None:
        super().__init__(version, members, region)
        self.group = group
        self.coarse_m = coarse_m

    @property
    def veils(self) -> bool:
        return True

    def seen_entry(self, entry: Entry) -> Entry:
        seen = entry.seen_from(self.region)
        return seen.coarse(self.coarse_m) if self.coarse_m else seen

    def seen_row(self, row: Row | None) -> Row | None:
        """Where a vehicle left it."""
        if row is None or not self.coarse_m:
            return row
        return _coarse(row, self.coarse_m)

    def has_in(self, region: str, n: int, source: Source) -> bool:
        return n in self.members and super().has_in(region, n, source)

    def tells_of(self, vehicle: str, source: Source) -> bool:
        if self.region is None:  # of one that is only registered, too
            return self.group is None or source.group_of(vehicle) == self.group
        return super().tells_of(vehicle, source)


class Lens(Topic):
    """What a limited grant shows of a view and of single vehicles.

    Cells and vehicles are topics of those who may see everything; this one is shared where grant and wish are the same.
    """

    __slots__ = ("_group_of", "_is_near", "cells", "grant", "vehicles", "zooms")

    def __init__(
        self,
        version: int,
        key: bytes,
        grant: Grant,
        cells: frozenset[Cell],
        vehicles: frozenset[str],
        group_of: Callable[[str], str | None],
        is_near: IsNear,
    ) -> None:
        super().__init__(version, key=key)
        self.grant = grant
        self.cells = cells
        self.vehicles = vehicles  # known or not
        self.zooms = {cell[0] for cell in cells}
        self._group_of, self._is_near = group_of, is_near

    @property
    def veils(self) -> bool:
        return True

    def regions(self) -> list[str | None]:
        """From where it is looked at; None: from everywhere."""
        regions = self.grant.regions
        return [None] if regions is None else list(regions)

    def seen_entry(self, entry: Entry) -> Entry:
        return entry.seen_by(self._parts(entry))

    def shows(self, entry: Entry) -> bool:
        parts = self._parts(entry)
        return bool(parts) and (entry.state.ping.vehicle in self.vehicles or self._covers(entry.seen_by(parts)))

    def grants(self, entry: Entry) -> bool:
        return bool(self._parts(entry))

    def begin(self, entries: Iterable[Entry]) -> None:
        self.members = {entry.state.n for entry in entries if self.shows(entry)}

    def wants(self, event: Event, regions: Collection[str]) -> bool:
        """Whether an event is told to its followers. `regions`: those its vehicle was in."""
        group = self._group_of(event.vehicle)
        if not self.grant.sees_event(event, regions, group):
            return False
        if event.vehicle in self.vehicles:
            return True
        return is_in_cells(self.grant.shown_event(event, regions, group, self._is_near), self.cells, self.zooms)

    def exit_row(self, row: Row | None, vehicle: str, region: str) -> Row | None:
        """Where a vehicle was seen to leave a region, as that may be told."""
        parts = self.grant.admitting((region,), self._group_of(vehicle))
        if row is None or not parts:
            return None
        return _coarse(row, cell_m) if (cell_m := finest(parts).coarse_m) else row

    def _parts(self, entry: Entry) -> list[Part]:
        return self.grant.admitting(entry.state.regions, self._group_of(entry.state.ping.vehicle))

    def _covers(self, seen: Entry) -> bool:
        x, y = seen.place
        return any((z, x >> DEEPEST - z, y >> DEEPEST - z) in self.cells for z in self.zooms)


def is_in_cells(event: Event, cells: Collection[Cell], zooms: Iterable[int]) -> bool:
    """Is the place of an event, as it is shown, in one of these cells?"""
    if (event.lat, event.lon) == NOWHERE:
        return False
    return any((z, *tile(event.lat, event.lon, z)) in cells for z in zooms)


def _coarse(row: Row, cell_m: float) -> Row:
    lat_e6, lon_e6 = middle_e6(row.lat_e6 / 1e6, row.lon_e6 / 1e6, cell_m)
    return row._replace(lat_e6=lat_e6, lon_e6=lon_e6, heading=-1)


def _drop(log: dict[Any, T], is_old: Callable[[T], bool]) -> None:
    """The oldest are at the front: what is kept costs nothing."""
    if log:
        for key in [key for key, _ in takewhile(lambda item: is_old(item[1]), log.items())]:
            del log[key]


def _newer(log: dict[K, int], since: int) -> Iterator[K]:
    for key in reversed(log):
        if log[key] <= since:
            return
        yield key


class Fragment:
    """What is newer in one topic: encoded once, shared by everybody who follows it."""

    def __init__(self, upto: int) -> None:
        self.upto = upto  # the version it is true for
        self.new: dict[int, Entry] = {}
        self.moved: dict[int, Entry] = {}
        self.left: dict[int, Gone] = {}
        self.crossed: dict[tuple[str, int], bool] = {}  # is it in now?
        self.features: dict[str, None] = {}
        self.registered: dict[str, None] = {}
        self.acked: dict[str, None] = {}
        self.only_moved = False
        self._text: bytes | None = None
        self._columns: bytes | None = None

    def text(self) -> bytes:
        """The moved rows as JSON."""
        if self._text is None:
            self._text = b",".join([entry.moved() for entry in self.moved.values()])
        return self._text

    def columns(self) -> bytes:
        """The moved rows as columns."""
        if self._columns is None:
            self._columns = pack([entry.row for entry in self.moved.values()])
        return self._columns


def _read(topic: Topic, since: int, now: int, source: Source) -> Fragment:
    fragment = Fragment(now)
    entries = source.entries
    if topic.changed <= since:  # nearly all of them, and one may follow hundreds
        fragment.only_moved = True
        seen = topic.seen_entry
        fragment.moved = {n: seen(entries[n]) for n in _newer(topic.moved, since)}
        return fragment
    fragment.new = {n: topic.seen_entry(entries[n]) for n in _newer(topic.joined, since)}
    fragment.moved = {n: entries[n] for n in _newer(topic.moved, since) if n not in fragment.new}
    if topic.veils:
        fragment.moved = {n: topic.seen_entry(entry) for n, entry in fragment.moved.items()}
    fragment.left = {n: topic.gone[n] for n in topic.gone_after(since)}
    fragment.crossed = {(region, n): topic.has_in(region, n, source) for region, n in _newer(topic.crossed, since)}
    fragment.features = dict.fromkeys(_newer(topic.features, since))
    fragment.registered = dict.fromkeys(_newer(topic.registered, since))
    fragment.acked = dict.fromkeys(_newer(topic.acked, since))
    return fragment


def merge(fragments: list[Fragment], still: Callable[[int], bool]) -> Fragment:
    """Several topics as one, each vehicle once, as the last shows it. Who left one and is `still` in another has not
    left."""
    whole = Fragment(min([part.upto for part in fragments]))
    for part in fragments:
        if whole.new:
            whole.new |= {n: entry for n, entry in part.moved.items() if n in whole.new}
        whole.moved |= part.moved
        if part.only_moved:
            continue
        whole.new |= part.new
        whole.left |= {n: gone for n, gone in part.left.items() if n not in whole.left or _later(gone, whole.left[n])}
        whole.crossed |= {key: inside or whole.crossed.get(key, False) for key, inside in part.crossed.items()}
        whole.features |= part.features
        whole.registered |= part.registered
        whole.acked |= part.acked
    if whole.new:
        whole.moved = {n: entry for n, entry in whole.moved.items() if n not in whole.new}
    whole.left = {n: gone for n, gone in whole.left.items() if not still(n)}
    return whole


def _later(one: Gone, other: Gone) -> bool:
    return one.version > other.version


def members(fragment: Fragment, source: Source, *, binary: bool) -> tuple[Members, bytes]:
    """A fragment as the members of an update, and its columns (only in the binary encoding)."""
    told: Members = {}
    if fragment.new:
        told["new"] = b",".join([source.full(entry) for entry in fragment.new.values()])
    deciding = [gone.row for gone in fragment.left.values() if gone.row is not None]
    columns = b""
    if binary:
        columns = fragment.columns() + (pack(deciding) if deciding else b"")
    elif fragment.moved or deciding:
        texts = [fragment.text()] if fragment.moved else []
        told["moved"] = b",".join(texts + [moved_text(row) for row in deciding])
    if fragment.left:
        told["left"] = b",".join([b'[%d,"%b"]' % (n, gone.reason.encode()) for n, gone in fragment.left.items()])
    told |= _crossings(fragment.crossed)
    features = {region: source.feature(region) for region in fragment.features}
    if present := [text for text in features.values() if text is not None]:
        told["regions"] = b",".join(present)
    if deleted := [region for region, text in features.items() if text is None]:
        told["regions_deleted"] = b",".join(map(encode, deleted))
    if fragment.registered:
        told["vehicles"] = b",".join([source.registered(vehicle) for vehicle in fragment.registered])
    if fragment.acked:
        told["acked"] = b",".join([source.acked(event) for event in fragment.acked])
    return told, columns


def _crossings(crossed: Mapping[tuple[str, int], bool]) -> Members:
    ways: dict[bool, dict[str, list[int]]] = {True: {}, False: {}}
    for (region, n), inside in crossed.items():
        ways[inside].setdefault(region, []).append(n)
    told: Members = {}
    for inside, name in ((True, "in"), (False, "out")):
        if ways[inside]:
            told[name] = b",".join([encode([region, sorted(numbers)]) for region, numbers in ways[inside].items()])
    return told
