"""Blocks: of many segments a few blocks each, unpacked side by side.

What is done for each segment alone is little; the rest is done for a page of them at once. Who finds here that a
segment is of another kind (floats, planes, one whose begin does not reach far enough) reads it by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tracker.model.outline import BLOCK
from tracker.stores import segments
from tracker.stores.follows import Whole

NEVER = (1 << 63) - 1  #: ms: where a block has no fix


class Wanted(NamedTuple):
    begin: bytes  # of a segment, as far as its times and how they were taken
    first: int  # block, of those that are wanted
    end: int
    lowest: Whole  # of each: the lowest latitude, and longitude; not looked at where it is all there is


class Blocks(NamedTuple):
    """A row a block."""

    whose: Whole  # of the segments
    counts: Whole  # fixes
    time: Whole  # ms; NEVER after the last
    lat: npt.NDArray[np.int32]
    lon: npt.NDArray[np.int32]
    taken: npt.NDArray[np.int8]


def unpack(wanted: Sequence[Wanted]) -> tuple[Blocks, list[int]]:
    """And which of them are of another kind."""
    told = [(at, one, few) for at, one in enumerate(wanted) if (few := segments.few(one.begin, one.first, one.end))]
    spans = np.array([(one.end - one.first, one.first, few.pings) for _, one, few in told], np.int64).reshape(-1, 3)
    ends = np.cumsum(spans[:, 0])
    rows = int(ends[-1]) if len(ends) else 0
    whose = np.repeat(np.arange(len(told)), spans[:, 0])
    block = np.arange(rows) - np.repeat(ends - spans[:, 0], spans[:, 0]) + spans[whose, 1]
    counts = np.minimum(spans[whose, 2] - block * BLOCK, BLOCK)
    walks = np.minimum(spans[whose, 2] - 1 - block * BLOCK, BLOCK)  # steps
    time, walked = np.zeros((rows, BLOCK), np.uint64), np.zeros((rows, 2, BLOCK), np.uint64)
    taken = np.full((rows, BLOCK), segments.SILENT["taken"], np.int8)
    row = 0
    for (_, one, few), length in zip(told, walks[ends - 1].tolist(), strict=True):
        last = row + one.end - one.first
        first, size = one.first * BLOCK, one.end * BLOCK
        mine = few.time.values[first:size]
        time[row:last].reshape(-1)[: len(mine)] = mine
        if few.taken is not None:
            taken[row:last].reshape(-1)[: len(mine)] = few.taken[first:size]
        steps, full = few.steps.values, last - (length < BLOCK) - row
        walked[row : row + full] = steps[: full * 2 * BLOCK].reshape(full, 2, BLOCK)
        if length < BLOCK:
            walked[last - 1, :, :length] = steps[full * 2 * BLOCK :].reshape(2, length)
        row = last
    scales = np.array([(*few.time[1:], *few.steps[1:], *few.place, few.pings) for _, _, few in told], np.int64)
    base, step, base_of_steps, step_of_steps, lat, lon, count = scales.reshape(-1, 7)[whose].T[:, :, None]
    time = time.view(np.int64) * step + base
    steps = walked.view(np.int64) * step_of_steps[:, None] + base_of_steps[:, None]
    for some, short, nothing in ((time, counts, NEVER), (steps, walks, 0)):
        for at in np.flatnonzero(short < BLOCK).tolist():
            some[at, ..., short[at] :] = nothing
    places = np.zeros((rows, 2, BLOCK + 1), np.int64)
    np.cumsum(steps, axis=2, out=places[:, :, 1:])
    lowest = np.concatenate([one.lowest for _, one, _ in told] or [np.empty((0, 2), np.int64)])
    alone = count[:, 0] <= BLOCK
    lowest[alone] = np.concatenate([lat, lon], 1)[alone] + places[alone].min(2)
    places += (lowest - places.min(2))[:, :, None]
    lats, lons = places[:, :, :BLOCK].astype(np.int32).swapaxes(0, 1)
    known = {at for at, _, _ in told}
    whose = np.array([at for at, _, _ in told], np.int64)[whose]
    return Blocks(whose, counts, time, lats, lons, taken), [at for at in range(len(wanted)) if at not in known]
