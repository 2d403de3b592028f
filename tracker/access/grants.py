"""Grant: what one caller may see and do, asked once a request. Everything, or the parts that their groups make.

What is not granted does not exist: whoever asks for it is answered what the asker of a name nobody knows is answered.
A part shows vehicles of some groups while they are calmly in some regions, where their newest deciding fix is, and in
these regions only. Whoever has several sees what any of them shows, and a vehicle as exactly as the finest of those
that show it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import lru_cache
from hashlib import blake2s
from typing import Any, NamedTuple, Protocol

import msgspec

from tracker.access.tokens import Token
from tracker.errors import NotFound
from tracker.model.change import VehicleState
from tracker.model.coarse import coarsened, middle
from tracker.model.events import Event
from tracker.model.ping import NOWHERE

#: what somebody may do with what they see; `send`: positions come in, `scrape`: /metrics
WATCH, ACKNOWLEDGE, EDIT_REGIONS, EDIT_VEHICLES = "watch", "acknowledge", "edit_regions", "edit_vehicles"
ADMINISTER, SEND, SCRAPE = "administer", "send", "scrape"
MAY = frozenset({WATCH, ACKNOWLEDGE, EDIT_REGIONS, EDIT_VEHICLES, ADMINISTER, SEND, SCRAPE})

NEAR_M = 100.0  #: further outside nobody is a member of a region, and no place of theirs is told to those who see it
#: kinds of event of a region whose `why` begins in that region: the fix before any other was somewhere else
_FROM_INSIDE = frozenset({"exit", "overspeed_start", "overspeed_end"})
_EXACT = frozenset({"why", "chord_m"})  #: details of an event that tell its place better than any cell

IsNear = Callable[[str, float, float], bool]  # (region, lat, lon): at most so far outside?


class Part(msgspec.Struct, frozen=True):
    """What one group shows and allows: vehicles of these groups, in these regions."""

    regions: frozenset[str] | None = frozenset()  # None: anywhere, in a region or not
    vehicles: frozenset[str] | None = None  # groups of vehicles; None: all there are, and those in none
    may: frozenset[str] = frozenset({WATCH})
    coarse_m: float = 0.0  # places are told as cells of so many metres; 0: as they are
    groups: frozenset[str] | None = frozenset()  # those the regions are in; None: any, and none

    def takes(self, group: str | None) -> bool:
        return self.vehicles is None or group in self.vehicles

    def sees_region(self, region: str) -> bool:
        return self.regions is None or region in self.regions

    def admits(self, inside: Collection[str], group: str | None) -> bool:
        """A vehicle of this group that is in these regions?"""
        return (self.regions is None or not self.regions.isdisjoint(inside)) and self.takes(group)


class Grant(msgspec.Struct, frozen=True):
    everything: bool = False  # is seen
    parts: tuple[Part, ...] = ()  # none of who may see everything: they may do the same everywhere
    may: frozenset[str] = frozenset({WATCH})  # something of it somewhere
    who: str = ""  # whoever asks, by name; of a device `token:ID`
    bearer: str = ""  # id of the session or token by which they are known
    sends: Token | None = None  # of a device: for whom it may send; None: for all

    # -- what may be done -------------------------------------------------------------------------------------------

    def check(self, verb: str) -> None:
        """Raises NotFound: what one may not do does not exist."""
        if verb not in self.may:
            raise may_not(verb)

    def check_vehicle(self, verb: str, inside: Collection[str], group: str | None) -> None:
        """With a vehicle of this group in these regions, or with what befell one."""
        self.check(verb)
        if self.parts and not any(verb in part.may and part.admits(inside, group) for part in self.parts):
            raise may_not(verb)

    def check_region(self, group: str | None) -> None:
        """Change a region of this group?"""
        self.check(EDIT_REGIONS)
        if (groups := self.draws()) is not None and group not in groups:
            raise may_not(EDIT_REGIONS)

    def draws(self) -> frozenset[str] | None:
        """The groups in which regions may be drawn. None: any, and none."""
        drawing = [part for part in self.parts if EDIT_REGIONS in part.may]
        if not self.parts or any(part.groups is None for part in drawing):
            return None
        return frozenset[str]().union(*(part.groups or () for part in drawing))

    def may_regroup(self, inside: Collection[str], before: str | None, after: str | None) -> bool:
        """Move a vehicle in these regions from one group to another? Not into one of which they see less, or more."""
        if not self.parts:
            return True
        if not any(EDIT_VEHICLES in part.may and part.admits(inside, after) for part in self.parts):
            return False
        return all(part.takes(before) for part in self.parts if part.takes(after))

    def keeps(self, before: Grant) -> bool:
        """Is all still allowed that was, whatever regions came or went?"""
        whole = not self.parts or (bool(before.parts) and _kinds(self.parts) >= _kinds(before.parts))
        return self.may >= before.may and self.everything >= before.everything and whole

    def edits_everywhere(self, group: str | None) -> bool:
        """A vehicle of this group, wherever it is or was, exactly?"""
        parts = [part for part in self.parts if EDIT_VEHICLES in part.may and part.takes(group)]
        anywhere = not self.parts or any(part.regions is None and not part.coarse_m for part in parts)
        return EDIT_VEHICLES in self.may and anywhere

    def may_send(self, vehicle: str, group: str | None) -> bool:
        return self.sends is None or self.sends.may_send(vehicle, group)

    # -- what is seen -----------------------------------------------------------------------------------------------

    @property
    def regions(self) -> frozenset[str] | None:
        """All that are seen; None: all there are."""
        if self.everything or any(part.regions is None for part in self.parts):
            return None
        return frozenset[str]().union(*(part.regions or () for part in self.parts))

    def within(self, regions: frozenset[str] | None, vehicles: frozenset[str] | None) -> Grant:
        """What of it lies in these regions, and is of vehicles of these groups; None: wherever, whatever."""
        if regions is None and vehicles is None:
            return self
        whole = (Part(None, may=self.may),) if self.everything and not self.parts else self.parts
        parts = [
            msgspec.structs.replace(part, regions=_both(part.regions, regions), vehicles=_both(part.vehicles, vehicles))
            for part in whole
        ]
        return msgspec.structs.replace(self, everything=False, parts=tuple(parts))

    def sees_region(self, region: str) -> bool:
        return self.everything or any(part.sees_region(region) for part in self.parts)

    def admitting(self, inside: Collection[str], group: str | None) -> list[Part]:
        """The parts that show a vehicle of this group in these regions."""
        return [part for part in self.parts if part.admits(inside, group)]

    def sees(self, inside: Collection[str], group: str | None) -> bool:
        return self.everything or any(part.admits(inside, group) for part in self.parts)

    def shown(self, state: VehicleState, group: str | None) -> VehicleState | None:
        """What may be seen of a vehicle of this group; None when that is nothing."""
        if self.everything:
            return state
        parts = self.admitting(state.regions, group)
        return _seen(state, parts) if parts else None

    def sees_event(self, event: Event, inside: Collection[str], group: str | None) -> bool:
        """Of a vehicle of this group. `inside`: the regions it was in as it happened; they decide about an event of no
        region."""
        return self.everything or self.sees(inside if event.region is None else (event.region,), group)

    def shown_event(self, event: Event, inside: Collection[str], group: str | None, is_near: IsNear) -> Event:
        """An event that may be seen: its place where that may be, and nothing of where its vehicle was otherwise."""
        return self.showing(event, inside, group, is_near).of(event)

    def showing(self, event: Event, inside: Collection[str], group: str | None, is_near: IsNear) -> Showing:
        """How much of an event is shown."""
        if self.everything:
            return WHOLE
        if event.region is not None:
            parts = self.admitting((event.region,), group)
            return Showing((best := finest(parts)).coarse_m, best.regions is None) if parts else UNPLACED
        # what befell a vehicle in a region may have been elsewhere: a late fix, a jump, a poor one
        placed = [part for part in self.admitting(inside, group) if _shows_place(part, event, inside, is_near)]
        return Showing(finest(placed).coarse_m, True) if placed else UNPLACED

    def key(self) -> str:
        """What tells apart two that see different things."""
        if self.everything:
            return "everything"
        return "\n".join(sorted(f"{_names(one.regions)}{_names(one.vehicles)}{one.coarse_m}" for one in self.parts))

    def word(self) -> str:
        """Another one for whoever sees, or may do, something else: by it a page knows that what it knows is old."""
        return _word(msgspec.structs.replace(self, who="", bearer="", sends=None))


EVERYTHING = Grant(everything=True, may=MAY)


class Access(Protocol):
    """The port: who asks, and what may they see and do?"""

    def check(self, method: str, scope: Mapping[str, Any]) -> Grant:
        """What the sender of this request (an ASGI scope) may do. `method` is CONNECT for whatever opens a channel: the
        handshake of a socket, a stream, a poll; STORE for a GET that stores. Raises TrackerError."""
        ...

    def again(self, grant: Grant) -> Grant:
        """What it has become by now, for what lasts. Raises NotSignedIn when nothing is left of it."""
        ...


def may_not(verb: str) -> NotFound:
    return NotFound("may_not", f"you may not {verb.replace('_', ' ')}; whoever runs this server can allow it")


def finest(parts: Sequence[Part]) -> Part:
    """The one that shows a place best: as exactly as any, and anywhere rather than in regions."""
    return min(parts, key=lambda part: (part.coarse_m, part.regions is not None))


def _kinds(parts: Sequence[Part]) -> set[Part]:
    """Without the regions there are."""
    return {msgspec.structs.replace(part, regions=None) for part in parts}


def _both(some: frozenset[str] | None, others: frozenset[str] | None) -> frozenset[str] | None:
    if some is None or others is None:
        return others if some is None else some
    return some & others


@lru_cache(maxsize=512)
def _word(grant: Grant) -> str:
    does = sorted(f"{_names(one.groups)}{sorted(one.may)}" for one in grant.parts)
    return blake2s(repr((grant.key(), does, sorted(grant.may))).encode(), digest_size=6).hexdigest()


def _names(some: frozenset[str] | None) -> str:
    return "all" if some is None else repr(sorted(some))


def _seen(state: VehicleState, parts: Sequence[Part]) -> VehicleState:
    """As these parts show it: nothing of other regions, and no place far outside that did not decide."""
    best = finest(parts)
    inside = state.regions
    if all(part.regions is not None for part in parts):
        inside = {region: at for region, at in inside.items() if any(part.sees_region(region) for part in parts)}
    ping, held = state.ping, state.held
    if best.regions is not None:
        held = None
        near = {
            region for part in parts if part.coarse_m == best.coarse_m for region in inside if part.sees_region(region)
        }
        if near <= frozenset(state.beyond):
            ping = state.decided or ping
    if best.coarse_m:
        ping, held = coarsened(ping, best.coarse_m), held and coarsened(held, best.coarse_m)
    return msgspec.structs.replace(state, ping=ping, regions=inside, held=held, decided=None, beyond=())


def _shows_place(part: Part, event: Event, inside: Collection[str], is_near: IsNear) -> bool:
    if part.regions is None:
        return True
    return not event.detail.get("apart") and any(
        part.sees_region(region) and is_near(region, event.lat, event.lon) for region in inside
    )


class Showing(NamedTuple):
    """How much of an event somebody is shown."""

    coarse_m: float = 0.0
    whole: bool = False  # its place may be anywhere, and that of its vehicle before
    placed: bool = True

    def of(self, event: Event) -> Event:
        if not self.placed:
            return _unplaced(event)
        if not self.whole:
            event = _of_region(event)
        return _coarse(event, self.coarse_m) if self.coarse_m else event


WHOLE, UNPLACED = Showing(whole=True), Showing(placed=False)


def _of_region(event: Event) -> Event:
    """Without where its vehicle came from when that was elsewhere; and without the place when that is, too: a region is
    crossed between two fixes."""
    why = event.detail.get("why")
    if why and "from" in why and not (event.kind in _FROM_INSIDE and _is_within(why["from"], 0.0)):
        kept = {name: value for name, value in why.items() if name != "from"}
        event = msgspec.structs.replace(event, detail=event.detail | {"why": kept})
    if event.kind == "cross" and not (why and _is_within(why["to"], NEAR_M)):
        return _unplaced(event)
    return event


def _is_within(seen: Mapping[str, Any], most_m: float) -> bool:
    """Of the region. The whole world has no edge."""
    edge_m = seen.get("edge_m")
    return edge_m is None or edge_m <= most_m


def _unplaced(event: Event) -> Event:
    detail = {name: value for name, value in event.detail.items() if name != "why"} | {"placed": False}
    lat, lon = NOWHERE
    return msgspec.structs.replace(event, lat=lat, lon=lon, detail=detail)


def _coarse(event: Event, cell_m: float) -> Event:
    lat, lon = (event.lat, event.lon) if (event.lat, event.lon) == NOWHERE else middle(event.lat, event.lon, cell_m)
    detail = {name: value for name, value in event.detail.items() if name not in _EXACT}
    return msgspec.structs.replace(event, lat=lat, lon=lon, detail=detail)
