"""What is compacted and when, what of the room goes back, and who is not brought back by it."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tracker.errors import StoreFull
from tracker.model.columns import Columns
from tracker.model.commit import Commit, SavedVehicle, StoredPing
from tracker.model.ping import Ping
from tracker.stores import memory, segments
from tracker.stores.sqlite import schema
from tracker.stores.sqlite.past import compaction, log, packed
from tracker.stores.sqlite.store import SqliteStore

T0 = 1_790_035_200_000  # the beginning of a day
QUARTER = 900_000
HOUR = 3_600_000
DAY = 86_400_000
EVER = 1 << 60


@pytest.fixture
async def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SqliteStore]:
    monkeypatch.setattr(schema, "SYNCHRONOUS", "OFF")
    store = SqliteStore(str(tmp_path / "data"))
    await store.open()
    await store.commit(Commit(vehicles=[SavedVehicle(n, f"van-{n}", b"") for n in (1, 2)]))
    yield store
    await store.close()


def fixes(n: int, *times: int, lat: float = 60.0, lon: float = 24.0) -> Commit:
    return Commit(pings=[StoredPing(n, Ping(f"van-{n}", T0 + time, lat, lon), T0 + time + 200) for time in times])


def asked(store: SqliteStore, sql: str) -> list[Any]:
    with closing(sqlite3.connect(store.path)) as connection:
        return connection.execute(sql).fetchall()


def parts(store: SqliteStore) -> list[Any]:
    return asked(store, "SELECT n, (day * 86400000 - 1790035200000) / 86400000, count FROM segments ORDER BY id")


async def test_what_came_in_the_quarter_of_an_hour_that_lasts_stays_in_the_log(store: SqliteStore) -> None:
    for time in (QUARTER - 201, QUARTER - 200, QUARTER + 1000):
        await store.commit(fixes(1, time))
    await store.compact(T0 + QUARTER - 1)
    assert parts(store) == []
    await store.compact(T0 + 2 * QUARTER - 1)
    assert parts(store) == [(1, 0, 1)]
    await store.compact(T0 + 2 * QUARTER)
    assert sum(count for _, _, count in parts(store)) == 3
    assert asked(store, "SELECT count(*) FROM log") == [(1,)], "the newest row stays: numbers go on from it"
    await store.commit(fixes(1, 2 * QUARTER))
    assert [row for row, _, _ in await store.arrivals(0, EVER, None, 0, 9)] == [1, 2, 3, 4]


async def test_a_slice_is_of_many_rows_and_some_vehicles_of_it_are_in_memory_at_a_time(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module, name, value in ((compaction, "SLICE", 10), (compaction, "AT_ONCE", 4), (log, "PIECE", 3)):
        monkeypatch.setattr(module, name, value)
    for time in range(0, 8000, 2000):
        await store.commit(fixes(1, time))
        await store.commit(fixes(2, time + 1000))
    await store.commit(fixes(1, 8000, 9000, 9500))
    with closing(sqlite3.connect(store.path)) as connection:
        both = compaction.plan(connection, 7)
        assert both and both.below == 7, "none that are not to be packed yet"
        both = compaction.plan(connection, EVER)
        assert both and both.below == 9, "one alone has no more than can be in memory"
        made = [compaction.portions(connection, both, group) for group in both.groups]
        pieces = [[compaction.pack(connection, portion) for portion in some] for some in made]
        assert [[one.row[8] for piece in some for one in piece.fresh] for some in pieces] == [[4], [4]]
        compaction.move(connection, 9)
        monkeypatch.setattr(compaction, "AT_ONCE", 99)
        monkeypatch.setattr(compaction, "SLICE", 2)
        part = compaction.plan(connection, EVER)
        assert part and part.below == 11


async def test_of_a_slice_no_more_is_unpacked_at_once_than_becomes_one_piece(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in (1, 2):
        await store.commit(fixes(n, 1000, 2000))
    await store.compact(T0 + QUARTER)
    for n in (1, 2):
        await store.commit(fixes(n, QUARTER, QUARTER + 1000))
    done: list[str] = []
    decode, replace = segments.decode, packed.replace

    def decoded(body: bytes) -> Columns:
        done.append("unpacked")
        return decode(body)

    def replaced(*change: Any) -> None:
        done.append("written")
        replace(*change)

    monkeypatch.setattr(packed, "decode", decoded)
    monkeypatch.setattr(packed, "replace", replaced)
    monkeypatch.setattr(compaction, "PIECE_ROWS", 3)
    await store.compact(T0 + 2 * QUARTER)
    assert done == ["unpacked", "written"] * 2
    assert parts(store) == [(1, 0, 4), (2, 0, 4)]


async def test_packing_leaves_nothing_in_memory(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    given_back: list[int] = []
    monkeypatch.setattr(memory, "give_back", lambda: given_back.append(tracemalloc.get_traced_memory()[0]))
    tracemalloc.start()
    try:
        for quarter in range(8):
            for n in (1, 2):
                await store.commit(fixes(n, *range(quarter * QUARTER, (quarter + 1) * QUARTER - 1000, 250)))
            await store.compact(T0 + (quarter + 1) * QUARTER)
            await store.compact(T0 + (quarter + 1) * QUARTER)
    finally:
        tracemalloc.stop()
    assert len(given_back) == 8, "once a slice: each thread keeps what it had at most"
    assert max(given_back[3:]) < given_back[2] + 400_000, "no more than one slice of the five"


async def test_a_day_is_in_few_parts_while_it_lasts_and_in_one_when_it_is_over(store: SqliteStore) -> None:
    most = 0
    for quarter in range(96):
        times = range(quarter * QUARTER, (quarter + 1) * QUARTER - 1000, 60_000)
        await store.commit(fixes(1, *times))
        await store.compact(T0 + (quarter + 1) * QUARTER)
        most = max(most, len(parts(store)))
    assert 1 < most <= 8
    await store.compact(T0 + DAY + HOUR)
    assert parts(store) == [(1, 0, 96 * 15)]
    await store.commit(Commit(pings=[StoredPing(1, Ping("van-1", T0 + 7, 60.5, 24.0), T0 + DAY + HOUR + 5)]))
    await store.compact(T0 + DAY + 2 * HOUR)
    assert parts(store) == [(1, 0, 96 * 15 + 1)], "late ones join it with the next quarter of an hour"
    assert [one.ping.lat for one in await store.track(1, T0, T0 + 60_000, None, 9)] == [60.0, 60.5]


@pytest.mark.parametrize("step", ["plan", "portions", "pack"])
async def test_nobody_who_was_erased_meanwhile_is_brought_back(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    await store.commit(fixes(1, *range(0, 9000, 1000)))
    await store.commit(fixes(2, *range(0, 9000, 1000)))
    does, loop = getattr(compaction, step), asyncio.get_running_loop()

    def erased_after(*values: Any) -> Any:
        made = does(*values)
        monkeypatch.setattr(compaction, step, does)
        asyncio.run_coroutine_threadsafe(store.commit(Commit(erased=["van-1"])), loop).result()
        return made

    monkeypatch.setattr(compaction, step, erased_after)
    await store.compact(T0 + DAY)
    assert parts(store) == [(2, 0, 9)]
    assert await store.near([(-180.0, -90.0, 180.0, 90.0)], 0, EVER) == {2: [(T0, T0 + 59_999)]}
    assert {one.n for _, one, _ in await store.arrivals(0, EVER, None, 0, 99)} == {2}
    await store.commit(Commit(erased=["van-2"]))
    assert parts(store) == [] == asked(store, "SELECT id FROM boxes")


async def test_a_slice_that_came_to_no_end_counts_nowhere_and_is_written_again(store: SqliteStore) -> None:
    await store.commit(fixes(1, 1000, 2000))
    await store.compact(T0 + QUARTER)
    await store.commit(fixes(1, 1500, QUARTER, lat=61.0))
    before = await store.arrivals(0, EVER, None, 0, 99)
    begun = await store._read(compaction.plan, 99)
    assert begun is not None
    for portion in await store._read(compaction.portions, begun, begun.groups[0]):
        store._change(compaction.write, await store._read(compaction.pack, portion))
    assert asked(store, "SELECT sum(count) FROM segments") == [(4,)]
    assert await store.arrivals(0, EVER, None, 0, 99) == before
    await store.compact(T0 + 2 * QUARTER)
    assert asked(store, "SELECT sum(count) FROM segments") == [(4,)]
    assert await store.arrivals(0, EVER, None, 0, 99) == before


async def test_an_old_window_of_what_came_reads_its_own_segments_once(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    for day in range(9):
        for minute in range(0, 600, 20):
            for n in (1, 2):
                await store.commit(fixes(n, *(day * DAY + minute * 60_000 + second for second in range(n, 9000, 1000))))
    await store.compact(T0 + 10 * DAY)
    assert len(parts(store)) == 18
    whole = await store.arrivals(0, EVER, None, 0, 99_999)
    read: list[bytes] = []

    def decode(body: bytes) -> Columns:
        read.append(body)
        return segments.decode(body)

    monkeypatch.setattr(packed, "decode", decode)
    for window in (99_999, 50):  # rows
        monkeypatch.setattr(packed, "WINDOW", window)
        for held in (99_999, 10):
            monkeypatch.setattr(packed, "HELD", held)
            for begin, end in ((0, DAY), (3 * DAY, 4 * DAY), (3 * DAY + 490 * 60_000, 3 * DAY + 550 * 60_000)):
                fixed = T0 + begin, T0 + end
                came = fixed[0] + 200, fixed[1] + 200
                within = [one for one in whole if came[0] <= one[1].received_at < came[1]]
                read.clear()
                assert await store.arrivals(*came, None, 0, len(within)) == within
                assert await store.arrivals(0, EVER, None, 0, len(within), fixed) == within
                assert len(read) == 4 or (window, held) == (50, 10)
                assert await store.arrivals(0, EVER, None, within[6][0], 150, fixed) == within[7:157]


async def test_what_was_freed_goes_back_to_the_disk(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compaction, "KEPT", 8)
    for begin in range(0, 40_000_000, 1_000_000):
        await store.commit(fixes(1, *range(begin, begin + 1_000_000, 1000)))
    before = asked(store, "PRAGMA page_count")[0][0]
    await store.compact(T0 + DAY)
    assert asked(store, "PRAGMA freelist_count")[0][0] <= 8
    assert asked(store, "PRAGMA page_count")[0][0] < before / 5
    assert asked(store, "PRAGMA integrity_check") == [("ok",)]
    assert len(await store.columns(1, T0, T0 + DAY)) == 40_000


def old_file(folder: Path, rows: int) -> Path:
    """As 0.1.0 left it, but for what nobody asks for."""
    folder.mkdir()
    path = folder / "tracker.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executescript(schema.MIGRATIONS[0])
        connection.execute("INSERT INTO vehicles VALUES (1, 'van-1', NULL)")
        connection.execute(
            f"""WITH RECURSIVE at(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM at WHERE i < {rows})
            INSERT INTO hot SELECT i, 1, {T0} + i * 1000, 600000000 + i, 240000000, NULL, NULL, NULL, NULL,
                {T0} + i * 1000, 0, NULL FROM at"""
        )
        connection.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
        connection.execute("PRAGMA user_version = 1")
    return path


async def test_an_old_file_is_served_at_once_and_compacted_with_a_copy_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compaction, "SLICE", 1000)
    old_file(tmp_path / "data", 5000)
    store = SqliteStore(str(tmp_path / "data"))
    await store.open()
    before = await store.arrivals(0, EVER, None, 0, 9999)
    assert len(before) == 5000
    await store.compact(T0 + 2 * DAY)
    assert await store.arrivals(0, EVER, None, 0, 9999) == before
    assert asked(store, "SELECT count(*) FROM hot") == [(0,)]
    assert (parts(store), asked(store, "PRAGMA auto_vacuum")) == ([(1, 0, 5000)], [(2,)])
    await store.commit(fixes(1, 6_000_000))
    assert [row for row, _, _ in await store.arrivals(0, EVER, None, 4999, 9)] == [5000, 5001]
    await store.close()
    with closing(sqlite3.connect(tmp_path / "data" / "tracker-schema1.db")) as copy:
        assert copy.execute("SELECT count(*) FROM hot").fetchone() == (5000,)


async def test_a_large_old_file_gives_back_what_it_frees_from_the_first_start_after_it_was_compacted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "SMALL_BYTES", 250_000)
    path = old_file(tmp_path / "data", 10_000)
    large = path.stat().st_size
    assert large > 300_000
    before: list[Any] = []
    for shrinkable in (0, 2):
        store = SqliteStore(str(tmp_path / "data"))
        await store.open()
        before = before or await store.arrivals(0, EVER, None, 0, 99_999)
        assert asked(store, "PRAGMA auto_vacuum") == [(shrinkable,)]
        await store.compact(T0 + 2 * DAY)
        assert await store.arrivals(0, EVER, None, 0, 99_999) == before
        await store.close()
        assert (path.stat().st_size < large / 2) == bool(shrinkable)


async def test_a_folder_of_the_first_release_tells_the_same_once_it_is_compacted(tmp_path: Path) -> None:
    shutil.copytree(Path(__file__).parents[2] / "fixtures" / "data" / "0.1.0", tmp_path / "data")
    store = SqliteStore(str(tmp_path / "data"))
    told: list[Any] = []
    for _ in range(2):
        loaded = await store.open()
        numbers = [one.n for one in loaded.vehicles]
        tracks = [await store.track(n, 0, EVER, None, 9999) for n in numbers]
        told.append([await store.arrivals(0, EVER, None, 0, 9999), tracks, loaded.vehicles, loaded.regions])
        await store.compact(T0 + 1000 * DAY)
        assert asked(store, "SELECT count(*) FROM hot") == [(0,)]
        await store.close()
        store = SqliteStore(str(tmp_path / "data"))
    assert told[0] == told[1]
    assert len(told[0][0]) > 50


async def test_where_a_copy_does_not_fit_nothing_is_changed_and_the_bytes_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = old_file(tmp_path / "data", 5000)
    was = path.read_bytes()
    monkeypatch.setattr(schema, "room", lambda _path: 100_000)
    store = SqliteStore(str(tmp_path / "data"))
    with pytest.raises(StoreFull, match=rf"{len(was):,} bytes are needed, 100,000 are free"):
        await store.open()
    await store.close()
    assert path.read_bytes()[100:] == was[100:]
    monkeypatch.undo()
    store = SqliteStore(str(tmp_path / "data"))
    await store.open()
    assert len(await store.columns(1, T0, T0 + DAY)) == 5000
    await store.close()


BOX = (24.5, 59.0, 25.5, 61.0)


@pytest.mark.parametrize("compacted", [True, False], ids=["in segments", "in the log"])
async def test_who_drove_through_from_one_fix_to_the_next_may_have_been_near(
    store: SqliteStore, compacted: bool
) -> None:
    """Also where the next fix is in another segment, or not in one yet."""
    await store.commit(fixes(1, DAY - 100_000, lon=24.0))
    await store.commit(fixes(2, DAY - 100_000, lon=24.0))
    await store.compact(T0 + DAY)
    await store.commit(fixes(1, DAY + 100_000, lon=26.0))
    await store.commit(fixes(2, DAY + 300_000, lon=26.0))
    if compacted:
        await store.compact(T0 + 3 * DAY)
    found = await store.near([BOX], T0, T0 + 3 * DAY)
    assert len(found.get(1, [])) == 1
    ((first, last),) = found[1]
    assert first <= T0 + DAY - 100_000 < T0 + DAY + 100_000 <= last
    assert 2 not in found, "five minutes say nothing of what lies between"
    assert await store.near([(24.5, 62.0, 25.5, 63.0)], 0, EVER) == {}
    assert await store.near([BOX], T0 + 2 * DAY, T0 + 3 * DAY) == {}


async def test_what_a_slice_wrote_that_came_to_no_end_is_not_counted_thinned_or_gone(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(*_: Any) -> None:
        raise StoreFull("no room")

    async def left_behind(*commits: Commit) -> None:
        for one in commits:
            await store.commit(one)
        with monkeypatch.context() as patched:
            patched.setattr(compaction, "move", cut)
            with pytest.raises(StoreFull):
                await store.compact(T0 + 2 * DAY)

    async def kept() -> list[tuple[str, int]]:
        return sorted((day.vehicle, day.pings) for day in await store.days())

    await store.commit(fixes(1, *range(0, HOUR, 10_000)))
    await store.compact(T0 + 2 * DAY)
    await left_behind(fixes(1, *range(HOUR, HOUR + 100_000, 10_000)), fixes(2, *range(0, 100_000, 10_000)))
    assert sum(count for _, _, count in parts(store)) == 380
    assert (await kept(), await store.waiting()) == ([("van-1", 360)], 20)
    assert await store.thin_day(1, T0, lambda columns: columns.take(slice(60))) == 300
    assert (await kept(), await store.gone()) == ([("van-1", 60)], {T0: 300})
    await store.compact(T0 + 2 * DAY)
    assert (await kept(), await store.waiting()) == ([("van-1", 70), ("van-2", 10)], 0)
    await left_behind(fixes(1, HOUR + 200_000))
    assert await store.drop_days([(1, T0), (2, T0)]) == 80
    assert (await kept(), await store.gone(), await store.waiting()) == ([], {T0: 380}, 1)
    await store.compact(T0 + 2 * DAY)
    assert (await kept(), await store.waiting()) == ([("van-1", 1)], 0)
