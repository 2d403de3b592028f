"""Audience: which of the other nodes need a vehicle, found at once for all of them; and what all have to hear."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Set
from typing import TypeVar

from tracker.geometry.earth import tile
from tracker.live.tiles import Place
from tracker.live.viewer import Cell
from tracker.model.change import VehicleState
from tracker.model.picture import Picture
from tracker.nodes.interest import FINEST, Needs

K = TypeVar("K", bound=Hashable)
Within = Callable[[Collection[Cell]], Iterable[str]]  #: the vehicles that are in cells
MOST_TILES = 100_000  #: of which is remembered who needs them


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
            bits |= self._of_tile(tile(ping.lat, ping.lon, FINEST))
        return bits

    def named(self, bits: int) -> Iterator[str]:
        return (node for at, node in enumerate(self.nodes) if bits >> at & 1)

    def _of_tile(self, place: Place) -> int:
        if (bits := self._tiles.get(place)) is not None:
            return bits
        x, y = place
        bits = 0
        for zoom in self._zooms:
            bits |= self._cells.get((zoom, x >> FINEST - zoom, y >> FINEST - zoom), 0)
        if len(self._tiles) >= MOST_TILES:
            self._tiles.clear()
        self._tiles[place] = bits
        return bits


def _bits(wanted: Iterator[tuple[int, Collection[K]]]) -> dict[K, int]:
    found: defaultdict[K, int] = defaultdict(int)
    for bit, names in wanted:
        for name in names:
            found[name] |= bit
    return dict(found)


def is_rare(last: VehicleState | None, state: VehicleState) -> bool:
    """Is it told to every node, whatever that needs? The first of a vehicle, and one that is in other regions, in one
    anew, or outside others than before: so each node knows which vehicles there are, and where they are members."""
    if last is None:
        return True
    return (last.regions is not state.regions and last.regions != state.regions) or last.beyond != state.beyond


def joining(picture: Picture, before: Needs, now: Needs, within: Within | None = None) -> Iterator[str | None]:
    """The vehicles of a picture that are needed and were not, in no order; and None for each looked at in vain, so that
    others have their turn where there are many. Without `within`, or where more groups are, all are looked at."""
    if before.covers(now):
        return
    vehicles, group_of = picture.vehicles, picture.group_of
    found: Set[str] = vehicles.keys()
    cells, groups = now.cells - before.cells, now.groups - before.groups
    if not (now.everything or groups or (cells and within is None)):
        regions = now.regions - before.regions
        found = (now.vehicles - before.vehicles & found).union(*(picture.inside.get(region, ()) for region in regions))
        if cells and within is not None:
            found = found.union(within(cells))
    audience = Audience({"before": before, "now": now})
    for vehicle in list(found):
        state = vehicles.get(vehicle)  # it may have gone meanwhile
        yield vehicle if state and audience.who(state, group_of(vehicle)) == 0b10 else None
