"""Audience: which of the other nodes need a vehicle, found at once for all of them, and what each has to hear."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Hashable, Iterator, Mapping, Set
from typing import TypeVar

import msgspec

from tracker.geometry.earth import tile
from tracker.live.tiles import BASE, Place
from tracker.model.change import Change, VehicleState
from tracker.model.picture import Picture
from tracker.nodes.interest import Needs

K = TypeVar("K", bound=Hashable)
_NO_NEWS = Change()


class Audience:
    """Of nodes by name. Who of them, is a number with a bit each, in their order."""

    def __init__(self, needs: Mapping[str, Needs]) -> None:
        self.nodes = list(needs)
        self.all = (1 << len(needs)) - 1
        of = [(1 << at, one) for at, one in enumerate(needs.values())]
        self._everything = sum(bit for bit, one in of if one.everything)
        self._cells = _bits((bit, one.cells) for bit, one in of)
        self._regions = _bits((bit, one.regions) for bit, one in of)
        self._vehicles = _bits((bit, one.vehicles) for bit, one in of)
        self._groups = _bits((bit, one.groups) for bit, one in of)
        self._zooms = {cell[0] for cell in self._cells}
        self._tiles: dict[Place, int] = {}  # who needs a tile, of those that were asked for

    def who(self, state: VehicleState, group: str | None) -> int:
        """Needs a vehicle of this group, as it is now?"""
        bits = self._everything
        if bits == self.all:
            return bits
        ping = state.ping
        bits |= self._vehicles.get(ping.vehicle, 0)
        if group is not None:
            bits |= self._groups.get(group, 0)
        for region in state.regions:
            bits |= self._regions.get(region, 0)
        if self._cells:
            place = tile(ping.lat, ping.lon, BASE)
            if (there := self._tiles.get(place)) is None:
                there = self._tiles[place] = self._who_needs(*place)
            bits |= there
        return bits

    def _who_needs(self, x: int, y: int) -> int:
        bits = 0
        for zoom in self._zooms:
            bits |= self._cells.get((zoom, x >> BASE - zoom, y >> BASE - zoom), 0)
        return bits

    def named(self, bits: int) -> Iterator[str]:
        return (node for at, node in enumerate(self.nodes) if bits >> at & 1)


def _bits(wanted: Iterator[tuple[int, Collection[K]]]) -> dict[K, int]:
    found: defaultdict[K, int] = defaultdict(int)
    for bit, names in wanted:
        for name in names:
            found[name] |= bit
    return dict(found)


def news_for(audience: Audience, change: Change, picture: Picture) -> dict[str, list[Change]]:
    """What of a change each node has to hear, in order; who hears nothing is left out. `picture`: what the owner of
    the vehicles knew before it.

    A vehicle that leaves what is needed is told once more, or nobody there would see it leave. Of one that something
    befell, or that is registered, a node that did not need it is told first where it was: whoever may hear of that
    depends on it.
    """
    vehicles, group_of, all_of_them = picture.vehicles, picture.group_of, audience.all
    befell = {event.vehicle for event in (*change.events, *change.unnumbered)}
    befell |= {entry.vehicle for entry in change.registered}
    before: dict[str, list[VehicleState]] = {node: [] for node in audience.nodes}
    moved: dict[str, list[VehicleState]] = {node: [] for node in audience.nodes}
    for vehicle in sorted(befell & vehicles.keys()):
        state = vehicles[vehicle]
        for node in audience.named(all_of_them & ~audience.who(state, group_of(vehicle))):
            before[node].append(state)
    for state in change.moved:
        vehicle = state.ping.vehicle
        last, group = vehicles.get(vehicle), group_of(vehicle)
        if last is None or vehicle in befell:
            bits = all_of_them
        elif (bits := audience.who(state, group)) != all_of_them:
            bits |= audience.who(last, group)
        if bits:
            for node in audience.named(bits):
                moved[node].append(state)
    told: dict[str, list[Change]] = {}
    for node in audience.nodes:
        news = [Change(moved=before[node])] if before[node] else []
        whole = len(moved[node]) == len(change.moved)
        left = change if whole else msgspec.structs.replace(change, moved=moved[node])
        if news or left != _NO_NEWS:
            told[node] = [*news, left]
    return told


def joining(picture: Picture, before: Needs, now: Needs) -> list[VehicleState]:
    """The vehicles that are needed and were not: an owner tells their states; whoever needs them asks for those that
    it believes to be there, too, for they may be elsewhere by now."""
    more, vehicles = now - before, picture.vehicles
    found: Set[str] = vehicles.keys()
    if not (more.everything or more.cells or more.groups):
        found = (more.vehicles & found).union(*(picture.inside.get(region, ()) for region in more.regions))
    audience = Audience({"before": before, "now": more})
    return [vehicles[vehicle] for vehicle in found if audience.who(vehicles[vehicle], picture.group_of(vehicle)) == 2]
