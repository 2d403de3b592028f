"""Reading: what is to be lived through again while a region is dragged, once for all shapes it will have.

Of everybody who may have come near within the week before the window, as much is read as it takes to know where they
were when it begins: some hours, and of those who are near all the while the week with which a replay warms up.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tracker.errors import Overloaded
from tracker.fleet.fleet import FleetSettings
from tracker.model.columns import Columns, Heard
from tracker.regions.region import Region
from tracker.replay.past.stored import Stored
from tracker.replay.past.window import DAY_MS, WARM_UP_DAYS
from tracker.replay.rehearsing.drag import LOOSE_M, Drag
from tracker.replay.rehearsing.line import Line, lie_in, widened
from tracker.replay.rehearsing.playing import Span
from tracker.stores import Box

AHEAD_MS = 6 * 3_600_000
WARM_UP_MS = round(WARM_UP_DAYS * DAY_MS)
MOST = 12_000_000  #: fixes: 400 MB


def around(region: Region) -> list[Box]:
    """So far it may be dragged before anything is read again."""
    west, south, east, north = region.shape.bounds
    size_m = max(north - south, min(east - west, 360 - (east - west))) * 111_000
    return widened(region.shape.boxes, 4 * LOOSE_M + 2 * size_m)


def covers(room: Sequence[Box], region: Region) -> bool:
    """May it be dragged on with what was read?"""
    return lie_in(widened(region.shape.boxes, 2 * LOOSE_M), room)


def read_drag(source: Stored, region: Region, now: int) -> tuple[list[Box], Drag]:
    """How far it goes, and what is read. Raises Overloaded, StoreError."""
    since, begins, boxes = now - DAY_MS, now - DAY_MS - WARM_UP_MS, around(region)
    settings = source.settings or [(0, FleetSettings())]
    force = [one for one in settings if one[0] <= begins][-1:] or settings[:1]
    force += [one for one in settings if one[0] > force[0][0]]
    deeds = [one for one in source.deeds(edits=False) if begins < one.now <= now]
    jump, poor = (min(getattr(one, name) for _, one in force) for name in ("jump_mps", "max_accuracy_m"))
    names = {n: name for name, n in source.known.numbers.items()}
    numbers = [n for n in source.near(boxes, begins, now) if n in names]

    def line(n: int, heard: Heard) -> Line:
        name = names[n]
        mine = [one for one in deeds if getattr(one, "vehicle", name) == name]
        return Line(name, heard, mine, jump, poor)

    lines: dict[int, Line] = {}
    early: list[int] = []
    count = 0
    for n, heard in zip(numbers, source.heard(numbers, since - AHEAD_MS, now), strict=True):
        lines[n] = line(n, heard)
        if not len(lines[n].fixes) or any(leg.begins for leg in lines[n].legs(boxes)):
            early.append(n)
        count += len(heard.time)
        check(count)
    for begin in range(0, len(early), 50):
        some = early[begin : begin + 50]
        for n, heard in zip(some, source.heard(some, begins, now), strict=True):
            if not len(heard.time) or heard.time[0] >= since:
                heard = Heard.joined([_quiet(source, names[n], begins), heard])
            lines[n] = line(n, heard)
            count += len(heard.time)
            check(count)
    end = max([source.end(), *(int(one.received[-1]) for one in lines.values() if len(one.received))])
    whole = [one for one in lines.values() if len(one.fixes)]
    return boxes, Drag(whole, force, Span(since, now, end), source.events_of(region.id, since, now))


def check(count: int) -> None:
    if count > MOST:
        raise Overloaded(f"more than {MOST:,} positions lie near this region; draw it smaller", 60)


def _quiet(source: Stored, name: str, begins: int) -> Heard:
    """Who said nothing for a week is where it was."""
    told = [one for some in source.last_before(begins, [name]) for one in some]
    columns = Columns.all_of(told)
    return Heard.from_columns(columns.take(np.argsort(columns.row)))
