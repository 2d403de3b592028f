"""What is known of a column of a segment beforehand: from the columns before it, and from how receivers count.

Whatever is foretold, what is left is kept, and both together are what was told: so it has to come out the same on every
machine. Integers, and of floats only what IEEE 754 rounds one way (no sines).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

Whole = npt.NDArray[np.int64]

#: in what receivers count speed: mm/s in one of it
UNITS = (1.0, 1000 / 3.6, 447.04, 1852000 / 3600)
SHORTEST, EXACT = 1, 2  #: degrees that were told as floats of 32 bits: the shortest decimals that are them, or all
STEP_MM = 11.1195  #: 1e-7 degrees of latitude
SCALE = 256  #: of the two factors of `way_speed`
LINE_BITS = 24
FEW = 8  #: fixes of which no speed is foretold


# ------------------------------------------------------------------------------------------------ how it is counted


def unit_of(speed: Whole) -> int:
    """The unit in which all speeds are whole, 0 where there is none."""
    for unit in range(1, len(UNITS)):
        if (from_units(in_units(speed, unit), unit) == speed).all():
            return unit
    return 0


def in_units(speed: Whole, unit: int) -> Whole:
    return np.where(speed < 0, speed, np.rint(speed / UNITS[unit])).astype(np.int64)


def from_units(speed: Whole, unit: int) -> Whole:
    return np.where(speed < 0, speed, np.rint(speed * UNITS[unit])).astype(np.int64)


def floats_of(lat: Whole, lon: Whole) -> tuple[int, Whole, Whole] | None:
    """Where both were floats of 32 bits: how they were told, and which they are, in the order there is of floats."""
    found = [(one / 1e7).astype(np.float32).view(np.int32).astype(np.int64) for one in (lat, lon)]
    for how in (SHORTEST, EXACT):
        if all(np.array_equal(from_floats(how, of), one) for of, one in zip(found, (lat, lon), strict=True)):
            return how, found[0], found[1]
    return None


def from_floats(how: int, which: Whole) -> Whole:
    told = which.astype(np.int32).view(np.float32)
    exact = told.astype(np.float64)
    whole = np.rint(exact * 1e7)
    for decimals in range(6, -1, -1) if how == SHORTEST else ():
        shorter = np.rint(exact * 10.0**decimals) * 10.0 ** (7 - decimals)
        same = (shorter / 1e7).astype(np.float32) == told
        if not same.any():
            break
        whole = np.where(same, shorter, whole)
    return whole.astype(np.int64)


# ------------------------------------------------------------------------------------------------ what it follows


def line_of(row: Whole, time: Whole) -> int:
    """How many rows came in 2^24 ms, from the first fix to the last."""
    spent, came = int(time[-1] - time[0]), int(row[-1] - row[0])
    return (came << LINE_BITS) // spent if spent > 0 and 0 < came < 1 << 32 else 0


def line(slope: int, time: Whole) -> Whole:
    since: Whole = time - time[0]
    return since * slope >> LINE_BITS


def way_of(speed: Whole, lat: Whole, lon: Whole, time: Whole) -> tuple[int, int, int] | None:
    """(step, north, east): speeds are whole in the step, and about as `way_speed` has them; whoever sent them took
    one kind of mile for another, perhaps. None where they have nothing to do with each other."""
    if len(speed) < FEW or (speed < 0).any() or not (step := int(np.gcd.reduce(speed))):
        return None
    east = math.cos(math.radians(int(lat[0]) / 1e7))
    plain = 1000 * STEP_MM / step * SCALE
    told, way = speed // step, way_speed((round(plain), round(plain * east)), lat, lon, time)
    moves = (told > 0) & (way > 0)
    if 2 * np.count_nonzero(moves) < len(speed):
        return None
    ratio = float(np.median(told[moves] / way[moves]))
    return step, round(plain * ratio), round(plain * ratio * east)


def way_speed(factors: tuple[int, int], lat: Whole, lon: Whole, time: Whole) -> Whole:
    """What the way from the fix before tells: each direction times its factor, by the ms it took."""
    north, east = (np.diff(one).astype(np.float64) * factor for one, factor in zip((lat, lon), factors, strict=True))
    spent = np.maximum(np.diff(time), 1).astype(np.float64)
    speed: npt.NDArray[Any] = np.rint(np.sqrt(north * north + east * east) / spent / SCALE)
    return np.concatenate(([0], np.minimum(speed, 1e9))).astype(np.int64)
