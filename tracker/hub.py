"""Hub: routes every committed change to the viewers that follow it.

`route` notes in which topics something changed. `tick` freezes a version; `serve` then tells each viewer what is newer
than what it was told, one frame each, from fragments encoded once per tick. Events go by `serve_events`, at once.
What a slow viewer missed needs no memory: it is simply told what is newer than its version.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeVar

import msgspec

from tracker import wire
from tracker.columns import pack
from tracker.events import Ack, Acked, Change, Event, Registered, VehicleState
from tracker.geo import tile
from tracker.picture import Picture
from tracker.recent import Recent, Told
from tracker.topics import Entry, Fragment, Source, Topic, members, merge
from tracker.viewer import CELL_ZOOMS, PENDING_SNAPSHOT, Cell, Grants, Viewer, Wish, cells_of, narrow
from tracker.wire import Follow, View

DEEPEST = CELL_ZOOMS[-1]
BASE = 12  #: the zoom of the index that finds the vehicles of a cell
KEPT_MS = 300_000  #: how long tombstones wait for those who come back, and a topic for a follower
PART_ROWS = 500  #: vehicles in one part of a snapshot
PART_BYTES = 64 * 1024
PARTS = 8  #: parts of a snapshot sent in one go
UPDATE_ROWS = 4_000  #: vehicles in one update; more are split
EVENTS = 500  #: events in one update
COUNTS_MS = 1_000
COUNTS_ZOOM = 7  #: of cells where no view says how wide they are


K = TypeVar("K")


class Body(NamedTuple):
    """What all viewers of an interest are told that were told the same before."""

    upto: int
    messages: list[tuple[bytes, bytes]]  # (end of the JSON, columns)


class Interest:
    """What some viewers follow: several connections that follow the same share one."""

    def __init__(self, wish: Wish, topics: list[Topic], singles: list[Topic], followed: bytes) -> None:
        self.wish = wish
        self.topics = topics  # what it is told
        self.singles = singles  # vehicles that do not wait for the tick; among `topics` unless that is everything
        self.followed = followed
        self.viewers: set[Viewer] = set()
        self.bodies: dict[tuple[int, bool], Body] = {}
        self.counts: tuple[int, int, bytes] = (-COUNTS_MS, -1, b"")

    @property
    def held(self) -> list[Topic]:
        """All the topics that are kept for it."""
        return [*self.topics, *self.singles] if self.wish.all else self.topics

    def clear(self) -> None:
        self.bodies.clear()

    def still(self, n: int) -> bool:
        return any(n in topic.members for topic in self.topics)

    def size(self) -> int:
        return sum(len(topic.members) for topic in self.topics)

    def numbers(self) -> set[int]:
        return set().union(*(topic.members for topic in self.topics))

    def sees(self, told: Told) -> bool:
        """An event of a region is its followers' business, any other that of those who follow its vehicle."""
        wish, event = self.wish, told.event
        if wish.all:
            return True
        if event.region is not None:
            return event.region in wish.regions
        if event.vehicle in wish.vehicles or not wish.regions.isdisjoint(told.regions):
            return True
        return any((z, *tile(event.lat, event.lon, z)) in wish.cells for z in {cell[0] for cell in wish.cells})


class Hub:
    """Purely synchronous; `now` is UTC ms. What must be done soon is put into `urgent` and `behind`, then `wake` is
    called."""

    def __init__(self, picture: Picture, *, epoch: bytes = bytes(4), t0: int = 0) -> None:
        self.picture = picture
        self.epoch, self.t0 = epoch, t0
        self.started_seq = 0  # the newest event when this run began
        self.version = 1
        self.entries: dict[int, Entry] = {}
        self.everything = Topic(self.version)
        self.regions: dict[str, Topic] = {}
        self.vehicles: dict[str, Topic] = {}
        self.cells: dict[Cell, Topic] = {}
        self.recent = Recent()
        self.viewers: set[Viewer] = set()
        self.urgent: dict[Viewer, set[int]] = {}  # who has news that does not wait, and of which single vehicles
        self.behind: set[Viewer] = set()  # whose next events are only in the store
        self.unplaced: list[Acked] = []  # acknowledgements of events only the store knows
        self.wake: Callable[[], None] = lambda: None
        self.most_vehicles = 50_000
        self.has_events = False
        self.frames = self.encodes = 0
        self._interests: dict[bytes, Interest] = {}
        self._singles: dict[str, set[Interest]] = {}  # vehicle → who follows it by itself
        self._base: dict[tuple[int, int], set[int]] = {}
        self._zooms: dict[int, int] = {}  # how many cell topics of each zoom there are
        self._features: dict[str, bytes] = {}
        self._acks: dict[str, Acked] = {}
        self._used: list[Topic | Interest] = []  # whose caches hold something of this tick
        self._events: dict[tuple[bytes, frozenset[str] | None, int], list[Told]] = {}
        self._horizon: list[tuple[int, int]] = []  # (time, version), oldest first
        self._source = Source(self.entries, self._full, self._feature, self._registered, self._acked)

    def begin(self, *, epoch: bytes, t0: int, events: list[Event] | None = None) -> None:
        """Take over what the picture holds after the store was read; `events` are the newest of its log, ascending."""
        self.epoch, self.t0 = epoch, t0
        self.started_seq = self.picture.last_seq
        for state in self.picture.vehicles.values():
            if state.n not in self.entries:
                self._put(state)
                self.everything.members.add(state.n)
        inside = {vehicle: frozenset(state.regions) for vehicle, state in self.picture.vehicles.items()}
        self.recent.restore(events or [], self.picture.last_seq, inside)

    # ------------------------------------------------------------------------------------------------ routing

    def route(self, change: Change) -> None:
        """Take one committed change, and have the picture take it."""
        self.version = version = self.version + 1
        for feature in change.regions:
            self._touch_region(feature["id"])
        exits = {(event.vehicle, event.region): event for event in change.events if event.kind == "exit"}
        for region in change.regions_deleted:
            self._touch_region(region)
            for vehicle in self.picture.inside.get(region, ()):
                self._leave_region(region, self.picture.vehicles[vehicle].n, None)
        before = {state.n: self._regions_of(state.ping.vehicle) for state in change.moved} if change.events else {}
        for state in change.moved:
            self._move(state, exits)
        for vehicle in change.removed:
            self._remove(vehicle)
        self.picture.apply(change)
        for entry in change.registered:
            self._register(entry, version)
        if change.events:
            self._happen(change, before)
        for ack in change.acked:
            self._ack(ack)
        if self.viewers:
            self.wake()

    def _regions_of(self, vehicle: str) -> dict[str, int]:
        state = self.picture.vehicles.get(vehicle)
        return state.regions if state else {}

    def _move(self, state: VehicleState, exits: dict[tuple[str, str | None], Event]) -> None:
        version, n, vehicle = self.version, state.n, state.ping.vehicle
        old = self.entries.get(n)
        entry = self._put(state)
        known = old is not None and (old.state.held is None) == (state.held is None)
        tell = Topic.join if known else _introduce
        tell(self.everything, n, version)
        was, now = self._regions_of(vehicle), state.regions
        if self.regions or was is not now:
            for region in now:
                if topic := self.regions.get(region):
                    tell(topic, n, version)
                if region not in was:
                    self._cross(region, n)
            for region in was:
                if region not in now:
                    self._leave_region(region, n, exits.get((vehicle, region)))
        for zoom in self._zooms:
            shift = DEEPEST - zoom
            here = (zoom, entry.x >> shift, entry.y >> shift)
            if topic := self.cells.get(here):
                tell(topic, n, version)
            if old is not None:
                there = (zoom, old.x >> shift, old.y >> shift)
                if there != here and (topic := self.cells.get(there)):
                    topic.leave(n, version, "view")
        if topic := self.vehicles.get(vehicle):
            tell(topic, n, version)
            for interest in self._singles.get(vehicle, ()):
                for viewer in interest.viewers:
                    self.urgent.setdefault(viewer, set()).add(n)

    def _put(self, state: VehicleState) -> Entry:
        x, y = tile(state.ping.lat, state.ping.lon, DEEPEST)
        old = self.entries.get(state.n)
        entry = self.entries[state.n] = Entry(state, wire.moved_row(state, self.t0), x, y)
        shift = DEEPEST - BASE
        if old is None or (old.x >> shift, old.y >> shift) != (x >> shift, y >> shift):
            if old is not None:
                self._base[old.x >> shift, old.y >> shift].discard(state.n)
            self._base.setdefault((x >> shift, y >> shift), set()).add(state.n)
        return entry

    def _cross(self, region: str, n: int) -> None:
        self.everything.touch(self.everything.crossed, (region, n), self.version)
        if topic := self.regions.get(region):
            topic.touch(topic.crossed, (region, n), self.version)

    def _leave_region(self, region: str, n: int, exit: Event | None) -> None:
        self._cross(region, n)
        if topic := self.regions.get(region):
            row = None
            if exit is not None:  # the deciding fix, even if a later one came in the same change
                row = wire.exit_row(n, exit, self.entries[n].row, self.t0)
            topic.leave(n, self.version, "region", row)

    def _remove(self, vehicle: str) -> None:
        state = self.picture.vehicles.get(vehicle)
        if state is None or (entry := self.entries.get(state.n)) is None:
            return
        for region in state.regions:
            self._cross(region, state.n)
        for topic in self._topics_of(entry):
            topic.leave(state.n, self.version, "removed")
        del self.entries[state.n]
        shift = DEEPEST - BASE
        self._base[entry.x >> shift, entry.y >> shift].discard(state.n)

    def _topics_of(self, entry: Entry) -> Iterator[Topic]:
        yield self.everything
        cells = ((zoom, entry.x >> DEEPEST - zoom, entry.y >> DEEPEST - zoom) for zoom in self._zooms)
        for topic in (
            *(self.regions.get(region) for region in entry.state.regions),
            *(self.cells.get(cell) for cell in cells),
            self.vehicles.get(entry.state.ping.vehicle),
        ):
            if topic is not None:
                yield topic

    def _touch_region(self, region: str) -> None:
        self._features.pop(region, None)
        for topic in (self.everything, self.regions.get(region)):
            if topic is not None:
                topic.touch(topic.features, region, self.version)

    def _register(self, entry: Registered, version: int) -> None:
        state = self.picture.vehicles.get(entry.vehicle)
        live = self.entries.get(state.n) if state else None
        if live is not None:
            live.full = None
        for topic in self._topics_of(live) if live else (self.everything, self.vehicles.get(entry.vehicle)):
            if topic is not None:
                topic.touch(topic.registered, entry.vehicle, version)

    # ------------------------------------------------------------------------------------------------- events

    def _happen(self, change: Change, before: dict[int, dict[str, int]]) -> None:
        """Remember the events, with the regions each one's vehicle was in as it happened."""
        inside: dict[str, set[str]] = {}
        for state in change.moved:
            inside[state.ping.vehicle] = set(before.get(state.n, ()))
        for event in change.events:
            regions = inside.setdefault(event.vehicle, set(self._regions_of(event.vehicle)))
            if event.region is not None and event.kind == "enter":
                regions.add(event.region)
            elif event.region is not None and event.kind == "exit":
                regions.discard(event.region)
            self.recent.add(Told(event, frozenset(regions)))
        self.has_events = True
        self._events.clear()

    def _ack(self, ack: Acked) -> None:
        told = self.recent.find(ack.id)
        if told is None:
            self.unplaced.append(ack)
            self._tell_ack(ack, None)
        else:
            done = None if ack.by is None else Ack(ack.by, ack.at)
            told.change(msgspec.structs.replace(told.event, ack=done))
            self._tell_ack(ack, told.event)

    def place_ack(self, ack: Acked, event: Event) -> None:
        """The store found the event of an `unplaced` acknowledgement: now its other followers can be told."""
        self.version += 1
        self._tell_ack(ack, event)
        self.wake()

    def _tell_ack(self, ack: Acked, event: Event | None) -> None:
        self._acks[ack.id] = ack
        topics: list[Topic | None] = [self.everything]
        if event is not None and event.region is not None:
            topics.append(self.regions.get(event.region))
        elif event is not None and (state := self.picture.vehicles.get(event.vehicle)) and state.n in self.entries:
            topics.extend(self._topics_of(self.entries[state.n]))
        for topic in topics:
            if topic is not None:
                topic.touch(topic.acked, ack.id, self.version)

    # ------------------------------------------------------------------------------------------ who follows what

    def attach(self, viewer: Viewer) -> None:
        self.viewers.add(viewer)

    def detach(self, viewer: Viewer) -> None:
        self.viewers.discard(viewer)
        self.behind.discard(viewer)
        self.urgent.pop(viewer, None)
        self._unfollow(viewer)

    def follow(self, viewer: Viewer, follow: Follow, now: int, grants: Grants | None = None) -> bool:
        """Follow this set from now on. Answers False when it names a region there is not, or that may not be seen."""
        viewer.grants = grants or viewer.grants
        wish = narrow(follow, viewer.grants)
        if follow.view is not None:
            viewer.cells_zoom = min(max(int(follow.view.zoom), 3), DEEPEST) + 1
        self._set(viewer, wish)
        viewer.pace(follow, self.most_vehicles)
        cursor = wire.read_cursor(follow.resume) if follow.resume else None
        if cursor is not None:
            self._go_on(viewer, cursor)
        elif viewer.seq < 0 or follow.resume:
            viewer.seq, viewer.mark = self.recent.last, self.recent.mark
        if (
            cursor is not None
            and cursor.epoch == self.epoch
            and cursor.followed == viewer.interest.followed
            and self._floor(viewer.interest) <= cursor.version <= self.version
            and not self._too_many(viewer)
        ):
            viewer.told = cursor.version
            viewer.parts = None
            viewer.told_version = -1  # answer at once, even if nothing is newer
        else:
            self._start_snapshot(viewer, viewer.interest.numbers(), reset=True)
        self.urgent.setdefault(viewer, set())
        self.wake()
        asked = frozenset(follow.regions or ())
        return asked <= wish.regions | (frozenset(self.picture.regions) if wish.all else frozenset()) and all(
            region in self.picture.regions for region in asked
        )

    def _go_on(self, viewer: Viewer, cursor: wire.Cursor) -> None:
        """Where a viewer that comes back goes on in the events. In a log that went another way since (a restored
        backup) nothing after the start of this run is missed."""
        viewer.seq, viewer.mark = cursor.seq, cursor.mark
        known = self.recent.mark_of(cursor.seq)
        if cursor.seq > self.recent.last or (known is not None and known != cursor.mark):
            self.diverge(viewer)

    def diverge(self, viewer: Viewer) -> None:
        """The event its cursor ends at is not in this log."""
        viewer.seq = min(viewer.seq, self.started_seq)
        viewer.mark = self.recent.mark_of(viewer.seq) or wire.NO_MARK

    def view(self, viewer: Viewer, view: View, now: int) -> None:
        """The map moved: a snapshot of the cells it entered, nothing of those it left."""
        if viewer.wish is None or not viewer.grants.everything:
            return
        viewer.cells_zoom = min(max(int(view.zoom), CELL_ZOOMS[0]), DEEPEST) + 1
        before = viewer.wish.cells
        wish = msgspec.structs.replace(viewer.wish, cells=cells_of(view))
        if wish.all or wish.cells == before:
            return
        whole = viewer.parts is not None or viewer.counting or not viewer.has_room(now)
        if not whole:  # first the rest of what it goes on following
            viewer.due = 0.0
            self._tell_state(viewer, now)
        self._set(viewer, wish)
        if whole or self._too_many(viewer):
            self._start_snapshot(viewer, viewer.interest.numbers(), reset=True)
        else:
            entered: set[int] = set().union(*(self.cells[cell].members for cell in wish.cells - before))
            self._start_snapshot(viewer, entered, reset=False)
        self.urgent.setdefault(viewer, set())
        self.wake()

    def _set(self, viewer: Viewer, wish: Wish) -> None:
        self._unfollow(viewer)
        followed = wire.digest(*wish.key(), viewer.grants.key())
        interest = self._interests.get(followed)
        if interest is None:
            interest = self._interests[followed] = Interest(wish, *self._topics(wish), followed)
            for topic in interest.held:
                topic.followers += 1
            for vehicle in wish.vehicles:
                self._singles.setdefault(vehicle, set()).add(interest)
        interest.viewers.add(viewer)
        viewer.wish, viewer.interest = wish, interest
        viewer.head = wire.cursor_head(self.epoch, followed)

    def _unfollow(self, viewer: Viewer) -> None:
        interest: Interest | None = viewer.interest
        viewer.interest = None
        if interest is None:
            return
        interest.viewers.discard(viewer)
        if not interest.viewers:
            del self._interests[interest.followed]
            for topic in interest.held:
                topic.followers -= 1
            for vehicle in interest.wish.vehicles:
                self._singles[vehicle].discard(interest)

    def _topics(self, wish: Wish) -> tuple[list[Topic], list[Topic]]:
        """The topics of a wish; those nobody followed before begin to be kept."""
        if wish.all:
            topics = [self.everything]
        else:
            topics = [self._region_topic(region) for region in sorted(wish.regions)]
            topics += self._cell_topics(wish.cells)
        singles = []
        for vehicle in sorted(wish.vehicles):
            if vehicle not in self.vehicles:
                state = self.picture.vehicles.get(vehicle)
                self.vehicles[vehicle] = Topic(self.version, (state.n,) if state else ())
            singles.append(self.vehicles[vehicle])
        return topics if wish.all else topics + singles, singles

    def _region_topic(self, region: str) -> Topic:
        topic = self.regions.get(region)
        if topic is None:
            inside = (self.picture.vehicles[vehicle].n for vehicle in self.picture.inside.get(region, ()))
            topic = self.regions[region] = Topic(self.version, inside)
        return topic

    def _cell_topics(self, cells: frozenset[Cell]) -> list[Topic]:
        missing = [cell for cell in sorted(cells) if cell not in self.cells]
        for cell in missing:
            self.cells[cell] = Topic(self.version)
            self._zooms[cell[0]] = self._zooms.get(cell[0], 0) + 1
        for zoom in {cell[0] for cell in missing}:
            wanted = {cell for cell in missing if cell[0] == zoom}
            for n, x, y in self._near(zoom, wanted):
                if (zoom, x, y) in wanted:
                    self.cells[zoom, x, y].members.add(n)
        return [self.cells[cell] for cell in sorted(cells)]

    def _near(self, zoom: int, cells: set[Cell]) -> Iterator[tuple[int, int, int]]:
        """(n, x, y at this zoom) of at least the vehicles in these cells."""
        shift = DEEPEST - zoom
        if zoom >= BASE:
            tiles = {(x >> zoom - BASE, y >> zoom - BASE) for _, x, y in cells}
        else:
            wide = BASE - zoom
            tiles = {key for key in self._base if (zoom, key[0] >> wide, key[1] >> wide) in cells}
        for key in tiles:
            for n in self._base.get(key, ()):
                entry = self.entries[n]
                yield n, entry.x >> shift, entry.y >> shift

    def _floor(self, interest: Interest) -> int:
        return max((topic.floor for topic in interest.topics), default=0)

    def _too_many(self, viewer: Viewer) -> bool:
        return viewer.max_vehicles is not None and viewer.interest.size() > viewer.max_vehicles

    # ----------------------------------------------------------------------------------------------- telling

    def tick(self) -> list[Viewer]:
        """Begin a tick: who may be told something. What is encoded for one of them serves all until the next."""
        for used in self._used:
            used.clear()
        self._used.clear()
        return list(self.viewers)

    def serve(self, viewer: Viewer, now: int) -> None:
        """Tell a viewer all that is new to it, if it can take it."""
        self.urgent.pop(viewer, None)
        if viewer.interest is None:
            return
        if viewer.parts is not None:
            self._tell_parts(viewer, now)
        if viewer.parts is None and viewer.has_room(now):
            if viewer.counting or self._too_many(viewer):
                self._tell_counts(viewer, now)
            elif now >= viewer.due and viewer.has_credit():
                self._tell_state(viewer, now)
            self._tell_events(viewer)

    def serve_urgent(self, viewer: Viewer, now: int) -> None:
        """Tell what does not wait for the tick: an answer to `follow`, events, vehicles followed by themselves."""
        numbers = self.urgent.pop(viewer, set())
        if viewer.interest is None or viewer.parts is not None or viewer.told_version < 0:
            self.serve(viewer, now)
            return
        if not viewer.has_room(now):
            return
        entries = [self.entries[n] for n in numbers if n in self.entries]
        if entries and viewer.has_credit() and not viewer.counting:
            self._send(viewer, *self._moved(entries, viewer.binary))
        self._tell_events(viewer)

    def lags(self, viewer: Viewer) -> bool:
        """Whether something waits that could not be told yet."""
        return viewer.interest is not None and (
            viewer.parts is not None
            or (viewer.told < self.version and not viewer.counting)
            or (viewer.seq < self.recent.last and not viewer.behind)
        )

    def _tell_state(self, viewer: Viewer, now: int) -> None:
        interest: Interest = viewer.interest
        if viewer.told < self._floor(interest):
            self._start_snapshot(viewer, interest.numbers(), reset=True)
            self._tell_parts(viewer, now)
            return
        body = self._body(interest, viewer.told, viewer.binary)
        if not body.messages:
            viewer.told = body.upto
            if viewer.told_version < 0:
                self._send(viewer, b"}")
            return
        for ending, columns in body.messages[:-1]:
            self._send(viewer, ending, columns)
        viewer.told = body.upto
        ending, columns = body.messages[-1]
        if 0 < len(events := self._events_for(viewer)) <= EVENTS:  # in the same frame
            viewer.seq, viewer.mark = self.recent.last, self.recent.mark
            ending = ending[:-1] + wire.tail({"events": b",".join([told.text() for told in events])})
        self._send(viewer, ending, columns)
        if viewer.gap_ms:
            viewer.due = max(viewer.due + viewer.gap_ms, now + viewer.gap_ms / 2)

    def _send(self, viewer: Viewer, ending: bytes, columns: bytes = b"") -> None:
        viewer.frame += 1
        viewer.told_version, viewer.told_seq = viewer.told, viewer.seq
        whole = viewer.parts is None and not viewer.counting  # else there are vehicles it has not been told
        cursor = viewer.head + wire.cursor_tail(viewer.mark, viewer.seq, viewer.told if whole else 0)
        self.frames += 1
        if columns:
            viewer.outlet.send(wire.binary_update(viewer.frame, cursor, ending, columns), False)
        else:
            viewer.outlet.send(wire.update(viewer.frame, cursor, ending), True)

    def tell_cursor(self, viewer: Viewer) -> None:
        """Advance the cursor of a viewer that had nothing to hear for a while."""
        if viewer.interest is None or viewer.parts is not None or viewer.counting:
            return
        if (viewer.told, viewer.seq) != (viewer.told_version, viewer.told_seq):
            self._send(viewer, b"}")

    def _body(self, interest: Interest, since: int, binary: bool) -> Body:
        key = (since, binary)
        if (body := interest.bodies.get(key)) is None:
            if not interest.bodies:
                self._used.append(interest)
            body = interest.bodies[key] = self._compose(interest, since, binary)
        return body

    def _compose(self, interest: Interest, since: int, binary: bool) -> Body:
        fragments = [self._fragment(topic, since) for topic in interest.topics if topic.version > since]
        if not fragments:
            return Body(self.version, [])
        whole = fragments[0]
        if len(interest.topics) > 1 and (len(fragments) > 1 or whole.left):
            whole = merge(fragments, interest.still)
        messages = []
        moved = list(whole.moved.values())
        if len(moved) > UPDATE_ROWS:
            for start in range(UPDATE_ROWS, len(moved), UPDATE_ROWS):
                messages.append(self._moved(moved[start : start + UPDATE_ROWS], binary))
            whole = merge([whole], lambda n: False)
            whole.moved = {entry.state.n: entry for entry in moved[:UPDATE_ROWS]}
        told, columns = members(whole, self._source, binary=binary)
        if told or columns:
            messages.append((wire.tail(told), columns))
        return Body(whole.upto, messages)

    def _fragment(self, topic: Topic, since: int) -> Fragment:
        if not topic.fragments:
            self._used.append(topic)
        if since not in topic.fragments:
            self.encodes += 1
        return topic.fragment(since, self.version, self._source)

    def _moved(self, entries: list[Entry], binary: bool) -> tuple[bytes, bytes]:
        if binary:
            return b"}", pack([entry.row for entry in entries])
        return wire.tail({"moved": b",".join([entry.moved() for entry in entries])}), b""

    # events: from `recent`, or else (`behind`) the caller reads the store and calls `replay`

    def _tell_events(self, viewer: Viewer) -> None:
        events = self._events_for(viewer)
        if not viewer.behind and viewer.seq < self.recent.last:
            self._send_events(viewer, events, self.recent.last, self.recent.mark)

    def _events_for(self, viewer: Viewer) -> list[Told]:
        """Those it has not been told of, once for all who are as far and follow the same."""
        if viewer.behind or viewer.seq >= self.recent.last:
            return []
        if viewer.seq + 1 < self.recent.first:
            viewer.behind = True
            self.behind.add(viewer)
            self.wake()
            return []
        key = (viewer.interest.followed, viewer.kinds, viewer.seq)
        if (events := self._events.get(key)) is None:
            events = [told for told in self.recent.since(viewer.seq) if _wants(viewer, told)]
            self._events[key] = events
        return events

    def _send_events(self, viewer: Viewer, events: list[Told], upto: int, mark: bytes) -> None:
        for start in range(0, len(events), EVENTS):
            some = events[start : start + EVENTS]
            newest = some[-1].event  # the cursor must not promise what is not sent yet
            viewer.seq, viewer.mark = newest.seq, wire.mark(newest.id)
            if start + EVENTS >= len(events):
                viewer.seq, viewer.mark = upto, mark
            self._send(viewer, wire.tail({"events": b",".join([told.text() for told in some])}))
        viewer.seq, viewer.mark = upto, mark

    def replay(self, viewer: Viewer, events: list[Told]) -> None:
        """What comes in the store after `viewer.seq`, ascending and complete up to the last; none: it has all."""
        if viewer.interest is None:
            return
        if events:
            newest = events[-1].event
            wanted = [told for told in events if _wants(viewer, told)]
            self._send_events(viewer, wanted, newest.seq, wire.mark(newest.id))
        if not events or viewer.seq + 1 >= self.recent.first:
            viewer.behind = False
            self.behind.discard(viewer)
            self.urgent.setdefault(viewer, set())

    # snapshots

    def _start_snapshot(self, viewer: Viewer, numbers: set[int], *, reset: bool) -> None:
        viewer.told = self.version
        viewer.told_version = self.version
        viewer.counting = False
        viewer.parts = iter(()) if self._too_many(viewer) and reset else self._parts(viewer, sorted(numbers), reset)

    def _parts(self, viewer: Viewer, numbers: list[int], reset: bool) -> Iterator[bytes]:
        """The parts of a snapshot, each made as it is sent. Only the last one's cursor can be resumed from."""
        regions = self._regions_told(viewer.interest) if reset else []
        features = list(_chunks(regions, lambda region: len(self._feature(region) or b"")))
        inside = list(_chunks(regions, lambda region: 8 * len(self.picture.inside.get(region, ()))))
        rows = [numbers[start : start + PART_ROWS] for start in range(0, len(numbers), PART_ROWS)]
        parts = max(1, len(rows), len(features), len(inside))
        for part in range(parts):
            told: wire.Members = {}
            if part < len(rows):
                entries = [self.entries[n] for n in rows[part] if n in self.entries and viewer.interest.still(n)]
                told["vehicles"] = b",".join([self._full(entry) for entry in entries])
            if part < len(features):
                texts = [self._feature(region) for region in features[part]]
                told["regions"] = b",".join([text for text in texts if text is not None])
            if part < len(inside):
                told["in"] = b",".join(
                    [self._inside(region) for region in inside[part] if region in self.picture.regions]
                )
            last = part == parts - 1
            cursor = viewer.head + wire.cursor_tail(viewer.mark, viewer.seq, viewer.told if last else 0)
            yield wire.snapshot(cursor, reset, part + 1, parts, told)

    def _regions_told(self, interest: Interest) -> list[str]:
        present = self.picture.regions
        return list(present) if interest.wish.all else [r for r in sorted(interest.wish.regions) if r in present]

    def _inside(self, region: str) -> bytes:
        vehicles = self.picture.vehicles
        return wire.encode([region, sorted(vehicles[vehicle].n for vehicle in self.picture.inside.get(region, ()))])

    def _tell_parts(self, viewer: Viewer, now: int) -> None:
        assert viewer.parts is not None
        for _ in range(PARTS):
            if not viewer.has_room(now, PENDING_SNAPSHOT):
                return
            part = next(viewer.parts, None)
            if part is None:
                viewer.parts = None
                return
            viewer.outlet.send(part, True)

    # counts

    def _tell_counts(self, viewer: Viewer, now: int) -> None:
        """How many vehicles each cell has, where there are too many to tell; until there are clearly fewer."""
        interest: Interest = viewer.interest
        if interest.size() <= 0.8 * (viewer.max_vehicles or 0) or viewer.max_vehicles is None:
            self._start_snapshot(viewer, interest.numbers(), reset=True)
            return
        if not viewer.counting or viewer.due <= now:
            viewer.due = now + COUNTS_MS
            zoom = viewer.cells_zoom if viewer.wish and viewer.wish.cells else COUNTS_ZOOM
            cells = self._count(interest, zoom, now)
            if not viewer.counting or cells != viewer.counted:
                viewer.counting, viewer.counted = True, cells
                viewer.outlet.send(cells, True)

    def _count(self, interest: Interest, zoom: int, now: int) -> bytes:
        at, known_zoom, cells = interest.counts
        if now - at >= COUNTS_MS or known_zoom != zoom:
            shift = DEEPEST - zoom
            found: dict[tuple[int, int], int] = {}
            for n in interest.numbers():
                entry = self.entries[n]
                key = (entry.x >> shift, entry.y >> shift)
                found[key] = found.get(key, 0) + 1
            cells = wire.counts([(zoom, x, y, count) for (x, y), count in sorted(found.items())])
            interest.counts = (now, zoom, cells)
        return cells

    # ------------------------------------------------------------------------------------------ the present values

    def _full(self, entry: Entry) -> bytes:
        if entry.full is None:
            registered = self.picture.register.get(entry.state.ping.vehicle)
            entry.full = wire.encode(wire.new_row(entry.state, registered, self.t0))
        return entry.full

    def _feature(self, region: str) -> bytes | None:
        if (feature := self.picture.regions.get(region)) is None:
            return None
        if (text := self._features.get(region)) is None:
            text = self._features[region] = wire.encode(feature)
        return text

    def _registered(self, vehicle: str) -> bytes:
        return wire.encode(wire.register_entry(self.picture.register.get(vehicle) or Registered(vehicle)))

    def _acked(self, event: str) -> bytes:
        return wire.encode(wire.acked(self._acks[event]))

    # ------------------------------------------------------------------------------------------------- house-keeping

    def keep_house(self, now: int) -> None:
        """Forget what was kept for those who come back and has become too old. Call it about once a second."""
        self._horizon.append((now, self.version))
        past = [at for at in self._horizon if now - at[0] >= KEPT_MS]
        horizon = past[-1][1] if past else 0
        del self._horizon[: len(past)]
        self.everything.forget(horizon)
        _drop_unused(self.regions, now, horizon)
        _drop_unused(self.vehicles, now, horizon)
        for zoom, *_ in _drop_unused(self.cells, now, horizon):
            self._zooms[zoom] -= 1
            if not self._zooms[zoom]:
                del self._zooms[zoom]
        self._acks = {event: ack for event, ack in self._acks.items() if event in self.everything.acked}


def _drop_unused(topics: dict[K, Topic], now: int, horizon: int) -> list[K]:
    """Forget the topics nobody has followed for so long that nobody will come back to them."""
    dropped: list[K] = []
    for key, topic in topics.items():
        topic.forget(horizon)
        if topic.followers:
            topic.unused_at = 0
        elif not topic.unused_at:
            topic.unused_at = now
        elif now - topic.unused_at >= KEPT_MS:
            dropped.append(key)
    for key in dropped:
        del topics[key]
    return dropped


def _introduce(topic: Topic, n: int, version: int) -> None:
    """Tell all of a vehicle, to those too who know it."""
    topic.members.add(n)
    topic.gone.pop(n, None)
    topic.moved.pop(n, None)
    topic.touch(topic.joined, n, version)


def _wants(viewer: Viewer, told: Told) -> bool:
    return (viewer.kinds is None or told.event.kind in viewer.kinds) and viewer.interest.sees(told)


def _chunks(names: list[str], size: Callable[[str], int]) -> Iterator[list[str]]:
    chunk: list[str] = []
    total = 0
    for name in names:
        if chunk and total + size(name) > PART_BYTES:
            yield chunk
            chunk, total = [], 0
        chunk.append(name)
        total += size(name) + len(name)
    if chunk:
        yield chunk
