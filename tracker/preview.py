"""Preview: try a region without harm. Reads what is stored, rehearses in a thread, stores nothing."""

from __future__ import annotations

import asyncio
from typing import Any

from tracker import wire
from tracker.fleet import Fleet
from tracker.regions import Region
from tracker.rehearsal import LISTED, Rehearsal
from tracker.slices import in_slices
from tracker.stores import LATE, Store, StoredPing
from tracker.times import rfc3339

SPAN_MS = 86_400_000  #: how far back
PAGE = 5000  #: pings read and rehearsed in one go: others have their turn between
MOST_PINGS = 500_000  #: then it is enough, and said


async def preview(fleet: Fleet, store: Store, feature: Any, now: int, most: int = MOST_PINGS) -> dict[str, Any]:
    """Who would be in a region now, and the events the last 24 h of stored pings would have made. Raises Invalid."""
    region = await asyncio.to_thread(Region.read, feature, id=feature["id"], version=0, now=now)
    rehearsal = Rehearsal(region, fleet.settings, now - SPAN_MS)
    inside = sorted([name async for name, one in in_slices(list(fleet.vehicles.items())) if rehearsal.holds(one, now)])
    after, until = 0, now
    capped = False
    while rows := await store.pings_since(now - SPAN_MS, after, PAGE):
        stored = [one for _, one, _ in rows]
        await asyncio.to_thread(_rehearse, rehearsal, stored)
        after, until = rows[-1][0], stored[-1].received_at
        if rehearsal.pings >= most:
            capped = True
            break
    if not capped:
        until = now
        await asyncio.to_thread(rehearsal.finish, now)
    return {
        "region": region.feature(),
        "inside": inside[:LISTED],
        "inside_count": len(inside),
        "counts": dict(rehearsal.counts),
        "events": [_shown(wire.event(event)) async for event in in_slices(rehearsal.events)],
        "events_count": rehearsal.counts.total(),
        "pings_read": rehearsal.pings,
        "capped": capped,
        "from": rfc3339(now - SPAN_MS),
        "until": rfc3339(until),
    }


def _rehearse(rehearsal: Rehearsal, rows: list[StoredPing]) -> None:
    rehearsal.take((row.ping, row.received_at) for row in rows if row.taken != LATE)


def _shown(event: dict[str, Any]) -> dict[str, Any]:
    """It never happened: no place in the log."""
    del event["seq"]
    return event
