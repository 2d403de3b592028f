"""Interest: which vehicles a node has to hear of, because somebody there watches. Rather too many than one too few.

Positions alone are left out. What is rare goes to every node: events, edits, register entries, removals, who may come
in, and the first state of a vehicle, so that each knows which vehicles there are.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from tracker.access.grants import Grant
from tracker.live.tiles import BASE
from tracker.live.viewer import Cell, Wish


class Needs(msgspec.Struct, frozen=True):
    """A vehicle is needed for its place, for a region it is in, for itself or for its group."""

    everything: bool = False
    cells: frozenset[Cell] = frozenset()  # none finer than BASE: they change less, and a tile is looked up once
    regions: frozenset[str] = frozenset()
    vehicles: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()  # of vehicles

    def __or__(self, other: Needs) -> Needs:
        return united((self, other))

    def __sub__(self, other: Needs) -> Needs:
        """What of it is not in the other."""
        return Needs(
            self.everything and not other.everything,
            self.cells - other.cells,
            self.regions - other.regions,
            self.vehicles - other.vehicles,
            self.groups - other.groups,
        )


def united(needs: Sequence[Needs]) -> Needs:
    """All that any of these is."""
    return Needs(
        any(one.everything for one in needs),
        frozenset[Cell]().union(*(one.cells for one in needs)),
        frozenset[str]().union(*(one.regions for one in needs)),
        frozenset[str]().union(*(one.vehicles for one in needs)),
        frozenset[str]().union(*(one.groups for one in needs)),
    )


ALL = Needs(everything=True)
NOTHING = Needs()


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
    return cell if zoom <= BASE else (BASE, x >> zoom - BASE, y >> zoom - BASE)


class News(msgspec.Struct, frozen=True):
    """How the needs of a node changed, or (`since` 0) what they are."""

    node: str  # of one run
    version: int
    since: int
    more: Needs
    less: Needs = NOTHING


class Own:
    """What this node needs, as the others are told it."""

    def __init__(self, node: str) -> None:
        self.node = node
        self.needs = NOTHING
        self.version = 1

    def change(self, needs: Sequence[Needs]) -> News | None:
        """What each of its viewers needs, now. None: together no more and no less than before."""
        before, self.needs = self.needs, united(needs)
        now = self.needs
        if now == before:
            return None
        self.version += 1
        return News(self.node, self.version, self.version - 1, now - before, before - now)

    def whole(self) -> News:
        return News(self.node, self.version, 0, self.needs)


class Others:
    """What the other nodes need. One that was not heard of, or not wholly, needs everything."""

    def __init__(self) -> None:
        self._versions: dict[str, int] = {}  # the newest that was heard of
        self._needs: dict[str, Needs] = {}  # of those that are known as of that version

    def take_news(self, news: News) -> bool:
        """In any order, more than once. False: the node has to be asked for the whole."""
        node, known = news.node, self._versions.get(news.node, 0)
        is_whole = node in self._needs
        if is_whole and news.version <= known:
            return True
        follows = is_whole and news.since == known if news.since else news.version >= known
        if not follows:
            self._versions[node] = max(known, news.version)
            self._needs.pop(node, None)
            return False
        needs = self._needs[node] if news.since else NOTHING
        self._versions[node], self._needs[node] = news.version, (needs - news.less) | news.more
        return True

    def needs_of(self, node: str) -> Needs:
        return self._needs.get(node, ALL)

    def forget(self, node: str) -> None:
        """It lives no more."""
        self._versions.pop(node, None)
        self._needs.pop(node, None)
