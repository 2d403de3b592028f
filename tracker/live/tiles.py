"""Tiles: finds and counts the vehicles of a cell, in steps of a tile rather than of a vehicle."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from tracker.geometry.earth import tile, tile_box
from tracker.live.viewer import Cell

BASE = 12  #: the zoom of the tiles
WIDE = 7  #: the zoom of those that hold them, and their sums: at most 16,384 of them, wherever a fleet is
WORLD: Cell = (0, 0, 0)

GROW = 1e-9  #: degrees: nearer to the side of a tile than this is another matter

Place = tuple[int, int]
Box = tuple[float, float, float, float]  # west, south, east, north


class Tiles:
    """The numbers of vehicles by tile of zoom 12."""

    def __init__(self) -> None:
        self._tiles: dict[Place, dict[Place, set[int]]] = {}  # by the wide tile they lie in
        self._sums: dict[Place, int] = {}
        self._where: dict[int, tuple[Place, Box]] = {}  # of each vehicle; the box is within its tile

    def put(self, n: int, lat: float, lon: float) -> None:
        """It is here now."""
        was = self._where.get(n)
        if was is not None:
            west, south, east, north = was[1]
            if west < lon < east and south < lat < north:  # the usual case, and a tenth of what finding a tile costs
                return
            self.discard(n)
        x, y = here = tile(lat, lon, BASE)
        west, south, east, north = tile_box(x, y, BASE)
        self._where[n] = here, (west + GROW, south + GROW, east - GROW, north - GROW)
        wide = (x >> BASE - WIDE, y >> BASE - WIDE)
        self._tiles.setdefault(wide, {}).setdefault((x, y), set()).add(n)
        self._sums[wide] = self._sums.get(wide, 0) + 1

    def discard(self, n: int) -> None:
        x, y = self._where.pop(n)[0]
        wide = (x >> BASE - WIDE, y >> BASE - WIDE)
        tiles = self._tiles[wide]
        tiles[x, y].discard(n)
        if not tiles[x, y]:
            del tiles[x, y]
        self._sums[wide] -= 1
        if not self._sums[wide]:
            del self._tiles[wide], self._sums[wide]

    def within(self, cells: Collection[Cell]) -> Iterator[tuple[Cell, Place, set[int]]]:
        """Each of these cells with a tile of it and its vehicles, tile after tile. One finer than a tile lies in it."""
        for zoom in {cell[0] for cell in cells if cell[0] <= WIDE}:
            for (x, y), tiles in self._tiles.items():
                if (cell := (zoom, x >> WIDE - zoom, y >> WIDE - zoom)) in cells:
                    for tile, vehicles in tiles.items():
                        yield cell, tile, vehicles
        for cell in (cell for cell in cells if cell[0] > WIDE):
            zoom, x, y = cell
            tiles = self._tiles.get((x >> zoom - WIDE, y >> zoom - WIDE), {})
            if zoom >= BASE:
                tile = (x >> zoom - BASE, y >> zoom - BASE)
                if tile in tiles:
                    yield cell, tile, tiles[tile]
                continue
            for tile, vehicles in tiles.items():
                if (tile[0] >> BASE - zoom, tile[1] >> BASE - zoom) == (x, y):
                    yield cell, tile, vehicles

    def count(self, zoom: int, cells: Collection[Cell]) -> dict[Place, int]:
        """How many vehicles of these cells each cell of a finer zoom has, of at most that of the tiles."""
        found: dict[Place, int] = {}
        if zoom > WIDE:
            for _, (x, y), vehicles in self.within(cells):
                key = (x >> BASE - zoom, y >> BASE - zoom)
                found[key] = found.get(key, 0) + len(vehicles)
            return found
        for coarse in {cell[0] for cell in cells}:
            for (x, y), there in self._sums.items():
                if (coarse, x >> WIDE - coarse, y >> WIDE - coarse) in cells:
                    key = (x >> WIDE - zoom, y >> WIDE - zoom)
                    found[key] = found.get(key, 0) + there
        return found
