"""Hub: routes every committed change to the viewers that follow it.

`route` notes in which topics something changed. `tick` freezes a version; `serve` then tells each viewer what is newer
than what it was told, one frame each, from fragments encoded once per tick. Events go by `serve_events`, at once.
What a slow viewer missed needs no memory: it is simply told what is newer than its version.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from tracker.access.grants import Grant
from tracker.errors import Overloaded
from tracker.live import messages, snapshot
from tracker.live.awaited import Awaited, Names, names, region_key, vehicle_key
from tracker.live.columns import pack
from tracker.live.cursor import NO_MARK, Cursor, cursor_head, cursor_tail, digest, mark_of, read_cursor
from tracker.live.event_log import Recent, Told, with_regions
from tracker.live.following import Body, Interest
from tracker.live.requests import Follow, View
from tracker.live.routing import Routing
from tracker.live.topics import Entry, Fragment, Topic, members, merge
from tracker.live.viewer import PENDING_SNAPSHOT, Viewer, Wish, cells_of, counted_zoom, narrow
from tracker.model.change import Acked, Change
from tracker.model.events import Ack, Event
from tracker.model.picture import Picture

PARTS = 2  #: parts of a snapshot made in one go: 500 vehicles
UPDATE_ROWS = 4_000  #: vehicles in one update; more are split
EVENTS = 500  #: events in one update
SHARED = 1000  #: vehicles of a binary snapshot from which on those who come at once share its tables
COUNTS_MS = 1_000
COUNTS_ZOOM = 7  #: of cells where no view says how wide they are


class Returned(msgspec.Struct):
    """Somebody who comes back and begins anew: acknowledgements of events up to `upto` are told from the store."""

    upto: int
    since: int | None = None  # from when on
    told: int = 0  # those of events up to this one


class Hub:
    """Purely synchronous; `now` is UTC ms. What must be done soon is put into `urgent` and `behind`, then `wake` is
    called."""

    def __init__(self, picture: Picture, *, epoch: bytes = bytes(4), t0: int = 0) -> None:
        self.epoch = epoch
        self.routing = Routing(picture, t0)
        self.picture = picture
        self.started_seq = 0  # the newest event when this run began
        self.recent = Recent()
        self.viewers: set[Viewer] = set()
        self.urgent: dict[Viewer, set[int]] = {}  # who has news that does not wait, and of which single vehicles
        self.behind: set[Viewer] = set()  # whose next events are only in the store
        self.returned: dict[Viewer, Returned] = {}  # who begins anew and has to be told what was acknowledged meanwhile
        self.unplaced: list[Acked] = []  # acknowledgements of events only the store knows
        self.wake: Callable[[], None] = lambda: None
        self.most_vehicles = 50_000
        self.has_events = False
        self.frames = self.encodes = 0
        self._interests: dict[bytes, Interest] = {}
        self._singles: dict[str, set[Interest]] = {}  # a known vehicle → who follows it by itself
        self.awaited = Awaited()
        self._used: list[Topic | Interest] = []  # whose caches hold something of this tick
        self._events: dict[tuple[bytes, frozenset[str] | None, int], list[Told]] = {}
        self._counts: dict[tuple[bytes, int], tuple[int, bytes]] = {}  # what is followed, zoom → when it was made, what

    def begin(self, *, epoch: bytes, t0: int, events: list[Event] | None = None) -> None:
        """Take over what the picture holds after the store was read; `events` are the newest of its log, ascending."""
        self.epoch = epoch
        self.started_seq = self.picture.last_seq
        self.routing.begin(t0)
        inside = {vehicle: frozenset(state.regions) for vehicle, state in self.picture.vehicles.items()}
        self.recent.restore(events or [], self.picture.last_seq, inside)

    @property
    def version(self) -> int:
        """Of the newest change."""
        return self.routing.version

    # ------------------------------------------------------------------------------------------- what happened

    def route(self, change: Change) -> None:
        """Take one committed change, and have the picture take it."""
        assert all(event.seq for event in change.events), "an event is told when it is visible, not before"
        happened = (*change.events, *change.unnumbered)
        inside = {event.vehicle: set(self.routing.regions_of(event.vehicle)) for event in happened}
        self._find(change)
        self.routing.take(change)
        if self._singles:
            for state in change.moved:
                for interest in self._singles.get(state.ping.vehicle, ()):
                    for viewer in interest.viewers:
                        self.urgent.setdefault(viewer, set()).add(state.n)
        for event in change.unnumbered:
            self.recent.expect(event.id, _regions_at(event, inside[event.vehicle]))
        if change.events:
            self._happen(change, inside)
        for ack in change.acked:
            self._ack(ack)
        if change.erased:
            self.recent.erase(frozenset(change.erased))
        if change.removed or change.erased:
            self._forget_tables()
        if self.viewers:
            self.wake()

    def begin_again(self, change: Change) -> None:
        """Routing this change failed: take it as the picture shows it, and have everybody told anew what they follow.
        Nobody misses an event: those are taken as well, unless they were."""
        self._find(change, sure=False)
        self.picture.apply(change)
        self.routing.begin_again()
        inside = {event.vehicle: frozenset(self.routing.regions_of(event.vehicle)) for event in change.events}
        for told in with_regions(change.events, inside):
            self.recent.add(told)
        self.has_events = True
        self._events.clear()
        for ack in change.acked:
            self._ack(ack)
        self.recent.erase(frozenset(change.erased))
        self.wake()

    def _find(self, change: Change, *, sure: bool = True) -> None:
        """Names that were followed before they were known. `sure`: nothing of this change was taken yet."""
        if not self.awaited.count:
            return
        routing, picture = self.routing, self.picture
        for feature in change.regions:
            if (region := feature["id"]) not in picture.regions or not sure:
                for interest in self._waiting(region_key(region)):
                    interest.find(self._found(routing.region(region)), region=region)
        for vehicle in (
            *(state.ping.vehicle for state in change.moved if state.n not in routing.entries or not sure),
            *(entry.vehicle for entry in change.registered if entry.vehicle not in picture.register or not sure),
        ):
            for interest in self._waiting(vehicle_key(vehicle)):
                interest.find(self._found(routing.vehicle(vehicle)), vehicle=vehicle)
                self._singles.setdefault(vehicle, set()).add(interest)

    def _waiting(self, key: int) -> list[Interest]:
        return [interest for interest in self.awaited.take(key) if isinstance(interest, Interest)]

    def _found(self, topic: Topic) -> Topic:
        if not topic.followers:
            topic.floor = min(topic.floor, self.routing.unwatched)  # it was not there before: nothing left it
        self.routing.hold(topic)
        return topic

    def _happen(self, change: Change, inside: dict[str, set[str]]) -> None:
        """Remember the events, with the regions each one's vehicle was in as it happened: `inside` before them all."""
        for event in change.events:
            self.recent.add(Told(event, _regions_at(event, inside[event.vehicle])))
        self.has_events = True
        self._events.clear()

    def _ack(self, ack: Acked) -> None:
        told = self.recent.find(ack.id)
        if told is None:
            self.unplaced.append(ack)
            self.routing.tell_ack(ack, None)
        else:
            done = None if ack.by is None else Ack(ack.by, ack.at)
            told.change(msgspec.structs.replace(told.event, ack=done))
            self.routing.tell_ack(ack, told.event)

    def place_ack(self, ack: Acked, event: Event) -> None:
        """The store found the event of an `unplaced` acknowledgement: now its other followers can be told."""
        self.routing.version += 1
        self.routing.tell_ack(ack, event)
        self.wake()

    # ------------------------------------------------------------------------------------------ who follows what

    def attach(self, viewer: Viewer) -> None:
        self.viewers.add(viewer)

    def detach(self, viewer: Viewer) -> None:
        self.viewers.discard(viewer)
        self.behind.discard(viewer)
        self.returned.pop(viewer, None)
        self.urgent.pop(viewer, None)
        self._unfollow(viewer)

    def follow(self, viewer: Viewer, follow: Follow, now: int, grant: Grant | None = None) -> bool:
        """Follow this set from now on. Answers False when it names a region there is not, or that may not be seen.

        Raises Overloaded, and changes nothing, when too many names nobody knows are followed already.
        """
        viewer.grant = grant or viewer.grant
        wish = narrow(follow, viewer.grant)
        known, awaits = self._known(wish)
        if follow.view is not None:
            viewer.cells_zoom = counted_zoom(follow.view)
        self._set(viewer, known, wish.names(), awaits)
        viewer.pace(follow, self.most_vehicles)
        cursor = read_cursor(follow.resume) if follow.resume else None
        if cursor is not None:
            self._go_on(viewer, cursor)
        elif viewer.seq < 0 or follow.resume:
            viewer.seq, viewer.mark = self.recent.last, self.recent.mark
        if (
            cursor is not None
            and not follow.fresh
            and cursor.epoch == self.epoch
            and cursor.followed == viewer.interest.followed
            and self._floor(viewer.interest) <= cursor.version <= self.version
            and not self._too_many(viewer)
        ):
            viewer.told = cursor.version
            viewer.parts = None
            viewer.told_version = -1  # answer at once, even if nothing is newer
        else:
            self._start_snapshot(viewer)
            if cursor is not None and viewer.seq > 0:
                self.returned[viewer] = Returned(viewer.seq)
        self.urgent.setdefault(viewer, set())
        self.wake()
        asked = frozenset(follow.regions or ())
        return asked <= wish.regions | (frozenset(self.picture.regions) if wish.all else frozenset()) and all(
            region in self.picture.regions for region in asked
        )

    def _go_on(self, viewer: Viewer, cursor: Cursor) -> None:
        """Where a viewer that comes back goes on in the events. In a log that went another way since (a restored
        backup) nothing after the start of this run is missed."""
        viewer.seq, viewer.mark = cursor.seq, cursor.mark
        known = self.recent.mark_of(cursor.seq)
        if cursor.seq > self.recent.last or (known is not None and known != cursor.mark):
            self.diverge(viewer)

    def diverge(self, viewer: Viewer) -> None:
        """The event its cursor ends at is not in this log."""
        viewer.seq = min(viewer.seq, self.started_seq)
        viewer.mark = self.recent.mark_of(viewer.seq) or NO_MARK

    def lose(self, viewer: Viewer, first: int) -> None:
        """The log begins after the event its cursor ends at."""
        viewer.outlet.send(messages.EVENTS_GONE, True)
        viewer.seq, viewer.mark = first - 1, NO_MARK

    def tell_acks(self, viewer: Viewer, found: list[tuple[Acked, Event]]) -> None:
        """What was acknowledged, or taken back, while this viewer was away."""
        if viewer.interest is None:
            return
        acks = [
            messages.encode(messages.acked(ack))
            for ack, event in found
            if _wants(viewer, Told(event, frozenset(self.routing.regions_of(event.vehicle))))
        ]
        if acks:
            self._send(viewer, messages.tail({"acked": b",".join(acks)}))

    def view(self, viewer: Viewer, view: View, now: int) -> None:
        """The map moved: a snapshot of the cells it entered, nothing of those it left."""
        if viewer.wish is None or not viewer.grant.everything:
            return
        viewer.cells_zoom = counted_zoom(view)
        interest: Interest = viewer.interest
        before = interest.wish.cells
        if interest.wish.all or (cells := cells_of(view)) == before:
            return
        whole = viewer.parts is not None or viewer.counting or not viewer.has_room(now)
        if not whole:  # first the rest of what it goes on following
            viewer.due = 0.0
            self._tell_state(viewer, now)
        self._set(viewer, msgspec.structs.replace(interest.wish, cells=cells), interest.names, interest.awaits[:])
        if whole or self._too_many(viewer):
            self._start_snapshot(viewer)
        else:
            entered: set[int] = set().union(*(self.routing.cells[cell].members for cell in cells - before))
            self._start_snapshot(viewer, entered)
        self.urgent.setdefault(viewer, set())
        self.wake()

    def _known(self, wish: Wish) -> tuple[Wish, Names]:
        """A wish of what there is, and the names in it that nobody knows."""
        routing = self.routing
        regions = frozenset(filter(routing.knows_region, wish.regions))
        vehicles = frozenset(filter(routing.knows_vehicle, wish.vehicles))
        awaits = names(
            [region_key(name) for name in wish.regions - regions]
            + [vehicle_key(name) for name in wish.vehicles - vehicles]
        )
        if not self.awaited.has_room(len(awaits)):
            raise Overloaded("too many names that nobody knows are followed; try again later, or follow all", 30)
        return msgspec.structs.replace(wish, regions=regions, vehicles=vehicles), awaits

    def _set(self, viewer: Viewer, wish: Wish, named: str, awaits: Names) -> None:
        self._unfollow(viewer)
        everything = "all" if wish.all else ""
        followed = digest(everything, named, repr(sorted(wish.cells)), viewer.grant.key())
        interest = self._interests.get(followed)
        if interest is None:
            interest = Interest(wish, named, *self._topics(wish), followed, awaits)
            self._interests[followed] = interest
            self.awaited.hold(interest)
            for topic in interest.held:
                self.routing.hold(topic)
            for vehicle in wish.vehicles:
                self._singles.setdefault(vehicle, set()).add(interest)
        interest.viewers.add(viewer)
        viewer.wish, viewer.interest = interest.wish, interest
        viewer.head = cursor_head(self.epoch, followed)

    def _unfollow(self, viewer: Viewer) -> None:
        interest: Interest | None = viewer.interest
        viewer.interest = None
        if interest is None:
            return
        interest.viewers.discard(viewer)
        if not interest.viewers:
            del self._interests[interest.followed]
            self.awaited.release(interest)
            for topic in interest.held:
                self.routing.release(topic)
            for vehicle in interest.wish.vehicles:
                self._singles[vehicle].discard(interest)
                if not self._singles[vehicle]:
                    del self._singles[vehicle]

    def _topics(self, wish: Wish) -> tuple[list[Topic], list[Topic]]:
        """The topics of a wish; those nobody followed before begin to be kept."""
        routing = self.routing
        singles = [routing.vehicle(vehicle) for vehicle in sorted(wish.vehicles)]
        if wish.all:
            return [routing.everything], singles
        topics = [routing.region(region) for region in sorted(wish.regions)]
        return topics + routing.in_cells(wish.cells) + singles, singles

    def _floor(self, interest: Interest) -> int:
        floor = max((topic.floor for topic in interest.topics), default=1)
        return max(floor, self.routing.unwatched) if interest.awaits else floor

    def _too_many(self, viewer: Viewer) -> bool:
        return viewer.max_vehicles is not None and viewer.interest.is_over(viewer.max_vehicles)

    # ----------------------------------------------------------------------------------------------- telling

    def tick(self) -> list[Viewer]:
        """Begin a tick: who may be told something. What is encoded for one of them serves all until the next."""
        for used in self._used:
            used.clear()
        self._used.clear()
        self._events.clear()
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
        known = self.routing.entries
        entries = [known[n] for n in numbers if n in known]
        if entries and viewer.has_credit() and not viewer.counting:
            fresh = {entry.state.n for entry in entries if self._is_new(entry, viewer)}
            if fresh:
                rows = [self.routing.full(entry) for entry in entries if entry.state.n in fresh]
                self._send(viewer, messages.tail({"new": b",".join(rows)}))
            if moved := [entry for entry in entries if entry.state.n not in fresh]:
                self._send(viewer, *self._moved(moved, viewer.binary))
        self._tell_events(viewer)

    def _is_new(self, entry: Entry, viewer: Viewer) -> bool:
        """Whether a viewer that follows this vehicle by itself has not been told who it is."""
        topic = self.routing.vehicles.get(entry.state.ping.vehicle)
        return topic is not None and topic.joined.get(entry.state.n, 0) > viewer.told

    def lags(self, viewer: Viewer) -> bool:
        """Whether something waits that could not be told yet."""
        return viewer.interest is not None and (
            viewer.parts is not None
            or (viewer.told < self.version and not viewer.counting and viewer.has_credit())  # else its `got` wakes us
            or (viewer.seq < self.recent.last and not viewer.behind)
        )

    def _tell_state(self, viewer: Viewer, now: int) -> None:
        interest: Interest = viewer.interest
        if viewer.told < self._floor(interest):
            self._start_snapshot(viewer)
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
            ending = ending[:-1] + messages.tail({"events": b",".join([told.text(viewer.grant) for told in events])})
        self._send(viewer, ending, columns)
        if viewer.gap_ms:
            viewer.due = max(viewer.due + viewer.gap_ms, now + viewer.gap_ms / 2)

    def _send(self, viewer: Viewer, ending: bytes, columns: bytes = b"") -> None:
        viewer.frame += 1
        if viewer.frame == 1:  # whoever resumed has heard of no snapshot
            ending = messages.with_fields(ending)
        viewer.told_version, viewer.told_seq = viewer.told, viewer.seq
        whole = viewer.parts is None and not viewer.counting  # else there are vehicles it has not been told
        cursor = viewer.head + cursor_tail(viewer.mark, viewer.seq, viewer.told if whole else 0)
        self.frames += 1
        if columns:
            viewer.outlet.send(messages.binary_update(viewer.frame, cursor, ending, columns), False)
        else:
            viewer.outlet.send(messages.update(viewer.frame, cursor, ending), True)

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
        parts = []
        moved = list(whole.moved.values())
        if len(moved) > UPDATE_ROWS:
            for start in range(UPDATE_ROWS, len(moved), UPDATE_ROWS):
                parts.append(self._moved(moved[start : start + UPDATE_ROWS], binary))
            whole = merge([whole], lambda n: False)
            whole.moved = {entry.state.n: entry for entry in moved[:UPDATE_ROWS]}
        told, columns = members(whole, self.routing.source, binary=binary)
        if told or columns:
            parts.append((messages.tail(told), columns))
        return Body(whole.upto, parts)

    def _fragment(self, topic: Topic, since: int) -> Fragment:
        if not topic.fragments:
            self._used.append(topic)
        if since not in topic.fragments:
            self.encodes += 1
        return topic.fragment(since, self.version, self.routing.source)

    def _moved(self, entries: list[Entry], binary: bool) -> tuple[bytes, bytes]:
        if binary:
            return b"}", pack([entry.row for entry in entries])
        return messages.tail({"moved": b",".join([entry.moved() for entry in entries])}), b""

    # events: from `recent`, or else (`behind`) the caller reads the store and calls `replay`

    def _tell_events(self, viewer: Viewer) -> None:
        events = self._events_for(viewer)
        if not viewer.behind and viewer.seq < self.recent.last:
            self._send_events(viewer, events, self.recent.last, self.recent.mark, patient=True)

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

    def _send_events(
        self, viewer: Viewer, events: list[Told], upto: int, mark: bytes, *, patient: bool = False
    ) -> None:
        """`patient`: what the connection does not take now is left for later."""
        for start in range(0, len(events), EVENTS):
            some = events[start : start + EVENTS]
            newest = some[-1].event  # the cursor must not promise what is not sent yet
            viewer.seq, viewer.mark = newest.seq, mark_of(newest.id)
            if start + EVENTS >= len(events):
                viewer.seq, viewer.mark = upto, mark
            self._send(viewer, messages.tail({"events": b",".join([told.text(viewer.grant) for told in some])}))
            if patient and viewer.outlet.pending > PENDING_SNAPSHOT:
                return
        viewer.seq, viewer.mark = upto, mark

    def replay(self, viewer: Viewer, events: list[Told]) -> None:
        """What comes in the store after `viewer.seq`, ascending and complete up to the last; none: it has all."""
        if viewer.interest is None:
            return
        if events:
            newest = events[-1].event
            wanted = [told for told in events if _wants(viewer, told)]
            self._send_events(viewer, wanted, newest.seq, mark_of(newest.id))
        if not events or viewer.seq + 1 >= self.recent.first:
            viewer.behind = False
            self.behind.discard(viewer)
            self.urgent.setdefault(viewer, set())

    # snapshots

    def _start_snapshot(self, viewer: Viewer, entered: set[int] | None = None) -> None:
        """Of all it follows, or only of who entered its view."""
        interest: Interest = viewer.interest
        viewer.told = viewer.told_version = self.version
        viewer.counting = False
        reset, tables = entered is None, None
        if reset and self._too_many(viewer):
            viewer.parts = iter(())
            return
        numbers = interest.numbers() if entered is None else entered
        if viewer.binary and reset and interest.wish.all and len(numbers) >= SHARED:
            if interest.tables is None or interest.tables.version < self._floor(interest):
                interest.tables = snapshot.Tables(self.version, sorted(numbers))
            tables = interest.tables
            viewer.told = viewer.told_version = tables.version
        viewer.parts = snapshot.parts_of(
            self.routing, viewer, tables.numbers if tables else sorted(numbers), reset, tables
        )

    def _tell_parts(self, viewer: Viewer, now: int) -> None:
        assert viewer.parts is not None
        for _ in range(PARTS):
            if not viewer.has_room(now, PENDING_SNAPSHOT):
                return
            part = next(viewer.parts, None)
            if part is None:
                viewer.parts = None
                return
            viewer.outlet.send(part, not viewer.binary)

    # counts

    def _tell_counts(self, viewer: Viewer, now: int) -> None:
        """How many vehicles each cell has, where there are too many to tell; until there are clearly fewer."""
        interest: Interest = viewer.interest
        if interest.size() <= 0.8 * (viewer.max_vehicles or 0) or viewer.max_vehicles is None:
            self._start_snapshot(viewer)
            return
        if not viewer.counting or viewer.due <= now:
            viewer.due = now + COUNTS_MS
            zoom = viewer.cells_zoom if viewer.wish and viewer.wish.cells else COUNTS_ZOOM
            cells = self._count(interest, zoom, now)
            if not viewer.counting or cells != viewer.counted:
                viewer.counting, viewer.counted = True, cells
                viewer.outlet.send(cells, True)

    def _count(self, interest: Interest, zoom: int, now: int) -> bytes:
        """Once a second for all who follow the same, those too who only look in."""
        key = (interest.followed, zoom)
        at, cells = self._counts.get(key, (now, b""))
        if not cells or not 0 <= now - at < COUNTS_MS:
            cells = self.routing.count(interest.topics, zoom)
            self._counts[key] = (now, cells)
        return cells

    def keep_house(self, now: int) -> Iterator[None]:
        """Forget what was kept for those who come back and has become too old: about once a second, in small steps."""
        self._forget_tables()
        self._counts = {key: made for key, made in self._counts.items() if 0 <= now - made[0] < COUNTS_MS}
        return self.routing.forget(now)

    def _forget_tables(self) -> None:
        """They are shared for a second at most, and never tell of what was deleted."""
        for interest in self._interests.values():
            interest.tables = None


def _regions_at(event: Event, regions: set[str]) -> frozenset[str]:
    """In which its vehicle was as it happened; `regions`, where it was just before, goes on with it."""
    if event.region is not None and event.kind == "enter":
        regions.add(event.region)
    elif event.region is not None and event.kind == "exit":
        regions.discard(event.region)
    return frozenset(regions)


def _wants(viewer: Viewer, told: Told) -> bool:
    return (viewer.kinds is None or told.event.kind in viewer.kinds) and viewer.interest.sees(told)
