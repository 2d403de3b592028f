"""Viewer: one connected map. What it follows, how far it has been told, and whether it can take more now."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import msgspec

from tracker.access.grants import EVERYTHING, Grant
from tracker.geometry.earth import MERCATOR_LIMIT, tile
from tracker.live.cursor import digest
from tracker.live.requests import Box, Follow, View
from tracker.model.events import ERASED, KINDS, TOLD

CELL_ZOOMS = range(3, 15)  #: tiles of these zooms can be followed
MOST_CELLS = 64  #: of one view; a wider one takes larger tiles
PENDING = 64 * 1024  #: bytes not yet taken by the kernel from which on a viewer is left alone
PENDING_SNAPSHOT = 256 * 1024  #: the same for the parts of a snapshot, which are all needed
BLOCKED_MS = 5_000
IDLE_MS = 10_000
WINDOW_GAP_MS = 50.0  #: between frames of who counts them: a window is not spent on the changes of one moment

Cell = tuple[int, int, int]  # zoom, x, y


class Wish(msgspec.Struct, frozen=True):
    """What a viewer follows, after what it asked for was cut to what it may see.

    Once it is followed, `regions` and `vehicles` are those there are; unknown names are awaited (following.py).
    """

    all: bool = False
    regions: frozenset[str] = frozenset()
    vehicles: frozenset[str] = frozenset()
    cells: frozenset[Cell] = frozenset()
    granted: bool = False  # it is all that a limited grant shows

    def names(self) -> str:
        """All that it names, as what tells two wishes apart."""
        return digest("\n".join(sorted(self.regions)), "\n".join(sorted(self.vehicles))).hex()


def narrow(follow: Follow, grant: Grant) -> Wish:
    """The one place that decides what may be followed. A limited grant shows cells and vehicles by a Lens."""
    regions, vehicles = frozenset(follow.regions or ()), frozenset(follow.vehicles or ())
    cells = cells_of(follow.view) if follow.view else frozenset()
    if grant.everything:
        return Wish(all=True, vehicles=vehicles) if follow.all else Wish(False, regions, vehicles, cells)
    if follow.all:
        return Wish(regions=frozenset[str]().union(*(part.regions or () for part in grant.parts)), granted=True)
    return Wish(False, frozenset(filter(grant.sees_region, regions)), vehicles, cells)


def cells_of(view: Box | View) -> frozenset[Cell]:
    """The tiles a view touches, one zoom coarser than its map; east < west crosses the antimeridian."""
    west, south, east, north = view.bbox
    zoom = min(max(int(view.zoom) - 1, CELL_ZOOMS[0]), CELL_ZOOMS[-1])
    if east - west >= 360:
        west, east = -180.0, 180.0
    else:
        west, east = (west + 180) % 360 - 180, (east + 180) % 360 - 180
    south, north = max(south, -MERCATOR_LIMIT), min(north, MERCATOR_LIMIT)
    while True:
        x0, y1 = tile(south, west, zoom)
        x1, y0 = tile(north, east, zoom)
        n = 1 << zoom
        across = x1 - x0 + 1 if x0 <= x1 and west <= east else n - x0 + x1 + 1
        across = min(across, n)
        if across * (y1 - y0 + 1) <= MOST_CELLS or zoom == CELL_ZOOMS[0]:
            return frozenset((zoom, (x0 + i) % n, y) for i in range(across) for y in range(y0, y1 + 1))
        zoom -= 1


def counted_zoom(view: Box | View) -> int:
    """Of the cells in which the vehicles of a view are counted, where they are too many: one finer than its map, as
    far as places are known."""
    return min(max(int(view.zoom), CELL_ZOOMS[0]) + 1, CELL_ZOOMS[-1])


class Outlet(Protocol):
    """Where a viewer's messages go; nothing waits (web/sockets.py, or a queue behind an HTTP answer)."""

    def send(self, payload: bytes, text: bool = True) -> None: ...

    @property
    def pending(self) -> int: ...


class Viewer:
    """The state of one connection: versions and numbers, no positions. The hub writes it; `now` is in ms."""

    __slots__ = (
        "asked",
        "behind",
        "binary",
        "blocked_at",
        "cells_zoom",
        "counted",
        "counting",
        "due",
        "frame",
        "gap_ms",
        "got",
        "grant",
        "head",
        "interest",
        "kinds",
        "mark",
        "max_vehicles",
        "outlet",
        "parts",
        "pending_before",
        "seq",
        "told",
        "told_seq",
        "told_version",
        "window",
        "wish",
    )

    def __init__(self, outlet: Outlet, *, binary: bool = False, grant: Grant = EVERYTHING) -> None:
        self.outlet = outlet
        self.binary = binary
        self.grant = grant
        self.asked: Follow | None = None  # before it was cut to what may be seen
        self.wish: Wish | None = None
        self.interest: Any = None  # the hub's, shared by all who follow the same
        self.kinds: frozenset[str] | None = None  # of events; None: all, empty: none
        self.head = b""  # the part of its cursor that stays
        self.told = 0  # every change up to this version has been sent
        self.seq = -1  # every event up to this one has been sent, or is none of its business
        self.mark = b""  # of that event
        self.told_version = self.told_seq = 0  # of the last cursor it was sent
        self.parts: Iterator[bytes] | None = None  # of a snapshot under way
        self.behind = False  # its next events are only in the store
        self.frame = 0
        self.got = 0
        self.window: int | None = None
        self.gap_ms = 0.0
        self.due = 0.0
        self.max_vehicles: int | None = None
        self.counting = False
        self.counted: Any = None
        self.cells_zoom = 7
        self.blocked_at: int | None = None
        self.pending_before = 0

    def pace(self, follow: Follow, most_vehicles: int) -> None:
        """How fast and how much it wants."""
        self.window = follow.window
        self.gap_ms = 1000 / follow.hz if follow.hz else WINDOW_GAP_MS if follow.window else 0.0
        self.due = 0.0
        wanted = most_vehicles if follow.max_vehicles is None else min(follow.max_vehicles, most_vehicles)
        self.max_vehicles = wanted if follow.counts else None
        self.got = self.frame
        if follow.events is True:
            self.kinds = None
        else:
            self.kinds = frozenset({*KINDS, TOLD, ERASED}).intersection(follow.events or ())

    def has_credit(self) -> bool:
        """Whether fewer frames than its window are on the way to its eyes."""
        return self.window is None or self.frame - self.got < self.window

    def has_room(self, now: int, limit: int = PENDING) -> bool:
        """Whether the connection takes more. Remembers since when it has not."""
        pending = self.outlet.pending
        if pending < self.pending_before or not pending:
            self.blocked_at = None
        elif self.blocked_at is None:
            self.blocked_at = now
        self.pending_before = pending
        return pending <= limit

    def is_blocked(self, now: int, blocked_ms: int = BLOCKED_MS) -> bool:
        """Whether data has waited for so long without a byte of it being read."""
        self.has_room(now)
        return self.blocked_at is not None and now - self.blocked_at >= blocked_ms
