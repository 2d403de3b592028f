"""Gathering: what a store has of a day, an hour of some vehicles at a time, in the order a fleet day has it.

Vehicles near one another go together, so that a piece of the map is in few parts. A group is read once, whole; nothing
else is held. Which vehicles there were is told at the end.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import aclosing
from itertools import pairwise
from typing import Any, NamedTuple

import msgspec
import numpy as np

from tracker import __version__
from tracker.bundles.day import blocks
from tracker.bundles.day.layout import DETAILS, EVENTS, HOUR_MS, REGIONS, TRACK, VEHICLES
from tracker.bundles.day.writing import Written
from tracker.errors import Conflict
from tracker.live import messages
from tracker.model import outside
from tracker.model.columns import SILENT_MS, Columns, Tracks, Whole, joined
from tracker.model.commit import HELD, Loaded
from tracker.model.events import ERASED
from tracker.stores import EventQuery, Store
from tracker.times import rfc3339

DAY_MS = 86_400_000
LINE_MS = 300_000  #: as frames have it: so far apart two fixes say something of what lies between them
TOGETHER = 256  #: vehicles in a group
MOST_FIXES = 1_000_000  #: of a group, which is ended by them
SOME = 2_000  #: events or versions in a part
SHARE = 64  #: vehicles whose places are looked up at once

_encode = msgspec.json.Encoder().encode


class _Cut(NamedTuple):
    """Where in the columns of a group what a vehicle says of each hour is. The next hour begins where one ends."""

    edges: list[int]
    befores: list[int]  # its place just before the hour, or -1
    afters: list[int]

    def moved(self, by: int) -> _Cut:
        return _Cut(*([one + by if one >= 0 else one for one in some] for some in self))


class _Group(NamedTuple):
    first: int  # number of its first vehicle in the file
    cut: list[_Cut]
    columns: Columns


async def gathered(store: Store, loaded: Loaded, out: Written, now: int) -> AsyncGenerator[bytes, None]:
    """The bytes of a whole file. Raises Conflict when a vehicle was erased meanwhile."""
    yield out.begin()
    hours = [*range(out.since, out.until, HOUR_MS), out.until]
    numbers = await store.numbers()
    written: list[str] = []
    fixes, count = 0, 0
    async with aclosing(_groups(store, await _in_order(store, numbers, out), numbers, hours, written)) as groups:
        async for group in groups:
            for kind, hour, content, told in _blocks(group, hours):
                fixes += told["rows"] if kind == DETAILS else 0
                yield out.part(kind, content, hour=hour, group=count, **told)
            count += 1
    async for rows in _regions(store, loaded, out):
        yield out.part(REGIONS, _lines(rows), rows=len(rows))
    for hour, (since, until) in enumerate(pairwise(hours)):
        async for rows in _events(store, since, until):
            yield out.part(EVENTS, _lines(rows), hour=hour, rows=len(rows))
    names = {one.vehicle: one for one in loaded.registered}
    thinned = await _thinned(store, out)
    for at in range(0, len(written), SOME):
        rows = [_vehicle(id, names.get(id), thinned) for id in written[at : at + SOME]]
        yield out.part(VEHICLES, _lines(rows), rows=len(rows))
    gone = {rfc3339(day)[:10]: count for day, count in (await store.gone()).items() if _overlaps(day, out)}
    there = await store.numbers()
    if any(there.get(id) != numbers[id] for id in written):
        raise Conflict("given_up", "a vehicle was erased while the file was written: write it again")
    yield out.end(
        known_until=min(out.until, now),
        made_by=f"live-map-tracker {__version__}",
        vehicles=len(written),
        fixes=fixes,
        thinned=sum(id in thinned for id in written),
        gone=gone,
    )


# -------------------------------------------------------------------------------------------------- where who was


async def _in_order(store: Store, numbers: dict[str, int], out: Written) -> list[str]:
    """Everybody; those near one another together, by where they were in the middle of what they said that day."""
    ids = sorted(numbers)
    shares = [ids[at : at + SHARE] for at in range(0, len(ids), SHARE)]
    keys: dict[str, int] = {}

    def look(at: int, tracks: Tracks) -> list[tuple[str, int]]:
        found = zip(shares[at], tracks.each(), strict=True)
        return [(id, _middle(tracks, one)) for id, one in found if one.start < one.stop]

    wanted = [[numbers[id] for id in share] for share in shares]
    async with aclosing(store.tracks(wanted, out.since, out.until, look)) as read:
        async for some in read:
            keys.update(some)
    return sorted(ids, key=lambda id: (keys.get(id, 1 << 60), id))


def _middle(tracks: Tracks, one: slice) -> int:
    at = (one.start + one.stop) // 2
    return blocks.morton(int(tracks.lat[at]), int(tracks.lon[at]))


async def _groups(
    store: Store, ids: Iterable[str], numbers: dict[str, int], hours: list[int], written: list[str]
) -> AsyncGenerator[_Group, None]:
    """`written` is told the id of each vehicle of which there is something."""
    first, cuts, parts, count = 0, list[_Cut](), list[Columns](), 0
    for id in ids:
        columns = await store.columns(numbers[id], hours[0] - SILENT_MS, hours[-1] + LINE_MS)
        found = _cut(columns, hours)
        if found is None:
            continue
        begin = found.befores[0] if found.befores[0] >= 0 else found.edges[0]
        columns, cut = columns.take(slice(begin, None)), found.moved(count - begin)
        written.append(id)
        cuts.append(cut)
        parts.append(columns)
        count += len(columns)
        if len(cuts) == TOGETHER or count > MOST_FIXES:
            yield _Group(first, cuts, joined(parts))
            first, cuts, parts, count = len(written), [], [], 0
    if cuts:
        yield _Group(first, cuts, joined(parts))


def _cut(columns: Columns, hours: list[int]) -> _Cut | None:
    """None: nothing is known of that day."""
    placed = np.flatnonzero((columns.taken != HELD) & ((columns.lat != 0) | (columns.lon != 0)))
    edges = np.searchsorted(columns.time, hours)
    at = np.searchsorted(placed, edges)
    befores = _known(placed, at[:-1] - 1)
    afters = _known(placed, at[1:])
    starts, ends = np.array(hours[:-1]), np.array(hours[1:])
    if len(columns):
        befores[(befores >= 0) & (columns.time[befores] < starts - SILENT_MS)] = -1
        afters[(afters >= 0) & (columns.time[afters] >= ends + LINE_MS)] = -1
    if edges[0] == edges[-1] and (befores < 0).all():
        return None
    return _Cut(edges.tolist(), befores.tolist(), afters.tolist())


def _known(placed: Whole, at: Whole) -> Whole:
    found = np.full(len(at), -1)
    there = (at >= 0) & (at < len(placed))
    found[there] = placed[at[there]]
    return found


def _blocks(group: _Group, hours: list[int]) -> Iterator[tuple[str, int, bytes, dict[str, Any]]]:
    """(kind, hour, content, what the directory tells). Tracks first: they are what an hour is shown by."""
    columns = group.columns
    said: list[tuple[int, list[int], list[int], Whole]] = []
    for hour in range(len(hours) - 1):
        who, counts, mine, own = list[int](), list[int](), list[Whole](), list[tuple[int, int]]()
        for at, cut in enumerate(group.cut):
            begin, end = cut.edges[hour : hour + 2]
            before, after = ([one] if one >= 0 else [] for one in (cut.befores[hour], cut.afters[hour]))
            if begin == end and not before:
                continue
            index = np.concatenate((before, np.arange(begin, end), after)).astype(np.int64)
            who.append(group.first + at)
            counts.append(len(index))
            mine.append(index)
            own.append((begin, end))
        if not who:
            continue
        index = np.concatenate(mine)
        track = {name: getattr(columns, name)[index] for name in blocks.TRACK_COLUMNS}
        box = blocks.box_of(track["lat"], track["lon"])
        told = {"vehicles": len(who), "rows": len(index), "box": box, "tile": blocks.tile_of(box)}
        yield TRACK, hour, blocks.pack(who, counts, track), told
        heard = [(n, begin, end) for n, (begin, end) in zip(who, own, strict=True) if begin < end]
        if heard:
            index = np.concatenate([np.arange(begin, end) for _, begin, end in heard])
            said.append((hour, [n for n, _, _ in heard], [end - begin for _, begin, end in heard], index))
    for hour, who, counts, index in said:
        details = {name: getattr(columns, name)[index] for name in blocks.DETAIL_COLUMNS[:-1]}
        details["delay"] = columns.received[index] - columns.time[index]
        yield DETAILS, hour, blocks.pack(who, counts, details, columns.extra_at(index)), {
            "vehicles": len(who), "rows": len(index)
        }  # fmt: skip


# ------------------------------------------------------------------------------------------- what else there was


async def _regions(store: Store, loaded: Loaded, out: Written) -> AsyncGenerator[list[dict[str, Any]], None]:
    """As `/history/regions` tells them: each version that held at some moment, called what it is now."""
    now = {one.id: one.feature for one in loaded.regions}
    after = ("", 0)
    while found := await store.regions_then(out.since, out.until, None, after, SOME):
        rows = [outside.region_then(one, ended, now.get(one.id)) for one, ended in found]
        yield rows
        after = (found[-1][0].id, found[-1][0].version)


async def _events(store: Store, since: int, until: int) -> AsyncGenerator[list[dict[str, Any]], None]:
    seq = 0
    while page := await store.events(EventQuery(after=seq, since=since, until=until, limit=SOME)):
        seq = page[-1].seq
        if rows := [messages.event(one) for one in page if one.kind != ERASED]:
            yield rows


async def _thinned(store: Store, out: Written) -> dict[str, list[str]]:
    """Vehicle → UTC days of which not all its fixes are kept."""
    found: dict[str, list[str]] = {}
    for one in sorted(await store.days(), key=lambda one: one.day):
        if one.is_thinned and _overlaps(one.day, out):
            found.setdefault(one.vehicle, []).append(rfc3339(one.day)[:10])
    return found


def _overlaps(day: int, out: Written) -> bool:
    return day < out.until and day + DAY_MS > out.since


def _vehicle(id: str, entry: Any, thinned: dict[str, list[str]]) -> dict[str, Any]:
    told = {"vehicle": id} | {name: getattr(entry, name, None) for name in ("name", "plate", "group", "kind")}
    return told | ({"thinned": thinned[id]} if id in thinned else {})


def _lines(rows: list[dict[str, Any]]) -> bytes:
    return b"".join(_encode(row) + b"\n" for row in rows)
