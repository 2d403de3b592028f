"""Who may have been near a place: in whatever order it came and was packed, nobody who was is left out."""

from __future__ import annotations

import asyncio
import itertools
import tempfile
from pathlib import Path
from typing import Any
from unittest import mock

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tracker.model.commit import APART, LIVE, Commit, SavedVehicle, StoredPing
from tracker.model.ping import Ping
from tracker.stores.sqlite import schema
from tracker.stores.sqlite.past.near import LINE_MS
from tracker.stores.sqlite.store import SqliteStore

T0 = 1_790_035_200_000  # a day begins
MINUTE, HOUR = 60_000, 3_600_000
EVER = 1 << 60
MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
BOXES = [(24.5, 59.0, 25.5, 61.0), (-0.5, 59.0, 0.5, 61.0), (179.6, 59.0, 180.0, 61.0)]

#: (minute, east, taken): on both sides of a place, of the day's beginning, of either meridian
fixes = st.tuples(
    st.integers(-6, 6),
    st.sampled_from([24.0, 26.0, -1.0, 1.0, 179.5, -120.0]),
    st.sampled_from([LIVE, LIVE, LIVE, APART]),
)
steps = st.lists(st.one_of(st.lists(fixes, min_size=1, max_size=8), st.just("compact")), max_size=8)

LATE = [[(0, 24.0, LIVE), (2, 24.0, LIVE)], "compact", [(1, 26.0, LIVE)]]
APART_AT_THE_END = [[(-2, 24.0, LIVE), (-1, 24.0, APART), (1, 26.0, LIVE)], "compact"]
TWICE_AT_THE_END = [[(-1, 24.0, LIVE), (-1, 26.0, LIVE), (1, 26.0, LIVE)], "compact"]
FIRST_CAME_THE_LATER = [
    [(minute, 26.0, LIVE) for minute in range(2, 8)], "compact", [(1, 24.0, LIVE), (2, 24.0, LIVE)], "compact",
]  # fmt: skip
THROWN_ROUND_THE_WORLD = [[(0, -1.0, LIVE), (1, 1.0, LIVE), (2, 179.5, LIVE)], "compact"]


@settings(max_examples=40)
@given(steps=steps)
@example(steps=LATE)
@example(steps=APART_AT_THE_END)
@example(steps=TWICE_AT_THE_END)
@example(steps=FIRST_CAME_THE_LATER)
@example(steps=THROWN_ROUND_THE_WORLD)
def test_nobody_who_was_near_is_left_out(steps: list[Any]) -> None:
    with mock.patch.object(schema, "SYNCHRONOUS", "OFF"), tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        asyncio.run(_all_found(steps, folder))


async def _all_found(steps: list[Any], folder: str) -> None:
    store = SqliteStore(folder)
    await store.open()
    try:
        await store.commit(Commit(vehicles=[SavedVehicle(1, "van", b"")]))
        for at, step in enumerate(steps, 1):
            if step == "compact":
                await store.compact(T0 + at * HOUR)
            else:
                told = [(Ping("van", T0 + minute * MINUTE, 60.0, lon), taken) for minute, lon, taken in step]
                await store.commit(Commit(pings=[StoredPing(1, ping, T0 + at * HOUR, taken) for ping, taken in told]))
        for _ in range(2):
            track = [one.ping for one in await store.track(1, -EVER, EVER, None, 1000)]
            for box in BOXES:
                spans = (await store.near([box], -EVER, EVER)).get(1, [])
                for one, two in itertools.pairwise([*track[:1], *track]):
                    if two.time - one.time <= LINE_MS and _touches(one.lon, two.lon, box):
                        assert any(since <= one.time and two.time <= last for since, last in spans), (box, one, two)
            await store.compact(EVER >> 18)
    finally:
        await store.close()


def _touches(one: float, two: float, box: tuple[float, ...]) -> bool:
    """Does the line between them, the shorter way?"""
    low, high = min(one, two), max(one, two)
    parts = [(low, high)] if high - low <= 180 else [(-180.0, low), (high, 180.0)]
    return any(west <= box[2] and east >= box[0] for west, east in parts)
