"""Whatever comes in whatever order, and whenever it is compacted: a store answers as one that never compacts."""

from __future__ import annotations

import asyncio
import itertools
import tempfile
from pathlib import Path
from typing import Any
from unittest import mock

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support import lists
from tracker.history.film.frames import Grid, sample
from tracker.model.commit import Commit, SavedVehicle, StoredPing
from tracker.model.ping import Ping
from tracker.stores import Store
from tracker.stores.sqlite import schema
from tracker.stores.sqlite.past import compaction
from tracker.stores.sqlite.past.lean import LOOKED_AT
from tracker.stores.sqlite.store import SqliteStore

T0 = 1_790_000_000_000
HOUR = 3_600_000
EVER = 1 << 60
VEHICLES = 3
MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None  # a sync costs nothing there
STORES = itertools.count()

#: at a border of days and hours, doubled, years off
times = st.one_of(
    st.integers(0, 60).map(lambda n: n * HOUR), st.integers(0, 3).map(lambda n: n * 7), st.just(-(10**12) // 2)
)
pings = st.builds(
    lambda n, time, taken, lat, lon, more: (n, Ping(f"van-{n}", T0 + time, lat / 1e7, lon / 1e7, **more), taken),
    st.integers(1, VEHICLES),
    times,
    st.integers(0, 3),
    st.sampled_from([0, 601_000_000, 601_000_010, -900_000_000]),
    st.sampled_from([249_000_000, 1_799_999_999, -1_799_999_999]),
    st.sampled_from([{}, {"speed_mps": 12.5, "heading": 0.0}, {"driver": "Zoë", "accuracy_m": 3.0}]),
)
steps = st.lists(
    st.one_of(
        st.lists(pings, min_size=1, max_size=12),
        st.sampled_from(["compact", "compact", "reopen", "erase"]),
    ),
    max_size=12,
)


@settings(max_examples=40)
@given(steps=steps, sizes=st.sampled_from([(1 << 15, 48, 64), (5, 1, 1), (16, 2, 3)]))
def test_a_store_that_compacts_answers_as_one_that_does_not(steps: list[Any], sizes: tuple[int, int, int]) -> None:
    slice, piece, dropped = sizes
    with (
        mock.patch.multiple(compaction, SLICE=slice, PIECE=piece, DROPPED=dropped, KEPT=0),
        mock.patch.object(schema, "SYNCHRONOUS", "OFF"),  # nothing is cut off here
        tempfile.TemporaryDirectory(dir=MEMORY) as folder,
    ):
        asyncio.run(_compare(steps, folder))


async def _compare(steps: list[Any], folder: str) -> None:
    plain: Store = lists.ListStore(f"lists:compaction-{next(STORES)}")
    store = SqliteStore(folder)
    saved = [SavedVehicle(n, f"van-{n}", b"") for n in range(1, VEHICLES + 1)]
    for one in (plain, store):
        await one.open()
        await one.commit(Commit(vehicles=saved))
    try:
        erased: set[int] = set()
        for at, step in enumerate(steps):
            now = T0 + at * HOUR
            if step == "compact":
                await store.compact(now)
            elif step == "reopen":
                await store.close()
                store = SqliteStore(folder)
                await store.open()
            else:
                commit = Commit(erased=["van-1"]) if step == "erase" else Commit()
                erased |= {1} if step == "erase" else set()
                if step != "erase":
                    commit.pings = [StoredPing(n, ping, now, taken) for n, ping, taken in step if n not in erased]
                for one in (plain, store):
                    await one.commit(commit)
        for _ in range(2):
            await _answer_the_same(plain, store)
            await store.compact(EVER >> 18)
    finally:
        await store.close()
        await plain.close()


async def _answer_the_same(plain: Store, store: Store) -> None:
    everything = await plain.arrivals(0, EVER, None, 0, 1000)
    assert await store.arrivals(0, EVER, None, 0, 1000) == everything
    half = (T0, T0 + 30 * HOUR)
    assert await store.arrivals(0, EVER, None, 0, 1000, half) == await plain.arrivals(0, EVER, None, 0, 1000, half)
    some = (T0 + HOUR, T0 + 4 * HOUR, frozenset({1, 3}), 2, 7)
    assert await store.arrivals(*some) == await plain.arrivals(*some)
    assert await store.pings_since(T0 + HOUR, 3, 9) == await plain.pings_since(T0 + HOUR, 3, 9)
    for n in range(1, VEHICLES + 1):
        for since, until in ((-EVER, EVER), (T0, T0 + 30 * HOUR)):
            assert await store.track(n, since, until, None, 1000) == await plain.track(n, since, until, None, 1000)
            found, expected = await store.columns(n, since, until), await plain.columns(n, since, until)
            [lean] = await store.fixes([(n, since, until)])
            for name in LOOKED_AT:
                assert getattr(lean, name).tolist() == getattr(expected, name).tolist()
            assert (found.row.tolist(), found.extra) == (expected.row.tolist(), expected.extra)
    for grid in (Grid(T0 + 7, 1, 9), Grid(T0 + 20 * HOUR, HOUR, 40), Grid(T0 - HOUR, 5 * HOUR, 3)):
        assert await _frames(store, grid) == await _frames(plain, grid), grid
    wanted = [(n, one.ping.time) for _, one, _ in everything for n in range(1, VEHICLES + 1)]
    assert await store.fixes_at(wanted) == await plain.fixes_at(wanted)
    box = (24.0, 60.0, 25.0, 61.0)
    assert await store.passed(box, T0 + HOUR, 9) == await plain.passed(box, T0 + HOUR, 9)
    for place in (box, (179.5, -90.0, 180.0, 90.0), (20.0, -10.0, 21.0, 10.0)):
        for since, until in ((-EVER, EVER), (T0 + 5, T0 + 9 * HOUR)):
            near = await store.near([(0.0, 80.0, 1.0, 81.0), place], since, until)
            for n in range(1, VEHICLES + 1):
                track = [one.ping for one in await plain.track(n, since, until, None, 1000)]
                for one in track:
                    assert not _within([one], place) or any(a <= one.time <= b for a, b in near[n])
                for pair in itertools.pairwise(track):
                    if pair[1].time - pair[0].time <= 300_000 and _within(list(pair), place):
                        assert any(a <= pair[0].time and pair[1].time <= b for a, b in near[n])


async def _frames(store: Store, grid: Grid) -> list[Any]:
    shares = [[2, 3], [1]]
    found = store.tracks(shares, *grid.needs, lambda at, tracks: (at, sample(tracks, grid, EVER)))
    parts = [frames async for _, frames in found]
    return [column.tolist() for frames in parts for column in frames]


def _within(fixes: list[Ping], box: tuple[float, float, float, float]) -> bool:
    """Does the box around them touch it? Round the back where that is shorter."""
    west, south, east, north = box
    lats, lons = [one.lat for one in fixes], [one.lon for one in fixes]
    beside = max(lons) < west or min(lons) > east
    if max(lons) - min(lons) > 180:
        beside = max(one for one in lons if one < 0) < west and min(one for one in lons if one >= 0) > east
    return min(lats) <= north and max(lats) >= south and not beside
