"""Routing: notes in which topics a committed change changed something. What a topic is: topics.py.

It knows what can be followed and its present values, and nothing of viewers.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any

from tracker.access.grants import Grant, IsNear
from tracker.geometry.earth import tile
from tracker.live import messages
from tracker.live.columns import Row
from tracker.live.cursor import digest
from tracker.live.event_log import Told
from tracker.live.tiles import BASE, WORLD, Tiles
from tracker.live.topics import DEEPEST, Cut, Entry, Lens, Source, Topic
from tracker.live.viewer import Cell
from tracker.model.change import Acked, Change, Registered, VehicleState
from tracker.model.events import Event
from tracker.model.picture import Picture

CIRCLE_M = 100.0  #: a position less accurate than this is a circle on the map
MOST_UNUSED = 20_000  #: topics that wait for a follower
KEPT_MS = 300_000  #: how long tombstones wait for those who come back, and a topic for a follower
MOST_UNTOLD = 5_000  #: vehicles that moved while nobody watched: the first viewer waits 15 ms for so many


class Routing:
    """The topics of one run of the server. Every change makes a new `version`; `t0` is what times are told after."""

    def __init__(self, picture: Picture, t0: int, is_near: IsNear) -> None:
        self.picture = picture
        self.is_near = is_near
        self.t0 = t0
        self.version = 1
        self.entries: dict[int, Entry] = {}
        self.everything = Topic(self.version)
        self.regions: dict[str, Topic] = {}
        self.vehicles: dict[str, Topic] = {}
        self.cells: dict[Cell, Topic] = {}
        self.source = Source(
            self.entries, self.full, self.feature, self._registered, self._acked, self._number, picture.group_of
        )
        self._lenses: dict[bytes, Lens] = {}
        self._lenses_of: dict[str | None, set[Lens]] = {}  # by each region that is granted to who looks through
        self._cuts: dict[str | None, dict[str | None, list[Cut]]] = {}  # by region and group of vehicles
        self._tiles = Tiles()
        self._zooms: dict[int, int] = {}  # how many cell topics of each zoom there are
        self._features: dict[str, bytes] = {}
        self._acks: dict[str, Acked] = {}
        self._unused: OrderedDict[Topic, int | None] = OrderedDict()  # longest unused first; since when
        self.unwatched = 0  # the newest removal that no topic remembers
        self.swept = 0  # how often a topic has forgotten something
        self._horizon: list[tuple[int, int]] = []  # (time, version), oldest first
        self._watched = False
        self._untold: dict[int, Mapping[str, int]] = {}  # moved while nobody watched → the regions it was in before

    def begin(self, t0: int) -> None:
        """Take over the vehicles the picture holds."""
        self.t0 = t0
        for state in self.picture.vehicles.values():
            if state.n not in self.entries:
                self._put(state)
                self.everything.members.add(state.n)

    def begin_again(self) -> None:
        """All of it anew from the picture: whoever was told anything before is told everything once more."""
        self.version += 1
        self._untold.clear()
        for topic in self._all():
            topic.begin_again(self.version)
        self.entries.clear()
        self._features.clear()
        self._tiles = Tiles()
        for state in self.picture.vehicles.values():
            for topic in self._topics_of(self._put(state)):
                topic.members.add(state.n)

    # ------------------------------------------------------------------------------------------ what changed

    def watch(self, watched: bool) -> None:
        """Does anybody look? Who does not is told by the newest state what moved meanwhile: noting every move costs
        three quarters of all that is done here with one."""
        self._watched = watched
        if watched:
            self._catch_up()

    def _catch_up(self) -> None:
        for n, was in self._untold.items():
            self._move(self.picture.vehicles[self.entries[n].state.ping.vehicle], {}, was)
        self._untold.clear()

    def _at_once(self, moved: list[VehicleState]) -> list[VehicleState]:
        """Of vehicles that moved while nobody watches, those that are noted as it happens: who is new, or comes into a
        region or out of one that somebody may come back to. Of the others it is enough to know where they were."""
        vehicles, untold = self.picture.vehicles, self._untold
        looked_at = bool(self.regions or self._cuts or self._lenses)
        noted: list[VehicleState] = []
        for state in moved:
            n, last = state.n, vehicles.get(state.ping.vehicle)
            if last is None or (looked_at and last.regions is not state.regions):
                noted.append(state)
            elif n not in untold:
                if len(untold) >= MOST_UNTOLD or n not in self.entries:
                    noted.append(state)
                else:
                    untold[n] = last.regions
        return noted

    def take_change(self, change: Change) -> None:
        """Note one committed change, and have the picture take it."""
        self.version = version = self.version + 1
        if change.regions_deleted or change.removed or change.registered:
            self._catch_up()
        for region in (feature["id"] for feature in change.regions):
            self._touch_region(region)
            if region not in self.picture.regions:  # who was heard to be in it could not be told so
                for vehicle in self.picture.inside.get(region, ()):
                    self._cross(region, self.picture.vehicles[vehicle].n)
        happened = (*change.events, *change.unnumbered)  # where a vehicle left is no event yet: its place is durable
        exits = {(event.vehicle, event.region): event for event in happened if event.kind == "exit"}
        for region in change.regions_deleted:
            if region not in self.regions:
                self.unwatched = version
            self._touch_region(region)
            for vehicle in self.picture.inside.get(region, ()):
                self._leave_region(region, self.picture.vehicles[vehicle].n, None)
        for state in change.moved if self._watched else self._at_once(change.moved):
            last = self.picture.vehicles.get(state.ping.vehicle)
            self._move(state, exits, self._untold.pop(state.n, last.regions if last else {}))
        for vehicle in change.removed:
            self._remove(vehicle)
        before = {entry.vehicle: self.picture.group_of(entry.vehicle) for entry in change.registered}
        self.picture.apply(change)
        for entry in change.registered:
            if entry.group != before[entry.vehicle] and (self._cuts or self._lenses):
                self._regroup(entry.vehicle, before[entry.vehicle])
            self._register(entry, version)

    def regions_of(self, vehicle: str) -> dict[str, int]:
        state = self.picture.vehicles.get(vehicle)
        return state.regions if state else {}

    def _move(self, state: VehicleState, exits: dict[tuple[str, str | None], Event], was: Mapping[str, int]) -> None:
        """`was`: the regions it was in."""
        version, n, vehicle = self.version, state.n, state.ping.vehicle
        old = self.entries.get(n)
        entry = self._put(state)
        before = None if old is None else old.state
        known = (
            before is not None
            and before.held is None
            and state.held is None  # a `moved` row says that nothing is held
            and _circle_m(before) == _circle_m(state)
        )
        tell = Topic.join if known else _introduce
        tell(self.everything, n, version)
        now = state.regions
        if self.regions or was is not now:
            for region in now:
                if topic := self.regions.get(region):
                    tell(topic, n, version)
                if region not in was:
                    self._cross(region, n)
            for region in was:
                if region not in now:
                    self._leave_region(region, n, exits.get((vehicle, region)))
        if self._cuts:
            for cut in self._cuts_of(vehicle, None, *now):
                finer_before = cut.coarse_m and was is not now  # `moved` rows do not say how coarse they are
                (_introduce if finer_before else tell)(cut, n, version)
        for lens in self._looking(was, now) if self._lenses else ():
            if lens.shows(entry):
                tell(lens, n, version)
            elif lens.grants(entry):
                lens.leave_topic(n, version, "view")
            else:
                rows = (
                    lens.exit_row(self._exit_row(n, exits.get((vehicle, region))), vehicle, region) for region in was
                )
                lens.leave_topic(n, version, "region", next(filter(None, rows), None))
        for zoom in self._zooms:
            shift = DEEPEST - zoom
            x, y = entry.place
            here = (zoom, x >> shift, y >> shift)
            if topic := self.cells.get(here):
                tell(topic, n, version)
            if old is not None:
                x, y = old.place
                there = (zoom, x >> shift, y >> shift)
                if there != here and (topic := self.cells.get(there)):
                    topic.leave_topic(n, version, "view")
        if topic := self.vehicles.get(vehicle):
            tell(topic, n, version)

    def _put(self, state: VehicleState) -> Entry:
        entry = self.entries[state.n] = Entry(state, self.t0)
        self._tiles.put(state.n, state.ping.lat, state.ping.lon)
        return entry

    def _cross(self, region: str, n: int) -> None:
        self.everything.touch(self.everything.crossed, (region, n), self.version)
        if topic := self.regions.get(region):
            topic.touch(topic.crossed, (region, n), self.version)
        for cut in self._cuts_of(self.entries[n].state.ping.vehicle, region, None) if self._cuts else ():
            cut.touch(cut.crossed, (region, n), self.version)

    def _leave_region(self, region: str, n: int, exit: Event | None) -> None:
        self._cross(region, n)
        if topic := self.regions.get(region):
            topic.leave_topic(n, self.version, "region", self._exit_row(n, exit))
        for cut in self._cuts_of(self.entries[n].state.ping.vehicle, region) if self._cuts else ():
            cut.leave_topic(n, self.version, "region", cut.seen_row(self._exit_row(n, exit)))

    def _exit_row(self, n: int, exit: Event | None) -> Row | None:
        """The deciding fix, even if a later one came in the same change."""
        return None if exit is None else messages.exit_row(n, exit, self.entries[n].row, self.t0)

    def _looking(self, *regions: Iterable[str]) -> set[Lens]:
        """The lenses through which one of these regions is seen."""
        if not self._lenses:
            return set()
        found = {lens for some in regions for region in some for lens in self._lenses_of.get(region, ())}
        return found | self._lenses_of.get(None, set())

    def _cuts_of(self, vehicle: str, *regions: str | None) -> Iterator[Cut]:
        """Those that show this vehicle in these regions."""
        group = self.picture.group_of(vehicle)
        for region in regions:
            if cuts := self._cuts.get(region):
                yield from cuts.get(None, ())
                if group is not None:
                    yield from cuts.get(group, ())

    def _regroup(self, vehicle: str, before: str | None) -> None:
        """It is in another group of vehicles: others see it. Whoever still does is told it anew, as they see it now."""
        state = self.picture.vehicles.get(vehicle)
        if state is None:
            return
        n, version, entry = state.n, self.version, self.entries[state.n]
        for region in (None, *state.regions):
            for cut in self._cuts.get(region, {}).get(before, ()) if before is not None else ():
                for one in state.regions if region is None else (region,):
                    cut.touch(cut.crossed, (one, n), version)
                cut.leave_topic(n, version, "revoked")
        for cut in self._cuts_of(vehicle, None, *state.regions):
            _introduce(cut, n, version)
            for one in state.regions if cut.region is None else (cut.region,):
                cut.touch(cut.crossed, (one, n), version)
        for topic in (self.regions.get(region) for region in state.regions):
            if topic is not None:
                _introduce(topic, n, version)
        for lens in self._looking(state.regions):
            if lens.shows(entry):
                _introduce(lens, n, version)
            else:
                lens.leave_topic(n, version, "view" if lens.grants(entry) else "revoked")

    def _remove(self, vehicle: str) -> None:
        state = self.picture.vehicles.get(vehicle)
        if state is None or (entry := self.entries.get(state.n)) is None:
            return
        for region in state.regions:
            self._cross(region, state.n)
        if vehicle not in self.vehicles:
            self.unwatched = self.version
        for topic in self._topics_of(entry):
            topic.leave_topic(state.n, self.version, "removed")
        del self.entries[state.n]
        self._tiles.discard(state.n)

    def _topics_of(self, entry: Entry) -> Iterator[Topic]:
        yield self.everything
        x, y = entry.place
        cells = ((zoom, x >> DEEPEST - zoom, y >> DEEPEST - zoom) for zoom in self._zooms)
        for topic in (
            *(self.regions.get(region) for region in entry.state.regions),
            *(self.cells.get(cell) for cell in cells),
            self.vehicles.get(entry.state.ping.vehicle),
            *(lens for lens in self._looking(entry.state.regions) if lens.shows(entry)),
            *(self._cuts_of(entry.state.ping.vehicle, None, *entry.state.regions) if self._cuts else ()),
        ):
            if topic is not None:
                yield topic

    def _all(self) -> Iterator[Topic]:
        yield self.everything
        yield from self.regions.values()
        yield from self.vehicles.values()
        yield from self.cells.values()
        yield from self._lenses.values()
        yield from (cut for groups in self._cuts.values() for cuts in groups.values() for cut in cuts)

    def _touch_region(self, region: str) -> None:
        self._features.pop(region, None)
        groups = (self._cuts.get(region, {}), self._cuts.get(None, {})) if self._cuts else ()
        cuts = (cut for some in groups for cuts in some.values() for cut in cuts)
        for topic in (self.everything, self.regions.get(region), *cuts):
            if topic is not None:
                topic.touch(topic.features, region, self.version)

    def _register(self, entry: Registered, version: int) -> None:
        state = self.picture.vehicles.get(entry.vehicle)
        live = self.entries.get(state.n) if state else None
        if live is not None:
            live.rename()
        unseen = (self.everything, self.vehicles.get(entry.vehicle), *self._cuts_of(entry.vehicle, None))
        for topic in self._topics_of(live) if live else unseen:
            if topic is not None:
                topic.touch(topic.registered, entry.vehicle, version)

    def place_ack(self, ack: Acked, told: Told) -> None:
        """Its event is known only now."""
        self.version += 1
        self.tell_ack(ack, told)

    def tell_ack(self, ack: Acked, told: Told | None) -> None:
        """To whom its event was told; None: it is not known (yet)."""
        self._acks[ack.id] = ack
        topics: list[Topic | None] = [self.everything]
        if told is not None:
            event = told.event
            regions = told.regions if event.region is None else (event.region,)
            topics += [self.regions.get(region) for region in regions]
            topics += [lens for lens in self._looking(regions) if lens.wants(event, told.regions)]
            topics += self._cuts_of(event.vehicle, None, *regions)
            topics += [self.cells.get((zoom, *tile(event.lat, event.lon, zoom))) for zoom in self._zooms]
            topics.append(self.vehicles.get(event.vehicle))
        for topic in topics:
            if topic is not None:
                topic.touch(topic.acked, ack.id, self.version)

    # ------------------------------------------------------------------------------------------ what can be followed

    def region(self, region: str) -> Topic:
        """The topic of a region; kept from now on if nobody followed it before, like the others here."""
        topic = self.regions.get(region)
        if topic is None:
            inside = (self.picture.vehicles[vehicle].n for vehicle in self.picture.inside.get(region, ()))
            topic = self.regions[region] = Topic(self.version, inside, region, region)
        return topic

    def vehicle(self, vehicle: str) -> Topic:
        topic = self.vehicles.get(vehicle)
        if topic is None:
            state = self.picture.vehicles.get(vehicle)
            topic = self.vehicles[vehicle] = Topic(self.version, (state.n,) if state else (), key=vehicle)
        return topic

    def lens(self, grant: Grant, cells: frozenset[Cell], vehicles: frozenset[str]) -> Lens:
        """What a limited grant shows of these cells and vehicles."""
        key = digest(grant.key(), repr(sorted(cells)), repr(sorted(vehicles)))
        if key not in self._lenses:
            lens = Lens(self.version, key, grant, cells, vehicles, self.picture.group_of, self.is_near)
            self._lenses[key] = lens
            for region in lens.regions():
                self._lenses_of.setdefault(region, set()).add(lens)
            inside = {vehicle for region in lens.regions() for vehicle in self._inside(region)}
            lens.begin(self.entries[self.picture.vehicles[vehicle].n] for vehicle in inside)
        return self._lenses[key]

    def cuts(self, grant: Grant, regions: Collection[str], *, whole: bool) -> list[Topic]:
        """What a limited grant shows of these regions, or (`whole`) of all there is. Last what tells more."""
        wanted: set[tuple[bool, str, str, float, bool]] = set()
        for part in grant.parts:
            anywhere = whole and part.regions is None
            groups = [None] if part.vehicles is None else part.vehicles or [""]  # no vehicle: the regions alone
            seen = [""] if anywhere else list(filter(part.sees_region, regions))
            wanted |= {(anywhere, r, group or "", part.coarse_m, group is None) for r in seen for group in groups}
        return [
            self._cut(None if anywhere else region, None if of_all else group, coarse_m)
            for anywhere, region, group, coarse_m, of_all in sorted(wanted)
        ]

    def _cut(self, region: str | None, group: str | None, coarse_m: float) -> Topic:
        if region is not None and group is None and not coarse_m:
            return self.region(region)
        cuts = self._cuts.setdefault(region, {}).setdefault(group, [])
        for cut in cuts:
            if cut.coarse_m == coarse_m:
                return cut
        group_of = self.picture.group_of
        inside = (one for one in self._inside(region) if group is None or group_of(one) == group)
        cut = Cut(self.version, (self.picture.vehicles[one].n for one in inside), region, group, coarse_m)
        cuts.append(cut)
        return cut

    def _inside(self, region: str | None) -> Collection[str]:
        return self.picture.vehicles.keys() if region is None else self.picture.inside.get(region, ())

    def knows_vehicle(self, vehicle: str) -> bool:
        return vehicle in self.picture.vehicles or vehicle in self.picture.register or vehicle in self.vehicles

    def knows_region(self, region: str) -> bool:
        return region in self.picture.regions or region in self.regions

    def hold(self, topic: Topic) -> None:
        """Somebody follows it."""
        topic.followers += 1
        self._unused.pop(topic, None)

    def release(self, topic: Topic) -> None:
        """One follower less. The last one may come back, so it is kept for a while, unless too many are."""
        topic.followers -= 1
        if not topic.followers and topic is not self.everything:
            self._unused[topic] = None
            if len(self._unused) > MOST_UNUSED:
                self._drop(self._unused.popitem(last=False)[0])

    def _drop(self, topic: Topic) -> None:
        key = topic.key
        if isinstance(topic, Lens):
            del self._lenses[key]
            for region in topic.regions():
                self._lenses_of[region].discard(topic)
                if not self._lenses_of[region]:
                    del self._lenses_of[region]
            return
        if isinstance(topic, Cut):
            groups = self._cuts[topic.region]
            groups[topic.group].remove(topic)
            if not groups[topic.group]:
                del groups[topic.group]
            if not groups:
                del self._cuts[topic.region]
            return
        if isinstance(key, tuple):
            del self.cells[key]
            self._zooms[key[0]] -= 1
            if not self._zooms[key[0]]:
                del self._zooms[key[0]]
            return
        topics = self.vehicles if topic.region is None else self.regions
        del topics[key]
        if not (self.knows_vehicle(key) if topic.region is None else self.knows_region(key)):
            self.unwatched = max(self.unwatched, topic.version)

    def in_cells(self, cells: frozenset[Cell]) -> list[Topic]:
        missing = {cell for cell in cells if cell not in self.cells}
        for cell in missing:
            self.cells[cell] = Topic(self.version, key=cell)
            self._zooms[cell[0]] = self._zooms.get(cell[0], 0) + 1
        for (zoom, x, y), _, vehicles in self._tiles.within(missing):
            if zoom <= BASE:
                self.cells[zoom, x, y].members |= vehicles
                continue
            for n in vehicles:
                (deep_x, deep_y), shift = self.entries[n].place, DEEPEST - zoom
                if (deep_x >> shift, deep_y >> shift) == (x, y):
                    self.cells[zoom, x, y].members.add(n)
        return [self.cells[cell] for cell in sorted(cells)]

    # ------------------------------------------------------------------------------------------ the present values

    def full(self, entry: Entry) -> bytes:
        if entry.full is None:
            entry.full = messages.encode(self.values(entry))
        return entry.full

    def values(self, entry: Entry) -> list[Any]:
        """The same, not encoded."""
        if entry.values is None:
            registered = self.picture.register.get(entry.state.ping.vehicle)
            entry.values = messages.new_row(entry.state, registered, self.t0)
        return entry.values

    def feature(self, region: str) -> bytes | None:
        if (feature := self.picture.regions.get(region)) is None:
            return None
        if (text := self._features.get(region)) is None:
            text = self._features[region] = messages.encode(feature)
        return text

    def _registered(self, vehicle: str) -> bytes:
        return messages.encode(messages.register_entry(self.picture.register.get(vehicle) or Registered(vehicle)))

    def _number(self, vehicle: str) -> int | None:
        state = self.picture.vehicles.get(vehicle)
        return state.n if state else None

    def _acked(self, event: str) -> bytes:
        return messages.encode(messages.acked(self._acks[event]))

    def inside(self, region: str) -> list[int]:
        """Who is in a region."""
        vehicles = self.picture.vehicles
        return [vehicles[vehicle].n for vehicle in self.picture.inside.get(region, ())]

    def within(self, cells: Collection[Cell]) -> Iterator[str]:
        """The vehicles that are in these cells, none of them finer than a tile."""
        self._catch_up()
        for _, _, numbers in self._tiles.within(cells):
            for n in numbers:
                yield self.entries[n].state.ping.vehicle

    def count(self, topics: list[Topic], zoom: int, seen: Callable[[Entry], Entry]) -> bytes:
        """A `counts` message: how many vehicles of these topics each cell of a zoom has, each vehicle once, where it is
        `seen`.

        Whole tiles are added up: 100,000 vehicles one by one would hold the loop for 25 ms.
        """
        whole = self.everything in topics
        cells = {topic.key for topic in topics if isinstance(topic.key, tuple)}
        found: dict[tuple[int, int], int] = {}
        one_by_one = topics
        if zoom <= BASE:
            found = self._tiles.count(zoom, {WORLD} if whole else cells)
            one_by_one = [] if whole else [topic for topic in topics if topic.key not in cells]
        counted = {cell[0] for cell in cells} if one_by_one is not topics else set()
        for n in set().union(*(topic.members for topic in one_by_one)):
            x, y = seen(self.entries[n]).place
            if not any((z, x >> DEEPEST - z, y >> DEEPEST - z) in cells for z in counted):
                key = (x >> DEEPEST - zoom, y >> DEEPEST - zoom)
                found[key] = found.get(key, 0) + 1
        return messages.counts([(zoom, x, y, count) for (x, y), count in sorted(found.items())])

    # ------------------------------------------------------------------------------------------------- house-keeping

    def forget_old(self, now: int) -> Iterator[None]:
        """Let go of what was kept for those who come back and has become too old: about once a second, and in steps."""
        self._horizon.append((now, self.version))
        past = [at for at in self._horizon if now - at[0] >= KEPT_MS]
        horizon = past[-1][1] if past else 0
        del self._horizon[: len(past)]
        for topic in list(self._all()):  # others come and go between two steps
            topic.forget_gone(horizon)
            self.swept += 1
            yield
        for topic in reversed(self._unused):
            if self._unused[topic] is not None:
                break
            self._unused[topic] = now
        while self._unused:
            topic, since = next(iter(self._unused.items()))
            if since is None or now - since < KEPT_MS:
                break
            self._drop(self._unused.popitem(last=False)[0])
            yield
        if len(self._acks) > len(self.everything.acked):
            self._acks = {event: ack for event, ack in self._acks.items() if event in self.everything.acked}


def _circle_m(state: VehicleState) -> float:
    """The accuracy, where it is so poor that the map must know it: `moved` rows have none."""
    accuracy_m = state.ping.accuracy_m
    return 0.0 if accuracy_m is None or accuracy_m <= CIRCLE_M else accuracy_m


def _introduce(topic: Topic, n: int, version: int) -> None:
    """Tell all of a vehicle, to those too who know it."""
    if n not in topic.members:
        topic.members.add(n)
        topic.peopled = version
    topic.gone.pop(n, None)
    topic.moved.pop(n, None)
    topic.touch(topic.joined, n, version)
