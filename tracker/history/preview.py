"""Preview: try a region without harm. Reads what is stored, rehearses in short steps on the loop, stores nothing.

A day of a large fleet is read twice: in the store, to find who was ever near the region, and then in its order, of
which only those few are rehearsed.
"""

from __future__ import annotations

import asyncio
from typing import Any

from tracker.fleet.fleet import Fleet
from tracker.history.rehearsal import LISTED, Rehearsal
from tracker.history.visits import Shown
from tracker.live import messages
from tracker.model.commit import LATE
from tracker.regions.region import Region
from tracker.stores import Box, Store
from tracker.times import rfc3339
from tracker.turns.slices import batched, in_slices

SPAN_MS = 86_400_000  #: how far back
PAGE = 1000  #: pings read at once: making them keeps the GIL for a few ms
LOOK = 500  #: vehicles asked at once whether they are in it
STEPS = 500  #: most of them do next to nothing
WORLD: Box = (-180.0, -90.0, 180.0, 90.0)
MOST_PINGS = 500_000  #: then it is enough, and said


async def preview(
    fleet: Fleet, store: Store, feature: Any, now: int, shown: Shown | None = None, most: int = MOST_PINGS
) -> dict[str, Any]:
    """Who would be in a region now, and the events the last 24 h of stored pings would have made. Raises Invalid.

    `shown`: for whoever may not see everything.
    """
    region = await asyncio.to_thread(Region.read_feature, feature, id=feature["id"], version=0, now=now)
    rehearsal = Rehearsal(region, fleet.settings, now - SPAN_MS)
    inside: list[str] = []
    async for some in in_slices(batched(list(fleet.vehicles.values()), LOOK), 1):
        inside += rehearsal.holds(some, now, shown.place if shown else None)
    box = WORLD if shown is not None and shown.is_coarse else rehearsal.box
    near = await store.passed(box, now - SPAN_MS, most)
    after, until, read, hidden = 0, now, 0, 0
    while read < most and (rows := await store.pings_since(now - SPAN_MS, after, min(PAGE, most - read))):
        after, until = rows[-1][0], rows[-1][1].received_at
        told = [(one.ping, one.received_at) for _, one, _ in rows if one.n in near and one.taken != LATE]
        read += len(rows)
        if shown is not None:
            told = await shown.fixes(told)
            hidden += len(rows) - len(told)
        async for _ in in_slices(rehearsal.take_pings(told), STEPS):
            pass
    capped = read >= most
    if not capped:
        until = now
        async for _ in in_slices(rehearsal.finish(now), STEPS):
            pass
    events = [_shown(messages.event(event)) async for event in in_slices(rehearsal.events)]
    async for _ in in_slices(rehearsal.forget_vehicles(), STEPS):
        pass
    return {
        "region": region.feature(),
        "inside": sorted(inside)[:LISTED],
        "inside_count": len(inside),
        "counts": dict(rehearsal.counts),
        "events": events,
        "events_count": rehearsal.counts.total(),
        "pings_read": read - hidden,
        "capped": capped,
        "from": rfc3339(now - SPAN_MS),
        "until": rfc3339(until),
    }


def _shown(event: dict[str, Any]) -> dict[str, Any]:
    """It never happened: no place in the log."""
    del event["seq"]
    return event
