"""Interest: which vehicles a node has to hear of, because somebody there watches. Rather too many than one too few."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from tracker.access.grants import Grant
from tracker.live.viewer import Cell, Wish

FINEST = 10  #: the zoom of the smallest cells: who moves their map within one goes on needing the same


class Needs(msgspec.Struct, frozen=True, omit_defaults=True):
    """A vehicle is needed for its place, for a region it is in, for itself or for its group."""

    everything: bool = False
    cells: frozenset[Cell] = frozenset()  # none finer than FINEST
    regions: frozenset[str] = frozenset()
    vehicles: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()  # of vehicles

    def __or__(self, other: Needs) -> Needs:
        return united((self, other))

    def covers(self, other: Needs) -> bool:
        """Is all of the other needed here too? That a cell lies in a coarser one is not seen: then the answer is no."""
        return self.everything or (
            not other.everything
            and self.cells >= other.cells
            and self.regions >= other.regions
            and self.vehicles >= other.vehicles
            and self.groups >= other.groups
        )


ALL = Needs(everything=True)
NOTHING = Needs()


def united(needs: Iterable[Needs]) -> Needs:
    """All that any of these is; ALL, and no names beside it, where one is everything."""
    each = list(needs)
    if any(one.everything for one in each):
        return ALL
    return Needs(
        False,
        frozenset[Cell]().union(*(one.cells for one in each)),
        frozenset[str]().union(*(one.regions for one in each)),
        frozenset[str]().union(*(one.vehicles for one in each)),
        frozenset[str]().union(*(one.groups for one in each)),
    )


def needed(wish: Wish, grant: Grant) -> Needs:
    """For a viewer who follows this. A limited grant is needed whole: it shows coarse places, in other cells than the
    vehicle is in, and looks through a lens at all it shows."""
    if grant.everything:
        return ALL if wish.all else Needs(False, frozenset(map(_not_finer, wish.cells)), wish.regions, wish.vehicles)
    needs = NOTHING
    for part in grant.parts:
        if part.regions is not None:
            needs |= Needs(regions=part.regions)
        elif part.vehicles is not None:
            needs |= Needs(groups=part.vehicles)
        else:
            return ALL
    return needs


def _not_finer(cell: Cell) -> Cell:
    zoom, x, y = cell
    return cell if zoom <= FINEST else (FINEST, x >> zoom - FINEST, y >> zoom - FINEST)
