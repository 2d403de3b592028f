"""Where many vehicles were: read by blocks, and while what came is being packed."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from unittest import mock

import numpy as np
import pytest

from tracker.history.film.activity import activity_about
from tracker.history.film.frames import Frames, Grid, sample
from tracker.model.columns import TYPES, Columns, Part, Tracks
from tracker.model.commit import APART, HELD, LATE, LIVE, StoredPing
from tracker.model.ping import Ping
from tracker.stores import packing, segments
from tracker.stores.sqlite.past import packed, spells, tracks
from tracker.stores.sqlite.store import SqliteStore

DAY_MS = 86_400_000
DAY = 20_700 * DAY_MS
EVER = 1 << 50


@pytest.fixture
async def database(tmp_path: Path) -> Path:
    """Of a store that nothing was said to yet."""
    store = SqliteStore(str(tmp_path))
    await store.open()
    await store.close()
    return tmp_path / "tracker.db"


def test_of_a_segment_that_is_half_in_force_only_that_half_is_told(database: Path) -> None:
    taken = [APART, LIVE, HELD, LIVE, LIVE, LIVE]
    fixes = [StoredPing(1, Ping("van", DAY + at, 60.0, 24.0), DAY, how) for at, how in enumerate(taken)]
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        packed.replace(connection, [], [packing.pack(1, DAY // DAY_MS, Columns.all_of(fixes))])
        told = []
        for below in (1, 3, 5, 7):
            connection.execute("UPDATE compacted SET below = ?", (below,))
            span = (DAY, DAY + 20)
            found = tracks.tracks(connection, [1], *span, tracks.recent(connection, [1], *span))
            told.append([time - DAY for time in found.time.tolist()])
    assert told == [[], [1], [1, 3], [1, 3, 4, 5]]


SECOND, HOUR, COUNT = 1000, 3_600_000, 1600
GRIDS = (Grid(0, 1, 1), Grid(0, 60_000, 20), Grid(0, 1_800_000, 48))


def driven(chance: np.random.Generator, kind: str) -> Columns:
    """A day of more than three blocks; of one of these kinds all is not as it mostly is."""
    time = DAY + (np.arange(COUNT) * 50 + 3600) * SECOND + chance.integers(0, 9 * SECOND, COUNT)
    lat = 600_000_000 + np.cumsum(chance.integers(-500, 1501, COUNT))
    lon = (1_799_990_000 if kind == "antimeridian" else 240_000_000) + np.cumsum(chance.integers(-900, 901, COUNT))
    if kind == "parked":
        lat[:], lon[:] = 600_000_000, 240_000_000
    lon = (lon + 1_800_000_000) % 3_600_000_000 - 1_800_000_000
    taken, accuracy = np.full(COUNT, LIVE), np.full(COUNT, 500)
    if kind == "odd":
        taken = chance.choice([LIVE, LATE, HELD, APART], COUNT, p=(0.4, 0.2, 0.3, 0.1))
        again = np.flatnonzero(chance.random(COUNT - 1) < 0.3) + 1
        time[again] = time[again - 1]
        lat[::31], lon[::31] = 0, 0
    if kind == "rough":
        accuracy[chance.random(COUNT) < 0.01] = 30_000
    told = {"row": np.arange(COUNT) + 1, "time": np.sort(time), "lat": lat, "lon": lon, "taken": taken}
    told |= {"speed": np.full(COUNT, 3000), "accuracy": accuracy, "received": time + 900}
    arrays = (told.get(name, np.full(COUNT, -1)).astype(kind) for name, kind in TYPES.items())
    return Columns.from_arrays(arrays, {}).in_order()


KINDS = ("plain", "parked", "odd", "rough", "antimeridian", "planes", "parts", "recent", "gone quiet", "never")


def test_of_a_few_blocks_is_read_what_all_of_them_say(database: Path) -> None:
    chance = np.random.default_rng(7)
    days = [driven(chance, kind) for kind in KINDS[:-1]]
    days[8] = days[8].take(slice(300))
    later = days[7].take(slice(1200, None))
    split = {6: np.array_split(chance.permutation(COUNT), 9), 7: [np.arange(1200)]}
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        for at, day in enumerate(days):
            codec = segments.PLANES_CODEC if KINDS[at] == "planes" else segments.best_codec()
            with mock.patch.object(segments, "best_codec", lambda codec=codec: codec):
                parts = [day.take(np.sort(some)) for some in split.get(at, [np.arange(len(day))])]
                packed.replace(connection, [], [packing.pack(at + 1, DAY // DAY_MS, one) for one in parts])
        connection.execute("UPDATE compacted SET below = ?", (COUNT + 1,))
        recent = tracks.Recent(
            COUNT + 1, np.full(len(later), 8), Part.stored(0, later.time, later.taken, later.lat, later.lon)
        )
        whole = [Part.stored(at, day.time, day.taken, day.lat, day.lon) for at, day in enumerate(days)]
        plain = Tracks.joined(len(KINDS), whole)
        edges = [int(days[0].time[at]) + more for at in (0, 511, 512, 513, 1024) for more in (-1, 0, 1)]
        for since in (*edges, *(DAY + chance.integers(0, DAY_MS, 25)).tolist()):
            for grid in (one._replace(since=since) for one in GRIDS):
                found = tracks.tracks(connection, range(1, len(KINDS) + 1), *grid.needs, recent)
                told, said = sample(found, grid, EVER), sample(plain, grid, EVER)
                wrong = [
                    KINDS[at] for at in range(len(KINDS)) for name in told._fields if not same(told, said, name, at)
                ]
                assert wrong == [], (since - DAY, grid)


def test_where_a_vehicle_was_is_found_in_the_day_before_where_its_first_fixes_of_a_day_were_held(
    database: Path,
) -> None:
    times = range(DAY - 120 * SECOND, DAY + 120 * SECOND, 10 * SECOND)
    fixes = [
        StoredPing(
            1, Ping("van", time, 60.0 + at / 1000, 24.0), time, HELD if DAY <= time < DAY + 50 * SECOND else LIVE
        )
        for at, time in enumerate(times)
    ]
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        for day in (DAY // DAY_MS - 1, DAY // DAY_MS):
            of_it = Columns.all_of([one for one in fixes if one.ping.time // DAY_MS == day])
            packed.replace(connection, [], [packing.pack(1, day, of_it)])
        connection.execute("UPDATE compacted SET below = ?", (len(fixes) + 1,))
        span = (DAY + 45 * SECOND, DAY + 46 * SECOND)
        found = tracks.tracks(connection, [1], *span, tracks.recent(connection, [1], *span))
    before = found.time[found.time <= span[0]]
    assert before.tolist()[-1:] == [DAY - 10 * SECOND]


def test_by_its_outlines_a_vehicle_is_known_when_it_told_something_and_moves_where_they_are_wide(
    database: Path,
) -> None:
    chance = np.random.default_rng(3)
    parked, drives, sleeps = (driven(chance, kind) for kind in ("parked", "antimeridian", "plain"))
    sleeps = sleeps.take((sleeps.time < DAY + 6 * HOUR) | (sleeps.time > DAY + 15 * HOUR))
    at_180 = driven(chance, "parked")
    at_180.lon[:] = np.where(np.arange(COUNT) % 2, 1_799_999_990, -1_799_999_990)
    day, grid = DAY // DAY_MS, Grid(DAY, HOUR, 24)
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        for n, one in ((1, parked), (2, drives), (3, sleeps), (4, sleeps), (5, at_180)):
            packed.replace(connection, [], [packing.pack(n, day, one)])
        connection.execute("DELETE FROM outlines WHERE id = 4")  # as of before there were any
        connection.execute("UPDATE compacted SET below = ?", (COUNT + 1,))
        later = Part.stored(0, np.array([DAY + 30 * SECOND]), np.zeros(1), np.ones(1), np.ones(1))
        recent = tracks.Recent(COUNT + 1, np.array([3]), later)
        for at, one, more in ((1, parked, []), (2, drives, []), (3, sleeps, [0]), (4, sleeps, []), (5, at_180, [])):
            told = spells.spells(connection, [at], DAY, DAY + DAY_MS, HOUR, recent)
            counts = activity_about(told, 1, grid)
            hours = sorted({*((one.time - DAY) // HOUR).tolist(), *more})
            assert np.flatnonzero(counts.known).tolist() == hours
            moved = [] if at in (1, 5) else [hour for hour in hours if hour not in more]
            assert np.flatnonzero(counts.moving).tolist() == moved


def same(some: Frames, others: Frames, name: str, at: int) -> bool:
    return bool((getattr(some, name)[at] == getattr(others, name)[at]).all())
