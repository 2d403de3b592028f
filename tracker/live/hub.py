"""Hub: routes every committed change to the viewers that follow it.

`route` notes in which topics something changed. `tick` freezes a version; `serve` then tells each viewer what is newer
than what it was told. What does not wait is taken by `take_urgent`, what only the store knows is asked for by
`behind`, `away` and `next_unplaced`. Nobody else writes what a hub or a viewer holds: everything is a call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Set
from typing import NamedTuple

import msgspec

from tracker.access.grants import Grant, IsNear
from tracker.live import messages
from tracker.live.cursor import NO_MARK, Cursor, cursor_head, read_cursor
from tracker.live.event_log import Recent, Told, with_regions
from tracker.live.following import Followers, Interest, Names
from tracker.live.requests import Box, Follow, View
from tracker.live.routing import Routing
from tracker.live.telling import Telling
from tracker.live.viewer import Viewer, Wish, cells_of, counted_zoom, narrow
from tracker.model.change import Acked, Change
from tracker.model.events import Ack, Event
from tracker.model.picture import Picture

MOST_VEHICLES = 50_000


class Away(NamedTuple):
    """Somebody who comes back and begins anew: acknowledgements of events up to `upto` are told from the store, after
    those of events up to `told`."""

    upto: int
    told: int = 0


class Hub:
    """Purely synchronous; `now` is UTC ms. Whoever listens is called when something has to be done soon."""

    def __init__(
        self,
        picture: Picture,
        *,
        epoch: bytes = bytes(4),
        t0: int = 0,
        is_near: IsNear = lambda *_: True,
        is_shared: bool = False,
    ) -> None:
        """`is_near`: may a place be told to who sees a region? The picture has no shapes. `is_shared`: viewers come
        from other nodes as well, which have the same log."""
        self.epoch = epoch
        self.is_shared = is_shared
        self.routing = Routing(picture, t0, is_near)
        self.picture = picture
        self.started_seq = 0  # the newest event when this run began
        self.recent = Recent()
        self.followers = Followers(self.routing)
        self.telling = Telling(self.routing, self.recent, self._wake)
        self._viewers: set[Viewer] = set()
        self._waiting: set[Viewer] = set()  # for whom a tick may have something
        self._ticked = 0  # as of which version all were looked at
        self._urgent: dict[Viewer, set[int]] = {}  # who has news that does not wait, and of which single vehicles
        self._has_events = False  # … and everybody has
        self._away: dict[Viewer, Away] = {}
        self.doubted: set[Viewer] = set()  # what they may see has to be asked again: until then they are told nothing
        self._held: dict[Viewer, int] = {}  # what they follow is not known yet as it is: until then it is not told
        self._unplaced: dict[tuple[str, int], Acked] = {}  # acknowledgements of events only the store knows, in turn
        self._listener: Callable[[], None] = lambda: None
        self._most_vehicles = MOST_VEHICLES

    def listen(self, wake: Callable[[], None], most_vehicles: int = MOST_VEHICLES) -> None:
        """Call this when something has to be done soon. `most_vehicles`: of one viewer, before they are counted."""
        self._listener = wake
        self._most_vehicles = most_vehicles

    def _wake(self) -> None:
        self._listener()

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

    def route(self, change: Change) -> None:
        """Take one committed change, and have the picture take it."""
        assert all(event.seq for event in change.events), "an event is told when it is visible, not before"
        happened = (*change.events, *change.unnumbered)
        inside = {event.vehicle: set(self.routing.regions_of(event.vehicle)) for event in happened}
        named = {*(entry.vehicle for entry in change.registered), *change.removed}
        groups = {vehicle: self.picture.group_of(vehicle) for vehicle in named}
        self.followers.find(change)
        self.routing.take_change(change)
        self._tell_regrouped({id: group for id, group in groups.items() if group != self.picture.group_of(id)})
        if self.followers.has_singles:
            for state in change.moved:
                for interest in self.followers.of_vehicle(state.ping.vehicle):
                    for viewer in interest.viewers:
                        self._urgent.setdefault(viewer, set()).add(state.n)
        for event in change.unnumbered:
            self.recent.expect(event.id, _regions_at(event, inside[event.vehicle]))
        if change.events:
            self._happen(change, inside)
        for ack in change.acked:
            self._ack(ack)
        if change.erased:
            self._tell_erased(frozenset(change.erased), groups)
            self.recent.erase(frozenset(change.erased))
        if change.removed or change.erased:
            self.followers.forget_tables()
        if change.registered:
            self.telling.forget_events()  # somebody may see others now
        if self._viewers:
            self._wake()

    def begin_again(self, change: Change) -> None:
        """Routing this change failed: take it as the picture shows it, and have everybody told anew what they follow.
        Nobody misses an event: those are taken as well, unless they were."""
        self.followers.find(change, sure=False)
        self.picture.apply(change)
        self.routing.begin_again()
        inside = {event.vehicle: frozenset(self.routing.regions_of(event.vehicle)) for event in change.events}
        for told in with_regions(change.events, inside):
            self.recent.add_event(told)
        self._has_events = True
        self.telling.forget_events()
        for ack in change.acked:
            self._ack(ack)
        self.recent.erase(frozenset(change.erased))
        self._wake()

    def _tell_erased(self, vehicles: frozenset[str], groups: dict[str, str | None]) -> None:
        """Whoever was told what befell these vehicles shall not know it any more."""
        of_them = [told for told in self.recent.since(self.recent.first - 1) if told.event.vehicle in vehicles]
        for viewer in self._viewers:
            sees = viewer.grant.sees_event
            if any(sees(told.event, told.regions, groups.get(told.event.vehicle)) for told in of_them):
                viewer.outlet.send(messages.granted(viewer.grant.word()), True)

    def _tell_regrouped(self, before: dict[str, str | None]) -> None:
        """Vehicles that were in these groups are in others: whoever was told what befell one, and would not be now."""
        if not before:
            return
        by_group = [one for one in self._viewers if any(part.vehicles is not None for part in one.grant.parts)]
        of_them = [told for told in self.recent.since(self.recent.first - 1) if told.event.vehicle in before]
        lost: dict[int, bool] = {}
        for viewer in by_group:
            if (lose := lost.get(id(viewer.grant))) is None:
                lose = lost[id(viewer.grant)] = any(self._loses(viewer.grant, told, before) for told in of_them)
            if lose:
                viewer.outlet.send(messages.granted(viewer.grant.word()), True)

    def _loses(self, grant: Grant, told: Told, before: dict[str, str | None]) -> bool:
        event, inside = told.event, told.regions
        if not grant.sees_event(event, inside, before[event.vehicle]):
            return False
        return not grant.sees_event(event, inside, self.picture.group_of(event.vehicle))

    def _happen(self, change: Change, inside: dict[str, set[str]]) -> None:
        """Remember the events, with the regions each one's vehicle was in as it happened: `inside` before them all."""
        for event in change.events:
            self.recent.add_event(Told(event, _regions_at(event, inside[event.vehicle])))
        self._has_events = True
        self.telling.forget_events()

    def _ack(self, ack: Acked) -> None:
        told = self.recent.find(ack.id)
        if told is None:
            self._unplaced[ack.id, ack.at] = ack
            self.routing.tell_ack(ack, None)
        else:
            done = None if ack.by is None else Ack(ack.by, ack.at)
            told.change(msgspec.structs.replace(told.event, ack=done))
            self.routing.tell_ack(ack, told)

    def next_unplaced(self) -> Acked | None:
        """An acknowledgement whose event has to be found in the store."""
        return next(iter(self._unplaced.values()), None)

    def place_ack(self, ack: Acked, told: Told | None) -> None:
        """It was found, or there is none: now its other followers can be told."""
        self._unplaced.pop((ack.id, ack.at), None)
        if told is not None:
            self.routing.place_ack(ack, told)
            self._wake()

    def put_off(self, ack: Acked) -> None:
        """It could not be looked for: others first."""
        if self._unplaced.pop((ack.id, ack.at), None) is not None:
            self._unplaced[ack.id, ack.at] = ack

    @property
    def viewers(self) -> Set[Viewer]:
        return self._viewers

    def attach(self, viewer: Viewer) -> None:
        assert viewer not in self._viewers, "a viewer is attached once"
        self._viewers.add(viewer)
        self.routing.watch(True)

    def drop(self, viewer: Viewer) -> None:
        """Tell it nothing any more; it is going to be detached."""
        self._viewers.discard(viewer)
        self.routing.watch(bool(self._viewers))
        self.doubted.discard(viewer)
        self._held.pop(viewer, None)
        self._waiting.discard(viewer)
        self._urgent.pop(viewer, None)

    def detach(self, viewer: Viewer) -> None:
        self.drop(viewer)
        self.telling.behind.discard(viewer)
        self._away.pop(viewer, None)
        self.followers.leave(viewer)

    def got(self, viewer: Viewer, frame: int) -> bool:
        """It has seen a frame. Is something newer waiting for that?"""
        viewer.got = max(viewer.got, min(frame, viewer.frame))
        if waits := viewer.told < self.version:
            self._waiting.add(viewer)
        return waits

    def follow(self, viewer: Viewer, follow: Follow, grant: Grant | None = None) -> bool:
        """Follow this set from now on. Answers False when it names a region there is not, or that may not be seen.

        Raises Overloaded, and changes nothing, when too many names nobody knows are followed already.
        """
        viewer.grant = grant or viewer.grant
        viewer.asked = self._kept(follow, viewer.grant)
        wish = narrow(follow, viewer.grant)
        known, awaits = self.followers.known(wish, viewer.grant)
        if follow.view is not None:
            viewer.cells_zoom = counted_zoom(follow.view)
        self._set(viewer, known, wish.names(), awaits)
        viewer.pace(follow, self._most_vehicles)
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
            and self.telling.floor(viewer.interest) <= cursor.version <= self.version
            and not self.telling.is_too_many(viewer)
        ):
            viewer.told = cursor.version
            viewer.parts = None
            viewer.told_version = -1  # answer at once, even if nothing is newer
        else:
            self.telling.start_snapshot(viewer)
            if cursor is not None and viewer.seq > 0:
                self._away[viewer] = Away(viewer.seq)
        self._hurry(viewer)
        asked = frozenset(follow.regions or ())
        return asked <= wish.regions | (frozenset(self.picture.regions) if wish.all else frozenset()) and all(
            region in self.picture.regions for region in asked
        )

    def _kept(self, follow: Follow, grant: Grant) -> Follow:
        """What was asked, without names there are not: those are kept as hashes only (following.py). But a limited
        grant is another one at times, and what is followed begins anew from the names: also of what may come back."""
        routing = self.routing
        if not grant.everything:
            return msgspec.structs.replace(follow, resume=None)
        regions = None if follow.regions is None else [one for one in follow.regions if routing.knows_region(one)]
        vehicles = None if follow.vehicles is None else [one for one in follow.vehicles if routing.knows_vehicle(one)]
        return msgspec.structs.replace(follow, regions=regions, vehicles=vehicles, resume=None)

    def doubt_grants(self) -> None:
        """Who may see what has changed: nobody is told anything until `regrant`."""
        self.doubted |= self._viewers

    def hold(self, viewer: Viewer) -> None:
        """What it follows is not known here as it is by now: it is told from `release_viewer` on, as often."""
        self._held[viewer] = self._held.get(viewer, 0) + 1

    def release_viewer(self, viewer: Viewer) -> None:
        if held := self._held.pop(viewer, 0):
            if held > 1:
                self._held[viewer] = held - 1
                return
            if viewer.parts is not None:  # it was begun with what was known then
                self.telling.start_snapshot(viewer)
            self._hurry(viewer)

    def regrant(self, viewer: Viewer, grant: Grant) -> None:
        """What it may see from now on. Where that is something else, what it may not see is taken from it, and what it
        follows begins anew."""
        self.doubted.discard(viewer)
        before, viewer.grant = viewer.grant, grant
        if (word := grant.word()) != before.word():
            viewer.outlet.send(messages.granted(word), True)
        if viewer.asked is None or viewer.interest is None:
            return
        if grant.key() == before.key():
            self._hurry(viewer)
            return
        known = self.routing.entries
        seen = [n for n in viewer.interest.numbers() if n in known]
        group_of = self.picture.group_of
        revoked = [n for n in seen if not grant.sees(known[n].state.regions, group_of(known[n].state.ping.vehicle))]
        self.telling.tell_revoked(viewer, revoked)
        self.follow(viewer, viewer.asked, grant)

    def _go_on(self, viewer: Viewer, cursor: Cursor) -> None:
        """Where a viewer that comes back goes on in the events. In a log that went another way since (a restored
        backup) nothing after the start of this run is missed."""
        viewer.seq, viewer.mark = cursor.seq, cursor.mark
        known = self.recent.mark_of(cursor.seq)
        if cursor.seq > self.recent.last and self.is_shared:
            self.telling.leave_to_store(viewer)  # another node may have told more than is heard here by now
        elif cursor.seq > self.recent.last or (known is not None and known != cursor.mark):
            self.diverge(viewer)

    def diverge(self, viewer: Viewer) -> None:
        """The event its cursor ends at is not in this log."""
        viewer.seq = min(viewer.seq, self.started_seq)
        viewer.mark = self.recent.mark_of(viewer.seq) or NO_MARK

    def lose(self, viewer: Viewer, first: int) -> None:
        """The log begins after the event its cursor ends at."""
        viewer.outlet.send(messages.EVENTS_GONE, True)
        viewer.seq, viewer.mark = first - 1, NO_MARK

    def view(self, viewer: Viewer, view: View, now: int) -> None:
        """The map moved: a snapshot of the cells it entered, nothing of those it left."""
        if viewer.wish is None:
            return
        viewer.cells_zoom = counted_zoom(view)
        if viewer.asked is not None:
            viewer.asked = msgspec.structs.replace(viewer.asked, view=Box(view.bbox, view.zoom))
        interest: Interest = viewer.interest
        before = interest.wish.cells
        if interest.wish.all or interest.wish.granted or (cells := cells_of(view)) == before:
            return
        whole = viewer.parts is not None or viewer.counting or not viewer.has_room(now)
        if not whole:  # first the rest of what it goes on following
            viewer.due = 0.0
            self.telling.tell_state(viewer, now)
        shown = set() if viewer.grant.everything else interest.numbers()
        self._set(viewer, msgspec.structs.replace(interest.wish, cells=cells), interest.names, interest.awaits[:])
        if whole or self.telling.is_too_many(viewer):
            self.telling.start_snapshot(viewer)
        else:
            if viewer.grant.everything:
                entered = set().union(*(self.routing.cells[cell].members for cell in cells - before))
            else:
                entered = viewer.interest.numbers() - shown
            self.telling.start_snapshot(viewer, entered)
        self._hurry(viewer)

    def _set(self, viewer: Viewer, wish: Wish, named: str, awaits: Names) -> None:
        self.followers.follow(viewer, wish, named, awaits)
        viewer.head = cursor_head(self.epoch, viewer.interest.followed)

    # ------------------------------------------------------------------------------------------- what does not wait

    def _hurry(self, viewer: Viewer) -> None:
        self._urgent.setdefault(viewer, set())
        self._waiting.add(viewer)
        self._wake()

    @property
    def is_urgent(self) -> bool:
        """Has somebody news that does not wait for the tick?"""
        return self._has_events or bool(self._urgent)

    def take_urgent(self) -> tuple[Viewer, set[int]] | None:
        """The next who has, and of which single vehicles."""
        if self._has_events:
            self._has_events = False
            for viewer in self._viewers:
                self._urgent.setdefault(viewer, set())
        if not self._urgent:
            return None
        viewer = next(iter(self._urgent))
        return viewer, self._urgent.pop(viewer)

    def serve_urgent(self, viewer: Viewer, numbers: Set[int], now: int) -> None:
        if viewer not in self.doubted and viewer not in self._held:
            self.telling.serve_urgent(viewer, numbers, now)

    # ------------------------------------------------------------------------------------------------- tick by tick

    def tick(self) -> list[Viewer]:
        """Begin a tick: who may be told something. All, where something has changed since the last one; else those it
        could not tell all: a thousand who come would each have the others asked in vain."""
        self.telling.tick()
        if self._ticked != self.version:
            self._ticked = self.version
            self._waiting = set(self._viewers)
        return list(self._waiting)

    def serve(self, viewer: Viewer, now: int) -> bool:
        """Tell a viewer all that is new to it, if it can take it. Answers whether it `lags`."""
        if viewer in self.doubted or viewer in self._held:
            return False  # `regrant` and `release_viewer` wake us
        self._urgent.pop(viewer, None)
        if self.telling.serve(viewer, now):
            return True
        self._waiting.discard(viewer)
        return False

    def lags(self, viewer: Viewer) -> bool:
        """Whether something waits that could not be told yet."""
        return self.telling.lags(viewer)

    def tell_cursor(self, viewer: Viewer) -> None:
        """Advance the cursor of a viewer that had nothing to hear for a while."""
        self.telling.tell_cursor(viewer)

    # ------------------------------------------------------------------------------------------ what the store knows

    @property
    def behind(self) -> Set[Viewer]:
        """Whose next events are only in the store: `replay` takes them."""
        return self.telling.behind

    def replay(self, viewer: Viewer, events: list[Told]) -> None:
        """What comes in the store after `viewer.seq`, ascending and complete up to the last; none: it has all."""
        if viewer not in self.doubted and self.telling.replay(viewer, events):
            self._urgent.setdefault(viewer, set())
            self._waiting.add(viewer)

    @property
    def away(self) -> Set[Viewer]:
        """Who has to be told what was acknowledged meanwhile: `tell_acks` takes it."""
        return self._away.keys()

    def was_away(self, viewer: Viewer) -> Away | None:
        return self._away.get(viewer)

    def tell_acks(self, viewer: Viewer, away: Away, found: list[tuple[Acked, Told]], *, more: bool) -> None:
        """What was acknowledged, or taken back, of events after `away.told`, ascending. Nothing when it is too late."""
        if self._away.get(viewer) is not away or viewer in self.doubted:
            return
        self.telling.tell_acks(viewer, [one for one in found if one[1].event.seq <= away.upto])
        if more:
            self._away[viewer] = away._replace(told=found[-1][1].event.seq)
        else:
            del self._away[viewer]

    def keep_house(self, now: int) -> Iterator[None]:
        """Forget what was kept for those who come back and has become too old: about once a second, in small steps."""
        self.followers.forget_tables()
        self.telling.keep_house(now)
        return self.routing.forget_old(now)


def _regions_at(event: Event, regions: set[str]) -> frozenset[str]:
    """In which its vehicle was as it happened; `regions`, where it was just before, goes on with it."""
    if event.region is not None and event.kind == "enter":
        regions.add(event.region)
    elif event.region is not None and event.kind == "exit":
        regions.discard(event.region)
    return frozenset(regions)
