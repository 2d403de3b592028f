"""Following: who follows what, and what all are told of it who were told the same before.

What is followed by its name before anybody knows it is awaited. Such a name costs 8 bytes of hash, however long it is,
so inventing names gains nothing; and a vehicle that was followed before its first fix is heard from that fix on. The
hashes are Python's own: salted in every run.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable
from typing import Any, NamedTuple, TypeAlias

import msgspec

from tracker.access.grants import EVERYTHING, WHOLE, Grant, Showing
from tracker.errors import Overloaded
from tracker.geometry.earth import tile
from tracker.live.cursor import digest
from tracker.live.event_log import Told
from tracker.live.routing import Routing
from tracker.live.topics import Entry, Fragment, Lens, Topic, is_in_cells, merge
from tracker.live.viewer import Viewer, Wish
from tracker.model.change import Change
from tracker.model.events import ERASED

MOST = 2_000_000  #: names awaited at once, by all followers: 16 MB
SLOTS = 1 << 22

NO_SNAPSHOT: tuple[tuple[Any, ...], list[bytes]] = ((), [])

Names: TypeAlias = "array[int]"  #: hashes, ascending


def region_key(name: str) -> int:
    return hash("r" + name)


def vehicle_key(name: str) -> int:
    return hash("v" + name)


def names(keys: Iterable[int]) -> Names:
    return array("q", sorted(keys))


def has(awaits: Names, key: int) -> bool:
    at = bisect_left(awaits, key)
    return at < len(awaits) and awaits[at] == key


class Body(NamedTuple):
    """What all viewers of an interest are told that were told the same before."""

    upto: int
    messages: list[tuple[bytes, bytes]]  # (end of the JSON, columns)


class Interest:
    """What some viewers follow: several connections that follow the same share one."""

    def __init__(
        self,
        wish: Wish,
        names: str,
        topics: list[Topic],
        singles: list[Topic],
        followed: bytes,
        awaits: Names,
        routing: Routing,
        grant: Grant = EVERYTHING,
    ) -> None:
        self.wish = wish
        self.names = names  # a digest of all that was named, awaited or not
        self.topics = topics  # what it is told
        self.singles = singles  # vehicles that do not wait for the tick; among `topics` unless that is everything
        self.followed = followed
        self.awaits = awaits  # names nobody knows yet
        self.grant = grant  # of all of them
        self._routing = routing
        coarse = {part.coarse_m for part in grant.parts}
        self.is_mixed = len(coarse) > 1
        self._coarse_m = max(coarse, default=0.0)  # of all parts, unless they are mixed
        self.viewers: set[Viewer] = set()
        self.bodies: dict[tuple[int, bool], Body] = {}
        self.tables: Any = None  # of the binary snapshots of this second
        self.snapshot: tuple[tuple[Any, ...], list[bytes]] = NO_SNAPSHOT  # a small one, and at which place it was told
        self._members: tuple[int, set[int]] = (-1, set())  # as of which version
        self._summed = (-1, -1)  # as of which version, and sweep, the next two are right
        self._floor = self._most = 0
        self._by_region: dict[str | None, list[Topic]] = {}

    @property
    def held(self) -> list[Topic]:
        """All the topics that are kept for it."""
        return [*self.topics, *self.singles] if self.wish.all else self.topics

    def find(self, topics: list[Topic], *, region: str | None = None, vehicle: str | None = None) -> None:
        """A name it awaited is known now."""
        wish, self._members, self._summed = self.wish, (-1, set()), (-1, -1)
        self._by_region.clear()
        if region is not None:
            self.wish = msgspec.structs.replace(wish, regions=wish.regions | {region})
        if vehicle is not None:
            self.singles += topics
            self.wish = msgspec.structs.replace(wish, vehicles=wish.vehicles | {vehicle})
        if not wish.all:
            self.topics += topics
        for viewer in self.viewers:
            viewer.wish = self.wish

    def clear(self) -> None:
        self.bodies.clear()

    def still(self, n: int) -> bool:
        return any(n in topic.members for topic in self.topics)

    def sees_of(self, entry: Entry) -> Entry:
        """What these viewers are told of a vehicle: all of it, unless only regions bring it to them."""
        state = entry.state
        if self.is_mixed:  # as the finest part shows it, whatever brings it
            group = self._routing.picture.group_of(state.ping.vehicle)
            return entry.seen_by(self.grant.admitting(state.regions, group))
        if self.wish.all:
            return entry
        if not (state.held or state.beyond):
            return entry.coarse(self._coarse_m) if self._coarse_m else entry
        seen = [topic.seen_entry(entry) for topic in self.topics if state.n in topic.members]
        return seen[-1] if seen else entry

    def sharpened(self, whole: Fragment) -> Fragment:
        """The same as these viewers are shown it."""
        entries = self._routing.entries
        fragment = merge([whole], lambda _n: False)
        fragment.new = {n: self.sees_of(entries[n]) for n in whole.new}
        fragment.moved = {n: self.sees_of(entries[n]) for n in whole.moved}
        return fragment

    def without_hidden(self, whole: Fragment) -> Fragment:
        """The same, with nothing that is said of vehicles which left them meanwhile: it is not theirs to know."""
        source = self._routing.source
        shown = [one for one in whole.registered if any(topic.tells_of(one, source) for topic in self.topics)]
        if len(shown) == len(whole.registered):
            return whole
        fragment = merge([whole], lambda _n: False)
        fragment.registered = dict.fromkeys(shown)
        return fragment

    @property
    def asks_where(self) -> frozenset[str] | None:
        """Which regions its viewers have to know whether a vehicle was in, as something befell it; None: any."""
        if not self.grant.everything:
            return self.grant.regions
        return None if self.awaits else self.wish.regions

    def size(self) -> int:
        """How many vehicles it has, each counted once, in however many regions it is."""
        plain = self.grant.everything and not (self.wish.regions or self.wish.vehicles)
        if len(self.topics) == 1 or plain:  # no two cells share one
            return sum(len(topic.members) for topic in self.topics)
        return len(self.members())

    def is_over(self, most: int) -> bool:
        """Whether it has more vehicles than that."""
        self._sum_up()
        return self._most > most and self.size() > most

    def floor(self) -> int:
        """What its topics know of who left begins after this version."""
        self._sum_up()
        return self._floor

    def _sum_up(self) -> None:
        """Every viewer asks, every tick; a grant may be of hundreds of topics."""
        now = (self._routing.version, self._routing.swept)
        if self._summed != now:
            self._summed = now
            self._floor = max([topic.floor for topic in self.topics], default=1)
            self._most = sum([len(topic.members) for topic in self.topics])

    def numbers(self) -> set[int]:
        return set().union(*(topic.members for topic in self.topics))

    def members(self) -> set[int]:
        """The same, to look into: kept from tick to tick, for there may be hundreds of topics."""
        upto, members = self._members
        version = self._routing.version
        if upto < self.floor():
            members = self.numbers()
        elif upto < version:
            for topic in [topic for topic in self.topics if topic.peopled > upto]:
                members.update(topic.joined_after(upto))
                members.difference_update([n for n in topic.gone_after(upto) if not self.still(n)])
        self._members = (version, members)
        return members

    def inside(self, region: str) -> list[int]:
        """Who they are told is in a region."""
        if self.grant.everything:
            return self._routing.inside(region)
        if not self._by_region:
            for topic in self.topics:
                if not isinstance(topic, Lens):
                    self._by_region.setdefault(topic.region, []).append(topic)
        found = set[int]().union(*(topic.members for topic in self._by_region.get(region, ())))
        if anywhere := self._by_region.get(None):
            there = self._routing.inside(region)
            found |= {n for topic in anywhere for n in there if n in topic.members}
        return list(found)

    def among(self, numbers: list[int]) -> list[int]:
        """Those of these that they still follow."""
        self._sum_up()
        if len(self.topics) * len(numbers) < self._most:
            return [n for n in numbers if self.still(n)]
        present = self.numbers()
        return [n for n in numbers if n in present]

    def showing(self, told: Told) -> Showing:
        """How much of an event they are shown."""
        if self.grant.everything:
            return WHOLE
        group, is_near = self._routing.picture.group_of(told.event.vehicle), self._routing.is_near
        return self.grant.showing(told.event, told.regions, group, is_near)

    def sees(self, told: Told) -> bool:
        """An event is the business of those who follow its vehicle, its region (without one: a region the vehicle was
        in), or a view of its place."""
        wish, event = self.wish, told.event
        if not self.grant.everything:
            return self._sees_some(told)
        if wish.all or event.vehicle in wish.vehicles:
            return True
        if self.awaits and has(self.awaits, vehicle_key(event.vehicle)):
            return True
        if event.kind == ERASED:
            return False
        if any(map(self._names_region, told.regions if event.region is None else (event.region,))):
            return True
        return any((z, *tile(event.lat, event.lon, z)) in wish.cells for z in {cell[0] for cell in wish.cells})

    def _sees_some(self, told: Told) -> bool:
        """The same within a limited grant: neither a region in which the vehicle is not seen brings an event, nor a
        place that is not shown."""
        wish, event, grant = self.wish, told.event, self.grant
        group = self._routing.picture.group_of(event.vehicle)
        if not grant.sees_event(event, told.regions, group):
            return False
        if wish.granted or event.vehicle in wish.vehicles:
            return True
        regions = told.regions if event.region is None else (event.region,)
        if any(self._names_region(region) and grant.sees((region,), group) for region in regions):
            return True
        return is_in_cells(self.showing(told).of(event), wish.cells, {cell[0] for cell in wish.cells})

    def _names_region(self, region: str) -> bool:
        return region in self.wish.regions or (bool(self.awaits) and has(self.awaits, region_key(region)))


class Awaited:
    """All followers with names that are awaited. Nearly all news concern none of them: a table of counts says so."""

    def __init__(self) -> None:
        self.count = 0
        self._followers: set[Interest] = set()
        self._slots = bytearray(SLOTS)  # how many awaited names fall into each; 255 stays

    def has_room(self, more: int) -> bool:
        return self.count + more <= MOST

    def hold(self, follower: Interest) -> None:
        if follower.awaits:
            self._followers.add(follower)
            self._count(follower.awaits, 1)

    def release(self, follower: Interest) -> None:
        if follower in self._followers:
            self._followers.discard(follower)
            self._count(follower.awaits, -1)

    def take_followers(self, key: int) -> list[Interest]:
        """Those that await this name; from now on they do not any more."""
        if not self._slots[key % SLOTS]:
            return []
        found = [follower for follower in self._followers if has(follower.awaits, key)]
        for follower in found:
            del follower.awaits[bisect_left(follower.awaits, key)]
            self._count((key,), -1)
            if not follower.awaits:
                self._followers.discard(follower)
        return found

    def _count(self, keys: Collection[int], step: int) -> None:
        slots = self._slots
        self.count += step * len(keys)
        for key in keys:
            if slots[key % SLOTS] < 255:
                slots[key % SLOTS] += step


class Followers:
    """All interests there are, and the topics that are kept for them."""

    def __init__(self, routing: Routing) -> None:
        self.routing = routing
        self.awaited = Awaited()
        self._interests: dict[bytes, Interest] = {}
        self.on_find: Callable[[], None] = lambda: None  # a name that was awaited is known
        self._singles: dict[str, set[Interest]] = {}  # a known vehicle → who follows it by itself

    def followed(self) -> list[tuple[Wish, Grant]]:
        """All that somebody follows, as far as it is known."""
        return [(interest.wish, interest.grant) for interest in self._interests.values()]

    @property
    def has_singles(self) -> bool:
        return bool(self._singles)

    def of_vehicle(self, vehicle: str) -> Collection[Interest]:
        """Those that follow it by itself."""
        return self._singles.get(vehicle, ())

    def known(self, wish: Wish, grant: Grant) -> tuple[Wish, Names]:
        """A wish of what there is, and the names in it that nobody knows. A lens knows vehicles by itself."""
        routing = self.routing
        regions = frozenset(filter(routing.knows_region, wish.regions))
        vehicles = frozenset(filter(routing.knows_vehicle, wish.vehicles)) if grant.everything else wish.vehicles
        awaits = names(
            [region_key(name) for name in wish.regions - regions]
            + [vehicle_key(name) for name in wish.vehicles - vehicles]
        )
        if not self.awaited.has_room(len(awaits)):
            raise Overloaded("too many names that nobody knows are followed; try again later, or follow all", 30)
        return msgspec.structs.replace(wish, regions=regions, vehicles=vehicles), awaits

    def follow(self, viewer: Viewer, wish: Wish, named: str, awaits: Names) -> None:
        self.leave(viewer)
        everything = "all" if wish.all else ""
        followed = digest(everything, named, repr(sorted(wish.cells)), viewer.grant.key())
        interest = self._interests.get(followed)
        if interest is None:
            topics, singles = self._topics(wish, viewer.grant)
            interest = Interest(wish, named, topics, singles, followed, awaits, self.routing, viewer.grant)
            self._interests[followed] = interest
            self.awaited.hold(interest)
            for topic in interest.held:
                self.routing.hold(topic)
            for single in singles:
                self._singles.setdefault(single.key, set()).add(interest)
        interest.viewers.add(viewer)
        viewer.wish, viewer.interest = interest.wish, interest

    def leave(self, viewer: Viewer) -> None:
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
            for single in interest.singles:
                self._singles[single.key].discard(interest)
                if not self._singles[single.key]:
                    del self._singles[single.key]

    def _topics(self, wish: Wish, grant: Grant) -> tuple[list[Topic], list[Topic]]:
        """The topics of a wish; those nobody followed before begin to be kept."""
        routing = self.routing
        if not grant.everything:
            seen = routing.cuts(grant, wish.regions, whole=wish.granted)
            looks = wish.cells or wish.vehicles
            return seen + ([routing.lens(grant, wish.cells, wish.vehicles)] if looks else []), []
        singles = [routing.vehicle(vehicle) for vehicle in sorted(wish.vehicles)]
        if wish.all:
            return [routing.everything], singles
        topics = [routing.region(region) for region in sorted(wish.regions)]
        return topics + routing.in_cells(wish.cells) + singles, singles

    def find(self, change: Change, *, sure: bool = True) -> None:
        """Names that were followed before they were known. `sure`: nothing of this change was taken yet."""
        if not self.awaited.count:
            return
        routing, picture = self.routing, self.routing.picture
        for feature in change.regions:
            if (region := feature["id"]) not in picture.regions or not sure:
                for interest in self.awaited.take_followers(region_key(region)):
                    limited = not interest.grant.everything
                    topics = (
                        routing.cuts(interest.grant, [region], whole=False) if limited else [routing.region(region)]
                    )
                    interest.find([self._found(topic) for topic in topics], region=region)
        for vehicle in (
            *(state.ping.vehicle for state in change.moved if state.n not in routing.entries or not sure),
            *(entry.vehicle for entry in change.registered if entry.vehicle not in picture.register or not sure),
        ):
            for interest in self.awaited.take_followers(vehicle_key(vehicle)):
                interest.find([self._found(routing.vehicle(vehicle))], vehicle=vehicle)
                self._singles.setdefault(vehicle, set()).add(interest)

    def _found(self, topic: Topic) -> Topic:
        self.on_find()
        if not topic.followers:
            topic.floor = min(topic.floor, self.routing.unwatched)  # it was not there before: nothing left it
        self.routing.hold(topic)
        return topic

    def forget_tables(self) -> None:
        """They are shared for a second at most, and never tell of what was deleted."""
        for interest in self._interests.values():
            interest.tables, interest.snapshot = None, NO_SNAPSHOT
