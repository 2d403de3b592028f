"""The SQLite file itself: what the contract of all stores cannot say, from full disks to schemas of tomorrow."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import shutil
import sqlite3
import struct
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.support.disks import mounted
from tracker.errors import Invalid, StoreError, StoreFull, StoreUnusable
from tracker.model.change import Registered
from tracker.model.commit import Commit, SavedRegion, SavedVehicle, StoredPing
from tracker.model.events import Event, event_id
from tracker.model.ping import Ping
from tracker.stores import EventQuery, backup_store, restore_store
from tracker.stores.sqlite import reads, schema, states
from tracker.stores.sqlite import store as engine
from tracker.stores.sqlite.store import SqliteStore

T0 = 1_790_000_000_000
NEVER = 1 << 60


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(str(tmp_path / "data"))
    await store.open()
    yield store
    await store.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    with mounted(tmp_path / "disk", megabytes=4) as place:
        yield place


def pings(first: int, count: int, n: int = 1) -> list[StoredPing]:
    moments = range(first, first + count)
    return [StoredPing(n, Ping(f"van-{n}", T0 + at, 60.1, 24.9, driver="x" * 200), T0 + at) for at in moments]


def entered(number: int) -> Event:
    return Event(event_id("enter", "van-1", "depot", number), "enter", "van-1", T0 + number, T0, "moved", 60.1, 24.9)


async def in_writer(store: SqliteStore, sql: str) -> Any:
    """Ask the writer's own connection, in its own thread."""
    return await store._on(store._write_thread, lambda: store._connection().execute(sql).fetchone())


async def in_file(store: SqliteStore, sql: str) -> Any:
    def ask() -> Any:
        with closing(sqlite3.connect(store.path)) as file:
            return file.execute(sql).fetchone()

    return await asyncio.to_thread(ask)


def run(path: Path, sql: str) -> None:
    with closing(sqlite3.connect(path)) as file:
        file.execute(sql)
        file.commit()


def log_size(store: SqliteStore) -> int:
    return store.statistics().log_bytes


# ------------------------------------------------------------------------------------------------------ no room


async def fill(store: SqliteStore) -> int:
    """Commit until there is no room; answers how many pings were acknowledged."""
    stored = 0
    while True:
        try:
            await store.commit(Commit(pings=pings(stored, 500), vehicles=[SavedVehicle(1, "van-1", b"x")]))
        except StoreFull:
            return stored
        stored += 500


async def holds(store: SqliteStore, stored: int) -> None:
    track = await store.track(1, 0, NEVER, None, 1_000_000)
    assert [fix.ping.time for fix in track] == list(range(T0, T0 + stored))


async def test_a_full_disk_refuses_keeps_everything_and_goes_on_by_itself(small_disk: Path) -> None:
    store = SqliteStore(str(small_disk / "data"))
    ballast = small_disk / "ballast"
    await asyncio.to_thread(ballast.write_bytes, bytes(1 << 20))
    await store.open()
    stored = await fill(store)
    assert stored
    for _ in range(3):
        with pytest.raises(StoreFull, match="No room left"):
            await store.commit(Commit(events=[entered(1)], pings=pings(stored, 5000)))
        with pytest.raises(StoreError):
            await store.ping()
        await holds(store, stored)
    ballast.unlink()
    assert [event.seq for event in await store.commit(Commit(pings=pings(stored, 100), events=[entered(1)]))] == [1]
    await store.ping()
    await store.close()
    again = SqliteStore(str(small_disk / "data"))
    assert (await again.open()).last_seq == 1
    await holds(again, stored + 100)
    await again.close()


async def test_a_database_that_may_not_grow_is_full_too(store: SqliteStore) -> None:
    await in_writer(store, "PRAGMA max_page_count = 60")
    stored = await fill(store)
    await holds(store, stored)
    await in_writer(store, "PRAGMA max_page_count = 100000")
    await store.commit(Commit(pings=pings(stored, 500)))
    await holds(store, stored + 500)


async def test_a_commit_that_needs_more_room_later_is_refused_now(store: SqliteStore) -> None:
    with pytest.raises(StoreFull, match="No room left"):
        await store.commit(Commit(events=[entered(1)], room=1 << 61))
    assert await store.events(EventQuery()) == []
    await store.commit(Commit(events=[entered(1)], room=1 << 10))


# ---------------------------------------------------------------------------------------------------- breakage


async def test_a_broken_connection_is_opened_again(store: SqliteStore) -> None:
    await store.commit(Commit(events=[entered(1)]))
    await store._on(store._write_thread, lambda: store._connection().close())  # whatever it was
    with pytest.raises(StoreError, match="Nothing was changed"):
        await store.commit(Commit(events=[entered(2)]))
    assert [event.seq for event in await store.commit(Commit(events=[entered(2)]))] == [2]


async def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "tracker.db"
    path.write_bytes(b"these are my holiday photos" * 1000)
    store = SqliteStore(str(tmp_path))
    with pytest.raises(StoreError, match="not a database"):
        await store.open()
    await store.close()
    assert path.read_bytes().startswith(b"these are my holiday photos")


async def test_somebody_elses_database_is_left_alone(tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "tracker.db")
    other.execute("CREATE TABLE photos(id)")
    other.close()
    store = SqliteStore(str(tmp_path))
    with pytest.raises(StoreError, match="not a tracker's data file"):
        await store.open()
    await store.close()


# -------------------------------------------------------------------------------------------------- the schema


async def test_a_newer_schema_is_refused_clearly(store: SqliteStore) -> None:
    await store.close()
    file = sqlite3.connect(store.path)
    file.execute("PRAGMA user_version = 99")
    file.close()
    newer = SqliteStore(str(store.folder))
    with pytest.raises(StoreError, match=r"written by a newer tracker \(schema 99; this one knows \d+\)"):
        await newer.open()
    await newer.close()


async def test_a_copy_is_kept_before_a_migration_runs(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    await store.commit(Commit(events=[entered(1)]))
    await store.close()
    version = len(schema.MIGRATIONS)
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, "ALTER TABLE vehicles ADD COLUMN color TEXT"))
    newer = SqliteStore(str(store.folder))
    assert (await newer.open()).last_seq == 1
    await newer.close()
    copy = sqlite3.connect(store.folder / f"tracker-schema{version}.db")
    assert copy.execute("PRAGMA user_version").fetchone() == (version,)
    assert copy.execute("SELECT count(*) FROM events").fetchone() == (1,)
    assert "color" not in str(copy.execute("SELECT sql FROM sqlite_schema").fetchall())
    copy.close()


async def test_a_migration_that_fails_leaves_the_old_schema(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.commit(Commit(events=[entered(1)]))
    await store.close()
    with monkeypatch.context() as patch:
        script = "ALTER TABLE vehicles ADD COLUMN color TEXT; INSERT INTO nowhere VALUES (1)"
        patch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, script))
        newer = SqliteStore(str(store.folder))
        with pytest.raises(StoreError):
            await newer.open()
        await newer.close()
    again = SqliteStore(str(store.folder))
    assert (await again.open()).last_seq == 1
    await again.close()


# ---------------------------------------------------------------------------------------------------- the log


async def test_the_log_stays_short_between_commits(store: SqliteStore) -> None:
    for turn in range(60):
        await store.commit(Commit(pings=pings(turn * 1000, 1000)))
    await store.ping()
    assert log_size(store) < 2 * engine.CHECKPOINT_BYTES


async def test_readers_without_a_gap_between_them_do_not_let_the_log_grow(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "CHECKPOINT_BYTES", 1 << 17)
    monkeypatch.setattr(engine, "WAL_LIMIT_BYTES", 1 << 19)
    await store.commit(Commit(pings=pings(0, 1000), vehicles=[SavedVehicle(1, "van-1", b"x")]))
    done = False

    async def keep_reading() -> None:
        while not done:
            await store.track(1, 0, NEVER, None, 10)

    readers = [asyncio.create_task(keep_reading()) for _ in range(5)]
    longest = 0
    for turn in range(1, 40):
        await store.commit(Commit(pings=pings(turn * 300, 300)))
        longest = max(longest, log_size(store))
    done = True
    await asyncio.gather(*readers)
    assert longest < 2 << 20


async def test_a_backup_that_takes_long_holds_nobody_up(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process reads on and on: commits go on, and the log is emptied once it has finished."""
    monkeypatch.setattr(engine, "CHECKPOINT_BYTES", 1 << 17)
    monkeypatch.setattr(engine, "WAL_LIMIT_BYTES", 1 << 18)
    monkeypatch.setattr(engine, "PATIENCE_MS", 1)
    await in_writer(store, "PRAGMA journal_size_limit = 100000")
    await store.commit(Commit(events=[entered(1)]))
    other = sqlite3.connect(store.path, isolation_level=None)
    other.execute("BEGIN")
    other.execute("SELECT count(*) FROM events").fetchone()
    for turn in range(30):
        await store.commit(Commit(pings=pings(turn * 300, 300)))
        await store.ping()
    assert log_size(store) > 1 << 20
    assert other.execute("SELECT count(*) FROM log").fetchone() == (0,)  # as of when it began
    other.execute("COMMIT")
    other.close()
    for turn in range(30, 80):
        await store.commit(Commit(pings=pings(turn * 300, 300)))
    await store.ping()
    assert log_size(store) < 1 << 20


async def test_a_commit_does_not_wait_for_a_reader(store: SqliteStore) -> None:
    """A read that takes for ever does not keep a commit, nor the other reads."""
    go = threading.Event()

    def slow(connection: sqlite3.Connection) -> int:
        connection.execute("BEGIN")
        count: int = connection.execute("SELECT count(*) FROM events").fetchone()[0]
        go.wait(30)
        connection.execute("COMMIT")
        return count

    reading = asyncio.create_task(store._read(slow))
    await asyncio.sleep(0)
    await store.commit(Commit(events=[entered(1)]))
    assert await store.last_seq() == 1
    go.set()
    assert await reading in (0, 1)


# --------------------------------------------------------------------------------------------- backup, restore


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda path: path.unlink(), "does not exist"),
        (lambda path: path.write_text("a letter to my aunt"), "not a tracker's backup"),
        (lambda path: path.write_bytes(path.read_bytes()[:20_000]), "damaged|not a tracker's backup"),
        (lambda path: path.write_bytes(b""), "not a tracker's"),
        (
            lambda path: run(path, "CREATE TRIGGER guest AFTER INSERT ON records BEGIN SELECT 1; END"),
            "would do 'guest'",
        ),
        (lambda path: run(path, "CREATE VIEW guest AS SELECT 1"), "would do 'guest'"),
    ],
)
async def test_what_is_not_a_whole_backup_is_not_restored(
    store: SqliteStore, tmp_path: Path, spoil: Callable[[Path], object], message: str
) -> None:
    await store.commit(Commit(events=[entered(1)], pings=pings(0, 1000)))
    await store.backup(str(tmp_path / "copy"))
    await store.close()
    await asyncio.to_thread(spoil, tmp_path / "copy")
    with pytest.raises((Invalid, StoreError), match=message):
        restore_store(str(store.folder), str(tmp_path / "copy"))
    again = SqliteStore(str(store.folder))
    assert (await again.open()).last_seq == 1
    assert len(await again.events(EventQuery())) == 1
    await again.close()


async def test_what_root_restores_belongs_to_the_owner_of_the_folder(
    store: SqliteStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.backup(str(tmp_path / "copy"))
    folder, given = tmp_path / "var", []
    folder.mkdir()
    real = Path.stat

    def stat(path: Path, **more: Any) -> os.stat_result:
        found = real(path, **more)
        return os.stat_result([*found[:4], 4321, 4322, *found[6:10]]) if path == folder else found

    monkeypatch.setattr(Path, "stat", stat)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "chown", lambda path, user, group: given.append((Path(path).name, user, group)))
    restore_store(str(folder), str(tmp_path / "copy"))
    assert given == [("tracker.db", 4321, 4322), ("tracker.lock", 4321, 4322)]


async def test_no_other_user_of_the_machine_reads_what_is_kept(tmp_path: Path) -> None:
    def others_may(folder: Path) -> dict[str, int]:
        return {file.name: file.stat().st_mode & 0o077 for file in (folder, *folder.glob("*.db*"))}

    folder, backup = tmp_path / "new", tmp_path / "backup.db"
    store = SqliteStore(str(folder))
    await store.open()
    await store.commit(Commit(pings=pings(0, 1)))
    assert others_may(folder) == {"new": 0, "tracker.db": 0, "tracker.db-wal": 0, "tracker.db-shm": 0}
    backup_store(f"sqlite:{folder}", str(backup))
    assert backup.stat().st_mode & 0o077 == 0
    await store.close()
    (folder / "tracker.db").chmod(0o644)  # as 0.1.0 left it
    folder.chmod(0o755)
    store = SqliteStore(str(folder))
    await store.open()
    await store.close()
    assert others_may(folder) == {"new": 0o055, "tracker.db": 0o040}, "the group's is what somebody set"


async def test_a_backup_is_one_file_and_replaces_an_older_one(store: SqliteStore, tmp_path: Path) -> None:
    place = tmp_path / "backups"
    await asyncio.to_thread(place.mkdir)
    for number in (1, 2):
        await store.commit(Commit(events=[entered(number)]))
        await store.backup(str(place / "nightly.db"))
    assert [path.name for path in place.iterdir()] == ["nightly.db"]
    copy = sqlite3.connect(place / "nightly.db")
    assert [event.seq for event in reads.events(copy, EventQuery())] == [1, 2]
    copy.close()


async def test_the_data_itself_is_no_place_for_a_backup(store: SqliteStore, tmp_path: Path) -> None:
    for target in (store.path, tmp_path):
        with pytest.raises(Invalid, match="not a place for a backup"):
            await store.backup(str(target))


def test_a_place_nobody_can_write_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "tracker.db").touch()
    with pytest.raises(StoreError, match=r"Could not copy .* to /proc/copy"):
        backup_store(str(tmp_path), "/proc/copy")


def test_there_is_nothing_to_back_up_in_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="There is no data"):
        backup_store(str(tmp_path), str(tmp_path / "copy"))
    assert list(tmp_path.iterdir()) == []


async def test_the_newest_state_of_each_vehicle_is_there_after_a_crash_and_after_a_stop(
    store: SqliteStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever it is kept meanwhile: as its commit left it, or put in its place since."""

    copies = itertools.count()

    async def crashed() -> list[SavedVehicle]:
        """What another server finds in a copy of the folder as it is now."""
        folder = await asyncio.to_thread(shutil.copytree, store.folder, tmp_path / f"copy{next(copies)}")
        copy = SqliteStore(str(folder))
        loaded = await copy.open()
        live = [one for one in loaded.vehicles if one.vehicle[0] != "\0"]
        assert await copy.reload([one.vehicle for one in live]) == live
        await copy.close()
        stopped = await in_file(
            copy, "SELECT json_group_array(state) FROM (SELECT n, hex(state) AS state FROM vehicles)"
        )
        assert json.loads(stopped[0]) == [(one.state or b"").hex().upper() for one in loaded.vehicles], "all in place"
        for state in (b"y", b"z"):  # and it goes on
            copy = SqliteStore(str(folder))
            await copy.open()
            await copy.commit(Commit(vehicles=[saved(3, state)]))
            assert await copy.reload(["van-3"]) == [saved(3, state)]
            await copy.close()
        return loaded.vehicles

    def saved(n: int, state: bytes | None) -> SavedVehicle:
        return SavedVehicle(n, f"van-{n}", state)

    await store.commit(Commit(vehicles=[saved(1, b"a"), saved(2, b"b"), saved(3, None)]))
    await store.commit(Commit(vehicles=[saved(2, b"c"), saved(2, b"d"), saved(3, b"e")]))
    first = [saved(1, b"a"), saved(2, b"d"), saved(3, b"e")]
    assert await in_writer(store, "SELECT count(state) FROM vehicles") == (0,)
    assert await store.reload(["van-1", "van-2", "van-3"]) == await crashed() == first
    monkeypatch.setattr(engine, "PUT_AFTER", 1)
    await store._on(store._write_thread, store._tidy)
    assert await in_writer(store, "SELECT count(state) FROM vehicles") == (3,)
    assert await store.reload(["van-1", "van-2", "van-3"]) == await crashed() == first
    await store.commit(Commit(vehicles=[saved(1, None), saved(2, b"x"), saved(4, b"f")]))
    then = [saved(1, None), saved(2, b"x"), first[2], saved(4, b"f")]
    assert (await store.load()).vehicles == await crashed() == then
    await store.commit(Commit(erased=["van-4"]))
    assert await in_writer(store, "SELECT count(*) FROM states") == (0,), "also of the erased one"
    assert (await store.load()).vehicles == await crashed() == [*then[:3], SavedVehicle(4, "\0" + "4", None)]
    await store.commit(Commit(vehicles=[saved(2, b"g")]))
    await store._on(store._write_thread, store._tidy)
    assert (await store.load()).vehicles == [then[0], saved(2, b"g"), then[2], SavedVehicle(4, "\0" + "4", None)]


async def test_states_are_put_in_their_place_a_few_at_a_time_and_a_crash_in_between_loses_none(
    store: SqliteStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(states, "SLICE", 1)

    def put_some(store: SqliteStore) -> bool:
        more = store._waiting.put_some(store._connection())
        store._presence.moved()
        return more

    newest = dict.fromkeys((1, 2, 3), b"first")
    for turn in range(3):
        vehicles = [SavedVehicle(n, f"van-{n}", b"%d" % turn) for n in newest]
        await store.commit(Commit(vehicles=vehicles))
        newest = {one.n: one.state or b"" for one in vehicles}
        for step in range(3):
            assert await store._on(store._write_thread, put_some, store) == (step < 2)
            newest[1 + step] = b"%d %d" % (turn, step)
            await store.commit(Commit(vehicles=[SavedVehicle(1 + step, f"van-{1 + step}", newest[1 + step])]))
            assert {one.n: one.state for one in (await store.load()).vehicles} == newest
            folder = await asyncio.to_thread(shutil.copytree, store.folder, tmp_path / f"copy{turn}{step}")
            copy = SqliteStore(str(folder))
            assert {one.n: one.state for one in (await copy.open()).vehicles} == newest
            assert not await copy._on(copy._write_thread, put_some, copy), "what a crash left is put at once"
            told = "SELECT json_group_array(state) FROM (SELECT n, hex(state) AS state FROM vehicles)"
            assert json.loads((await in_writer(copy, told))[0]) == [newest[n].hex().upper() for n in (1, 2, 3)]
            await copy.close()


async def test_a_commit_that_fails_leaves_no_state_behind(store: SqliteStore) -> None:
    await store.commit(Commit(vehicles=[SavedVehicle(1, "van-1", b"a")], regions=[SavedRegion("depot", 1, T0, {})]))
    for erased in ([], ["van-1"]):
        same = SavedRegion("depot", 1, T0, {"v": 2})  # this version exists
        with pytest.raises(StoreError):
            await store.commit(Commit(vehicles=[SavedVehicle(1, "van-1", b"b")], regions=[same], erased=erased))
        assert await store.reload(["van-1"]) == [SavedVehicle(1, "van-1", b"a")]
    await store._on(store._write_thread, store._waiting.put_all, store._connection())
    assert await store.reload(["van-1"]) == [SavedVehicle(1, "van-1", b"a")]


def test_a_vehicle_that_was_never_in_a_region_takes_as_many_steps_however_much_befell_it_elsewhere() -> None:
    connection = sqlite3.connect(":memory:")
    connection.executescript(";".join(schema.MIGRATIONS))
    row = '{"id":"%s","kind":"exit","vehicle":"%s","region":"far","time":0}'
    rows = [(row % ("calm", "calm"),), *((row % (n, "busy"),) for n in range(100))]
    connection.executemany("INSERT INTO events(body) VALUES (?)", rows)
    steps: dict[str, int] = {}
    for vehicle in ("busy", "calm", "never"):
        for regions in ({"home"}, {"home", "yard"}):
            query = EventQuery(vehicles=frozenset({vehicle}), regions=frozenset(regions), kinds=frozenset({"exit"}))
            taken: list[None] = []
            connection.set_progress_handler(partial(taken.append, None), 1)
            assert reads.events(connection, query) == []
            steps[vehicle] = steps.get(vehicle, 0) + len(taken)
    connection.close()
    assert steps["busy"] == steps["calm"] < steps["never"] + 20


def test_a_page_of_some_regions_looks_at_no_more_than_it_may_show() -> None:
    """However much befell others, elsewhere and in no region."""
    connection = sqlite3.connect(":memory:")
    connection.executescript(";".join(schema.MIGRATIONS))
    one = '{"id":"%d","kind":"enter","vehicle":"%s","region":%s,"time":%d,"received_at":0,"reason":"moved","lat":1,"lon":2}'
    here = [(one % (n, "ours", '"home"' if n % 2 else "null", n)) for n in range(1, 41)]
    connection.executemany("INSERT INTO events(body) VALUES (?)", [(text,) for text in here])
    steps: list[int] = []
    for more in (40, 2000):
        more += 1000 * len(steps)
        others = [(one % (more + n, "theirs", '"far"' if n % 2 else "null", more + n),) for n in range(1, more)]
        connection.executemany("INSERT INTO events(body) VALUES (?)", others)
        for before, regions in ((30, {"home"}), (30, {"home", "yard"}), (50_000, {"home"})):
            query = EventQuery(before=before, regions=frozenset(regions), limit=5)
            taken: list[None] = []
            connection.set_progress_handler(partial(taken.append, None), 1)
            assert len(reads.events(connection, query)) == 5
            asked = msgspec.structs.replace(query, roaming=True, before=30)
            assert [event.vehicle for event in reads.events(connection, asked)] == ["ours"] * 5
            steps.append(len(taken))
    connection.close()
    assert max(steps[3:]) <= max(steps[:3]) + 20


def test_an_event_is_read_whether_there_is_one_of_that_id_or_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """So the time it takes tells nobody that one is hidden."""
    connection = sqlite3.connect(":memory:")
    connection.executescript(";".join(schema.MIGRATIONS))
    assert reads.event(connection, "e7") is None
    some = [Event(f"e{n}", "alarm", "van", n, n, "moved", 60.0, 24.0) for n in range(200)]
    rows = [(msgspec.json.encode(one).decode(),) for one in some]
    connection.executemany("INSERT INTO events(body) VALUES (?)", rows)
    read: list[str | None] = []

    def one(*asked: Any, look: Callable[..., Any] = reads.one) -> Any:
        read.append(look(*asked))
        return read[-1]

    monkeypatch.setattr(reads, "one", one)
    assert reads.event(connection, "e7") == some[7]
    assert reads.event(connection, "e9x") is None
    assert read == [rows[7][0], rows[-1][0]]
    steps: list[None] = []
    connection.set_progress_handler(partial(steps.append, None), 1)
    assert reads.events(connection, EventQuery(vehicles=frozenset(), regions=frozenset({"a"}), roaming=True)) == []
    assert len(steps) < 30, "of no vehicle no event is looked at"
    steps.clear()
    two = EventQuery(vehicles=frozenset({"v1", "v2"}), regions=frozenset({"a"}), roaming=True)
    assert reads.events(connection, two) == []
    assert len(steps) < 200, "nor of others, whose alarms are of no region"
    connection.close()


PLACE = struct.pack("<ii", 521_234_567, 131_234_567)


async def with_somebody(store: SqliteStore) -> None:
    """In every table, and in pages that were freed since."""
    ping = Ping("van-zanzibar", T0, 52.1234567, 13.1234567, driver="Zanzibar")
    gone = Event(event_id("enter", "van-zanzibar", "depot", 1), "enter", "van-zanzibar", T0, T0, "moved", 52.1, 13.1)
    state = SavedVehicle(1, "van-zanzibar", b"Zanzibar")
    await store.commit(Commit(vehicles=[state], registered=[Registered("van-zanzibar", name="Zanzibar")]))
    for at in range(4):
        some = [StoredPing(1, msgspec.structs.replace(ping, time=T0 + 60_000 * at + i), T0) for i in range(100)]
        others = [StoredPing(2, Ping("van-2", T0 + 60_000 * at + i, 60.0, 24.0), T0) for i in range(100)]
        await store.commit(Commit(pings=some + others, vehicles=[state, SavedVehicle(2, "van-2", b"x")]))
        if at == 1:
            await store.compact(T0 + 900_000)
    await store.commit(Commit(events=[gone]))


def traces(store: SqliteStore) -> list[tuple[str, bytes]]:
    files = [file for file in store.folder.iterdir() if file.suffix != ".db-shm"]
    return [(file.name, one) for file in files for one in (b"anzibar", PLACE) if one in file.read_bytes()]


async def test_who_was_erased_is_in_no_file_when_that_is_answered(store: SqliteStore) -> None:
    await with_somebody(store)
    with closing(sqlite3.connect(store.path)) as connection:
        packed = [bytes(body)[-60:] for (body,) in connection.execute("SELECT body FROM segments WHERE n = 1")]
    assert {one for _, one in traces(store)} == {b"anzibar", PLACE}
    assert packed
    assert packed[0] in store.path.read_bytes() + store.path.with_name("tracker.db-wal").read_bytes()
    await store.commit(Commit(erased=["van-zanzibar"], unregistered=["van-zanzibar"]))
    assert traces(store) == []
    assert not any(one in file.read_bytes() for file in store.folder.iterdir() for one in packed)
    assert len(await store.track(2, 0, NEVER, None, 999)) == 400
    await store.commit(Commit(registered=[Registered("van-2", name="Zanzibar")]))
    await store.commit(Commit(unregistered=["van-2"]))
    assert traces(store) == [], "what was said of a vehicle that is removed, as well"


async def test_what_was_erased_while_somebody_reads_is_gone_once_that_ends(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "PATIENCE_MS", 5)
    await with_somebody(store)
    with closing(sqlite3.connect(store.path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM log").fetchone()
        await store.commit(Commit(erased=["van-zanzibar"], unregistered=["van-zanzibar"]))
        await store.commit(Commit(pings=pings(0, 1, 2)))
        assert traces(store)
        await store.look()
    await store.look()
    assert traces(store) == []
    await store.commit(Commit(pings=pings(1, 1, 2)))
    await store.ping()


@pytest.mark.parametrize("statement", ["PRAGMA wal_checkpoint(TRUNCATE)", "PRAGMA user_version = "])
async def test_a_cut_while_the_log_forgets_leaves_what_starts(
    store: SqliteStore, tmp_path: Path, statement: str
) -> None:
    """Whatever is there before each of the steps."""
    await with_somebody(store)
    cut = tmp_path / "cut"

    def copied(asked: str) -> None:
        if asked.startswith(statement) and not cut.exists():
            shutil.copytree(store.folder, cut)

    await store._on(store._write_thread, lambda: store._connection().set_trace_callback(copied))
    await store.commit(Commit(erased=["van-zanzibar"], unregistered=["van-zanzibar"]))
    again = SqliteStore(str(cut))
    try:
        await again.open()
    except StoreUnusable as error:
        pytest.fail(str(error))
    assert len(await again.track(2, 0, NEVER, None, 999)) == 400
    assert await again.numbers() == {"van-2": 2}
    await again.close()
