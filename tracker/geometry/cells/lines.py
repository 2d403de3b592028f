"""Lines: the straight line between two places, through the cells it passes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tracker.geometry.cells.blocks import GROW
from tracker.geometry.earth import CELL, CELLS_PER_DEGREE, ROW_BITS
from tracker.geometry.plane import ROUNDING, TINY, meeting
from tracker.geometry.shape import Shape

#: a shape whose boundary passes through a cell: (key, levels, slabs, who decides), levels and slabs those of `Slabs`,
#: or None where something else decides
Piece = tuple[Any, Any, Any, Any]

MAX_WALK = 24  #: cells a line may pass before the shapes along it are asked themselves
ROWS = (1 << ROW_BITS) - 1


def walk(lat1: float, lon1: float, lat2: float, lon2: float, first: int, last: int) -> list[int] | None:
    """The keys of the cells a line passes, and a few beside it; None when they are too many."""
    if first > last:
        lat1, lon1, lat2, lon2, first, last = lat2, lon2, lat1, lon1, last, first
    west, east, low, high = first >> ROW_BITS, last >> ROW_BITS, first & ROWS, last & ROWS
    if low > high:
        low, high = high, low
    if (east - west + 1) * (high - low + 1) <= 4:
        return [c << ROW_BITS | r for c in range(west, east + 1) for r in range(low, high + 1)]
    if east - west + high - low > MAX_WALK:
        return None
    if west == east:
        return [west << ROW_BITS | r for r in range(low, high + 1)]
    slope = (lat2 - lat1) / (lon2 - lon1)
    slack = GROW + 1e-12 * abs(slope)  # a steep line: where it passes a column's side is known less well
    keys: list[int] = []
    for c in range(west, east + 1):
        south = lat1 + (c * CELL - 180 - lon1) * slope
        north = south + CELL * slope
        if slope < 0:
            south, north = north, south
        start, end = int((south + 90 - slack) * CELLS_PER_DEGREE), int((north + 90 + slack) * CELLS_PER_DEGREE)
        column = c << ROW_BITS
        keys += range(column | (start if start > low else low), (column | (end if end < high else high)) + 1)
    return keys if len(keys) <= MAX_WALK else None


def meet(
    shapes: Mapping[Any, Shape],
    line: tuple[float, float, float, float],
    first: int,
    last: int,
    met: Sequence[tuple[int, Piece]],
    found: dict[Any, list[float]],
) -> None:
    """Add to `found` where the line meets these pieces, each with the key of its cell; from cell `first` to `last`."""
    lat1, lon1, lat2, lon2 = line
    west, east = (lon1, lon2) if lon1 < lon2 else (lon2, lon1)
    south, north = (lat1, lat2) if lat1 < lat2 else (lat2, lat1)
    run_x, run_y = lon2 - lon1, lat2 - lat1
    asked: set[Any] = set()
    for key, (k, levels, _, piece) in met:
        if levels is not None:
            for ax, ay, bx, by, err in piece.edges:
                if ay > north or by < south or (ax > east and bx > east) or (ax < west and bx < west):
                    continue
                dx, dy, clear = bx - ax, by - ay, 1000 * err  # err is for places in one cell; the line is within 24
                turn1, turn2 = dx * (lat1 - ay) - dy * (lon1 - ax), dx * (lat2 - ay) - dy * (lon2 - ax)
                if (turn1 > clear and turn2 > clear) or (turn1 < -clear and turn2 < -clear):
                    continue
                if (turn1 > clear and turn2 < -clear) or (turn1 < -clear and turn2 > clear):
                    # `meeting`, where nothing is near: of seven edges so close to a line few meet it
                    a_left, a_right = run_x * (ay - lat1), run_y * (ax - lon1)
                    b_left, b_right = run_x * (by - lat1), run_y * (bx - lon1)
                    a_side, b_side = a_left - a_right, b_left - b_right
                    sure = ROUNDING * (abs(a_left) + abs(a_right) + abs(b_left) + abs(b_right)) + TINY
                    if (a_side > sure and b_side > sure) or (a_side < -sure and b_side < -sure):
                        continue
                    if (a_side > sure and b_side < -sure) or (a_side < -sure and b_side > sure):
                        at = abs(turn1) / (abs(turn1) + abs(turn2))
                        found.setdefault(k, []).append(at)
                        continue
                touch = meeting(lon1, lat1, lon2, lat2, ax, ay, bx, by)
                if touch:
                    found.setdefault(k, []).extend(touch)
            if key == first and piece.covers(lat1, lon1):
                found.setdefault(k, []).append(0.0)
            if key == last and piece.covers(lat2, lon2):
                found.setdefault(k, []).append(1.0)
        elif k not in asked:
            asked.add(k)
            touch = shapes[k].crossing(lat1, lon1, lat2, lon2)
            if touch:
                found.setdefault(k, []).extend(touch)
