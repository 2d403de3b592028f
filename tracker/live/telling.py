"""Telling: what each viewer is told, one frame at a time, from fragments encoded once a tick for all.

Purely synchronous; `now` is UTC ms. What a slow viewer missed needs no memory: it is simply told what is newer than its
version.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from itertools import chain, islice
from typing import Any, NamedTuple

from tracker.live import messages, snapshot
from tracker.live.columns import pack
from tracker.live.cursor import cursor_tail, mark_of
from tracker.live.event_log import Recent, Told
from tracker.live.following import Body, Interest
from tracker.live.routing import Routing
from tracker.live.topics import Entry, Fragment, Topic, members, merge
from tracker.live.viewer import PENDING_SNAPSHOT, Viewer
from tracker.model.change import Acked

PARTS = 2  #: parts of a snapshot made in one go: 500 vehicles
UPDATE_ROWS = 4_000  #: vehicles in one update; more are split
EVENTS = 500  #: events in one update
SHARED = 1000  #: vehicles of a binary snapshot from which on those who come at once share its tables
MOVES_A_TOPIC = 16  #: vehicles that are asked for one by one in the time in which a topic tells which of its own moved
MOST_MOVES = 2_000  #: vehicles that are
COUNTS_MS = 1_000
COUNTS_ZOOM = 7  #: of cells where no view says how wide they are


class Step(NamedTuple):
    """What all are told next who stand at the same place: told the same so far, of the same, in the same way."""

    upto: int  # the version they are told by then; and up to which event
    seq: int
    mark: bytes
    messages: list[tuple[bytes, bool]]  # all but the number of the frame; is it binary?


class Telling:
    def __init__(self, routing: Routing, recent: Recent, wake: Callable[[], None]) -> None:
        """`wake` is called when a viewer's next events are only in the store."""
        self.routing = routing
        self.recent = recent
        self.behind: set[Viewer] = set()  # those
        self.frames = self.encodes = 0
        self._wake = wake
        self._used: list[Topic | Interest] = []  # whose caches hold something of this tick
        self._moves: dict[int, tuple[int, list[Entry]]] = {}  # since → as of which version, who moved
        self._events: dict[tuple[bytes, frozenset[str] | None, int], list[Told]] = {}
        self._steps: dict[tuple[Any, ...], Step | None] = {}  # place → None: begin anew
        self._counts: dict[tuple[bytes, int], tuple[int, bytes]] = {}  # what is followed, zoom → when it was made, what

    def floor(self, interest: Interest) -> int:
        floor = interest.floor()
        return max(floor, self.routing.unwatched) if interest.awaits else floor

    def is_too_many(self, viewer: Viewer) -> bool:
        most = viewer.max_vehicles
        return most is not None and len(self.routing.entries) > most and viewer.interest.is_over(most)

    def tick(self) -> None:
        """What is encoded from now on for one viewer serves all until the next."""
        for used in self._used:
            used.clear()
        self._used.clear()
        self._moves.clear()
        self.forget_events()

    def forget_events(self) -> None:
        """There are more, or others."""
        self._events.clear()
        self._steps.clear()

    def keep_house(self, now: int) -> None:
        """Forget what nobody can share any more."""
        self._counts = {key: made for key, made in self._counts.items() if 0 <= now - made[0] < COUNTS_MS}

    def _is_new(self, entry: Entry, viewer: Viewer) -> bool:
        """Whether a viewer that follows this vehicle by itself has not been told who it is."""
        topic = self.routing.vehicles.get(entry.state.ping.vehicle)
        return topic is not None and topic.joined.get(entry.state.n, 0) > viewer.told

    def lags(self, viewer: Viewer) -> bool:
        """Whether something waits that could not be told yet."""
        return viewer.interest is not None and (
            (viewer.told < self.routing.version and not viewer.counting and viewer.has_credit())  # else `got` wakes us
            or viewer.parts is not None
            or (viewer.seq < self.recent.last and not viewer.behind)
        )

    def tell_state(self, viewer: Viewer, now: int) -> None:
        """The next step of a viewer. What it is, is asked once a tick for all who stand at the same place: with a
        thousand viewers a look-up, a number and a write are all that each of them costs."""
        place = (
            viewer.interest, viewer.told, viewer.seq, viewer.mark, viewer.kinds, viewer.binary, viewer.behind,
            viewer.frame == 0,
        )  # fmt: skip
        try:
            step = self._steps[place]
        except KeyError:
            step = self._steps[place] = self._step(viewer)
        if step is None:
            self.start_snapshot(viewer)
            self._tell_parts(viewer, now)
            return
        viewer.told = step.upto
        if not step.messages:
            if viewer.told_version < 0:
                self._send(viewer, b"}")
            return
        viewer.seq = viewer.told_seq = step.seq
        viewer.mark, viewer.told_version = step.mark, step.upto
        for rest, binary in step.messages:
            self.frames += 1
            viewer.frame += 1
            viewer.outlet.send(messages.update(viewer.frame, rest, binary=binary), not binary)
        if viewer.gap_ms:
            viewer.due = max(viewer.due + viewer.gap_ms, now + viewer.gap_ms / 2)

    def _step(self, viewer: Viewer) -> Step | None:
        interest: Interest = viewer.interest
        told, seq, mark, frame = viewer.told, viewer.seq, viewer.mark, viewer.frame
        if told < self.floor(interest):
            return None
        body = self._body(interest, told, viewer.binary)
        made = []
        for last, (ending, columns) in enumerate(body.messages, 1 - len(body.messages)):
            if not last:
                told = body.upto
                if 0 < len(events := self._events_for(viewer)) <= EVENTS:  # in the same frame
                    seq, mark = self.recent.last, self.recent.mark
                    ending = ending[:-1] + messages.tail({"events": _texts(viewer, events)})
            if not frame:
                ending, frame = messages.with_fields(ending), 1
            rest = messages.unnumbered(viewer.head + cursor_tail(mark, seq, told), ending, columns)
            made.append((rest, bool(columns)))
        return Step(body.upto, seq, mark, made)

    def _send(self, viewer: Viewer, ending: bytes, columns: bytes = b"") -> None:
        viewer.frame += 1
        if viewer.frame == 1:  # whoever resumed has heard of no snapshot
            ending = messages.with_fields(ending)
        viewer.told_version, viewer.told_seq = viewer.told, viewer.seq
        whole = viewer.parts is None and not viewer.counting  # else there are vehicles it has not been told
        cursor = viewer.head + cursor_tail(viewer.mark, viewer.seq, viewer.told if whole else 0)
        self.frames += 1
        binary = bool(columns)
        rest = messages.unnumbered(cursor, ending, columns)
        viewer.outlet.send(messages.update(viewer.frame, rest, binary=binary), not binary)

    def tell_revoked(self, viewer: Viewer, numbers: list[int]) -> None:
        """Vehicles that it may not see any more."""
        for start in range(0, len(numbers), UPDATE_ROWS):
            some = b",".join([b'[%d,"revoked"]' % n for n in numbers[start : start + UPDATE_ROWS]])
            self._send(viewer, messages.tail({"left": some}))

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
        topics = [topic for topic in interest.topics if topic.version > since]
        if not topics:
            return Body(self.routing.version, [])
        moves = self._moved_among(interest, since, MOVES_A_TOPIC * len(topics)) if len(topics) > 1 else None
        if moves is not None:
            topics = [topic for topic in topics if topic.changed > since]
        fragments = [self._fragment(topic, since) for topic in topics]
        if moves is not None:
            fragments.append(moves)
        whole = fragments[0]
        if len(interest.topics) > 1 and (len(fragments) > 1 or whole.left):
            whole = merge(fragments, interest.still)
        if interest.is_mixed:
            whole = interest.sharpened(whole)
        if whole.registered:
            whole = interest.without_hidden(whole)
        parts = []
        moved = list(whole.moved.values())
        if len(moved) > UPDATE_ROWS:
            for start in range(UPDATE_ROWS, len(moved), UPDATE_ROWS):
                parts.append(self._moved(moved[start : start + UPDATE_ROWS], binary))
            whole = merge([whole], lambda _n: False)
            whole.moved = {entry.state.n: entry for entry in moved[:UPDATE_ROWS]}
        told, columns = members(whole, self.routing.source, binary=binary)
        if told or columns:
            parts.append((messages.tail(told), columns))
        return Body(whole.upto, parts)

    def _moved_among(self, interest: Interest, since: int, most: int) -> Fragment | None:
        """Who of all that moved is among those a grant shows, seen as its topics together show it: there may be
        hundreds, and each tick all of them would be asked. None: that is no dearer."""
        if not interest.wish.granted:
            return None
        version, moved = self._moves.get(since, (0, []))
        if version != self.routing.version:  # where a vehicle was before it was shown, nobody is told
            numbers = islice(self.routing.everything.moved_after(since), MOST_MOVES + 1)
            moved = [self.routing.entries[n] for n in numbers]
            self._moves[since] = self.routing.version, moved
        if len(moved) > min(most, MOST_MOVES):
            return None
        members, seen = interest.members(), interest.sees_of
        fragment = Fragment(self.routing.version)
        fragment.only_moved = True
        fragment.moved = {n: seen(entry) for entry in moved if (n := entry.state.n) in members}
        return fragment

    def _fragment(self, topic: Topic, since: int) -> Fragment:
        if not topic.fragments:
            self._used.append(topic)
        if since not in topic.fragments:
            self.encodes += 1
        return topic.fragment(since, self.routing.version, self.routing.source)

    def _moved(self, entries: list[Entry], binary: bool) -> tuple[bytes, bytes]:
        if binary:
            return b"}", pack([entry.row for entry in entries])
        return messages.tail({"moved": b",".join([entry.moved() for entry in entries])}), b""

    def _tell_events(self, viewer: Viewer) -> None:
        events = self._events_for(viewer)
        if not viewer.behind and viewer.seq < self.recent.last:
            self._send_events(viewer, events, self.recent.last, self.recent.mark, patient=True)

    def _events_for(self, viewer: Viewer) -> list[Told]:
        """Those it has not been told of, once for all who are as far and follow the same."""
        if viewer.behind or viewer.seq >= self.recent.last:
            return []
        if viewer.seq + 1 < self.recent.first:
            self.leave_to_store(viewer)
            return []
        key = (viewer.interest.followed, viewer.kinds, viewer.seq)
        if (events := self._events.get(key)) is None:
            events = [told for told in self.recent.since(viewer.seq) if _wants(viewer, told)]
            self._events[key] = events
        return events

    def leave_to_store(self, viewer: Viewer) -> None:
        """Only the store knows what comes next: `replay` takes it."""
        viewer.behind = True
        self.behind.add(viewer)
        self._wake()

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
            self._send(viewer, messages.tail({"events": _texts(viewer, some)}))
            if patient and viewer.outlet.pending > PENDING_SNAPSHOT:
                return
        viewer.seq, viewer.mark = upto, mark

    def replay(self, viewer: Viewer, events: list[Told]) -> bool:
        """What comes in the store after `viewer.seq`, ascending and complete up to the last; none: it has all. Was that
        the end of it?"""
        if viewer.interest is None:
            return False
        if events:
            newest = events[-1].event
            wanted = [told for told in events if _wants(viewer, told)]
            self._send_events(viewer, wanted, newest.seq, mark_of(newest.id))
        if not events or viewer.seq + 1 >= self.recent.first:
            viewer.behind = False
            self.behind.discard(viewer)
        return not viewer.behind

    def start_snapshot(self, viewer: Viewer, entered: set[int] | None = None) -> None:
        """Of all it follows, or only of who entered its view."""
        interest: Interest = viewer.interest
        viewer.told = viewer.told_version = self.routing.version
        viewer.counting = False
        reset, tables = entered is None, None
        if reset and self.is_too_many(viewer):
            viewer.parts = iter(())
            return
        place = (self.routing.version, viewer.seq, viewer.mark, viewer.binary)
        if reset and interest.snapshot[0] == place:
            viewer.parts = iter(interest.snapshot[1])
            return
        numbers = interest.numbers() if entered is None else entered
        if viewer.binary and reset and interest.wish.all and len(numbers) >= SHARED:
            if interest.tables is None or interest.tables.version < self.floor(interest):
                interest.tables = snapshot.Tables(self.routing.version, sorted(numbers))
            tables = interest.tables
            viewer.told = viewer.told_version = tables.version
        viewer.parts = snapshot.parts_of(
            self.routing, viewer, tables.numbers if tables else sorted(numbers), reset, tables
        )
        if reset and len(numbers) <= snapshot.PART_ROWS:
            begun = list(islice(viewer.parts, 2))
            viewer.parts = chain(begun, viewer.parts)
            if len(begun) == 1:  # those who come at once are told the same: it is a tenth of letting them in
                interest.snapshot = place, begun

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

    def _tell_counts(self, viewer: Viewer, now: int) -> None:
        """How many vehicles each cell has, where there are too many to tell; until there are clearly fewer."""
        interest: Interest = viewer.interest
        if interest.size() <= 0.8 * (viewer.max_vehicles or 0) or viewer.max_vehicles is None:
            self.start_snapshot(viewer)
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
            cells = self.routing.count(interest.topics, zoom, interest.sees_of)
            self._counts[key] = (now, cells)
        return cells

    def serve(self, viewer: Viewer, now: int) -> bool:
        """Tell a viewer all that is new to it, if it can take it. Answers whether it `lags`."""
        if viewer.interest is None:
            return False
        if viewer.parts is not None:
            self._tell_parts(viewer, now)
        if viewer.parts is None and viewer.has_room(now):
            if viewer.counting or self.is_too_many(viewer):
                self._tell_counts(viewer, now)
            elif now >= viewer.due and viewer.has_credit():
                self.tell_state(viewer, now)
            if viewer.seq < self.recent.last:
                self._tell_events(viewer)
        return self.lags(viewer)

    def serve_urgent(self, viewer: Viewer, numbers: Collection[int], now: int) -> None:
        """Tell what does not wait for the tick: an answer to `follow`, events, vehicles followed by themselves."""
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

    def tell_acks(self, viewer: Viewer, found: list[tuple[Acked, Told]]) -> None:
        """What was acknowledged, or taken back, while this viewer was away."""
        if viewer.interest is None:
            return
        acks = [messages.encode(messages.acked(ack)) for ack, told in found if _wants(viewer, told)]
        if acks:
            self._send(viewer, messages.tail({"acked": b",".join(acks)}))


def _texts(viewer: Viewer, events: list[Told]) -> bytes:
    interest: Interest = viewer.interest
    return b",".join([told.text(interest.showing(told)) for told in events])


def _wants(viewer: Viewer, told: Told) -> bool:
    return (viewer.kinds is None or told.event.kind in viewer.kinds) and viewer.interest.sees(told)
