"""Files gone, and it says so: whatever happens to the data folder, no 2xx for what a restart would not find."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.disks import mounted
from tests.support.servers import ROOT, Server
from tests.support.waiting import deadline, until_sync
from tracker.errors import StoreUnusable
from tracker.model.commit import Commit, SavedVehicle, StoredPing
from tracker.model.ping import Ping
from tracker.stores import restore_store
from tracker.stores.sqlite.store import SqliteStore

T0 = 1_790_000_000_000
NEVER = 1 << 60


def fixes(first: int, count: int = 1) -> Commit:
    moments = range(first, first + count)
    pings = [StoredPing(1, Ping("van-1", T0 + at, 60.1, 24.9, driver="x" * 200), T0 + at) for at in moments]
    return Commit(pings=pings, vehicles=[SavedVehicle(1, "van-1", b"x")])


async def stored(store: SqliteStore) -> int:
    return len(await store.track(1, 0, NEVER, None, 100_000))


async def used(folder: Path, count: int = 3) -> SqliteStore:
    """An open store with some pings in its log."""
    store = SqliteStore(str(folder))
    await store.open()
    for number in range(count):
        await store.commit(fixes(number))
    return store


def cut(store: SqliteStore) -> None:
    """End it as kill -9 does: nothing is moved, no file is deleted, the lock is free."""
    store._read_threads.shutdown()
    left = {path: path.read_bytes() for path in store.folder.iterdir() if not path.name.endswith("-shm")}
    store._gone = StoreUnusable("cut", "store_gone")  # so that it closes without a checkpoint
    store._end_connections()
    store._lock.release()
    assert {path: path.read_bytes() for path in left} == left


# ------------------------------------------------------------------------------------------------ while it runs


def other_database(folder: Path) -> Path:
    """A whole data file that is not this folder's."""
    other = folder.parent / "other.db"
    shutil.copy(ROOT / "fixtures" / "data" / "0.1.0" / "tracker.db", other)
    return other


def empty(path: Path) -> None:
    os.truncate(path, 0)


def overwrite(path: Path, source: Path) -> None:
    path.write_bytes(source.read_bytes())


def replace_by_copy(path: Path) -> None:
    path.with_name("copy").write_bytes(path.read_bytes())
    path.with_name("copy").replace(path)


ACCIDENTS: dict[str, Callable[[Path], object]] = {
    "the database deleted": lambda folder: (folder / "tracker.db").unlink(),
    "the log deleted": lambda folder: (folder / "tracker.db-wal").unlink(),
    "the log's index deleted": lambda folder: (folder / "tracker.db-shm").unlink(),
    "the lock deleted": lambda folder: (folder / "tracker.lock").unlink(),
    "the folder deleted": lambda folder: shutil.rmtree(folder),
    "the folder moved": lambda folder: folder.rename(folder.with_name("moved")),
    "the folder exchanged": lambda folder: shutil.copytree(
        folder.rename(folder.with_name("moved")), folder.with_name("data")
    ),
    "the database renamed": lambda folder: (folder / "tracker.db").rename(folder / "old.db"),
    "the log renamed": lambda folder: (folder / "tracker.db-wal").rename(folder / "old.db-wal"),
    "the database replaced": lambda folder: other_database(folder).rename(folder / "tracker.db"),
    "the log replaced": lambda folder: replace_by_copy(folder / "tracker.db-wal"),
    "the lock replaced": lambda folder: (folder / "l").write_text("1") and (folder / "l").rename(folder / "tracker.lock"),
    "the database copied over": lambda folder: overwrite(folder / "tracker.db", other_database(folder)),
    "the database emptied": lambda folder: empty(folder / "tracker.db"),
    "the log emptied": lambda folder: empty(folder / "tracker.db-wal"),
    "the log cut in half": lambda folder: os.truncate(folder / "tracker.db-wal", 20_000),
}  # fmt: skip


@pytest.mark.parametrize("accident", ACCIDENTS)
async def test_no_commit_returns_once_its_file_is_not_there(accident: str, tmp_path: Path) -> None:
    store = await used(tmp_path / "data")
    await asyncio.to_thread(ACCIDENTS[accident], tmp_path / "data")
    for number in (10, 11):
        with pytest.raises(StoreUnusable, match=r"Stop the server"):
            await store.commit(fixes(number))
    with pytest.raises(StoreUnusable, match="Nothing more is taken"):
        await store.ping()
    assert store.statistics().gone
    if not accident.endswith(("emptied", "in half")):
        assert await stored(store) in (3, 4)  # what is still open can be read
    await store.close()


@pytest.mark.parametrize("accident", ["the database deleted", "the log replaced", "the lock deleted"])
async def test_it_is_noticed_without_anybody_asking(accident: str, tmp_path: Path) -> None:
    store = await used(tmp_path / "data")
    await asyncio.to_thread(ACCIDENTS[accident], tmp_path / "data")
    assert not store.statistics().gone
    await next(job for job in store.jobs() if "look" in job.name).work(0)
    assert store.statistics().gone
    await store.close()


async def test_a_file_deleted_during_a_commit_is_noticed_before_the_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await used(tmp_path / "data")
    write = store._write

    def deleted_after_the_write(*given: object) -> object:
        events = write(*given)  # type: ignore[arg-type]
        (tmp_path / "data" / "tracker.db").unlink()
        return events

    monkeypatch.setattr(store, "_write", deleted_after_the_write)
    with pytest.raises(StoreUnusable):
        await store.commit(fixes(10))
    await store.close()


async def test_a_mount_that_goes_away_is_noticed(tmp_path: Path) -> None:
    with mounted(tmp_path / "disk", megabytes=8) as place:
        store = await used(place / "data")
        await asyncio.to_thread(subprocess.run, ["umount", "--lazy", str(place)], check=True)
        with pytest.raises(StoreUnusable, match=r"tracker\.db is gone"):
            await store.commit(fixes(10))
        await store.close()
        again = ["mount", "-t", "tmpfs", "tmpfs", str(place)]  # for `mounted` to take away
        await asyncio.to_thread(subprocess.run, again, check=True)


INNOCENT: dict[str, Callable[[Path], object]] = {
    "touched": lambda folder: (folder / "tracker.db").touch(),
    "made private": lambda folder: (folder / "tracker.db").chmod(0o600),
    "linked": lambda folder: (folder / "hard").hardlink_to(folder / "tracker.db"),
    "copied": lambda folder: shutil.copytree(folder, folder.with_name("copy")),
    "read by another program": lambda folder: _read(folder / "tracker.db"),
    "beside new files": lambda folder: (folder / "notes.txt").write_text("mine"),
}


def _read(path: Path) -> None:
    other = sqlite3.connect(path)
    other.execute("SELECT count(*) FROM log").fetchone()
    other.close()


@pytest.mark.parametrize("deed", INNOCENT)
async def test_what_does_no_harm_is_no_accident(deed: str, tmp_path: Path) -> None:
    store = await used(tmp_path / "data")
    await asyncio.to_thread(INNOCENT[deed], tmp_path / "data")
    await store.commit(fixes(10))
    await store.ping()
    await store.close()


async def test_checkpoints_and_broken_connections_are_our_own_doing(tmp_path: Path) -> None:
    store = await used(tmp_path / "data")
    for turn in range(3):
        await store.commit(fixes(1000 * (turn + 1), 900))
        await store._on(store._write_thread, lambda: store._writer.execute("PRAGMA wal_checkpoint(RESTART)").fetchall())  # type: ignore[union-attr]
        await store._on(store._write_thread, store._presence.moved)
        await store.commit(fixes(10_000 + turn))
        await store._on(store._write_thread, store._drop)
        await store.commit(fixes(20_000 + turn))
    await store.ping()
    assert await stored(store) == 3 + 3 * 902
    await store.close()


@pytest.mark.parametrize(
    "accident", ["the log deleted", "the log renamed", "the log's index deleted", "the lock deleted"]
)
async def test_what_the_open_files_still_hold_is_moved_to_safety(accident: str, tmp_path: Path) -> None:
    store = await used(tmp_path / "data")
    await asyncio.to_thread(ACCIDENTS[accident], tmp_path / "data")
    with pytest.raises(StoreUnusable, match="All that was acknowledged is in"):
        await store.commit(fixes(10))
    cut(store)
    again = SqliteStore(str(tmp_path / "data"))
    await again.open()
    assert await stored(again) == 3
    await again.close()


@pytest.mark.parametrize(
    "accident", ["the database copied over", "the log emptied", "the log cut in half", "the database emptied"]
)
async def test_a_spoilt_file_is_never_merged_with_the_log(accident: str, tmp_path: Path) -> None:
    """Neither at the stop nor at the next start: that would make a database of two halves."""
    store = await used(tmp_path / "data")
    await asyncio.to_thread(ACCIDENTS[accident], tmp_path / "data")
    before = (tmp_path / "data" / "tracker.db").read_bytes()
    with pytest.raises(StoreUnusable):
        await store.ping()
    await store.close()
    assert (tmp_path / "data" / "tracker.db").read_bytes() == before
    with pytest.raises(StoreUnusable, match="To start would lose"):
        await SqliteStore(str(tmp_path / "data")).open()
    assert (tmp_path / "data" / "tracker.db").read_bytes() == before


async def test_a_deleted_lock_lets_nobody_in(tmp_path: Path) -> None:
    store = await used(tmp_path / "data")
    (tmp_path / "data" / "tracker.lock").unlink()
    with pytest.raises(Exception, match="Another tracker"):
        await SqliteStore(str(tmp_path / "data")).open()
    await store.close()


# ---------------------------------------------------------------------------------------------------- at a start


@pytest.fixture
async def stopped(tmp_path: Path) -> Path:
    store = await used(tmp_path / "data")
    await store.backup(str(tmp_path / "backup.db"))
    await store.close()
    return tmp_path / "data"


@pytest.fixture
async def crashed(tmp_path: Path) -> Path:
    store = await used(tmp_path / "data")
    await store.backup(str(tmp_path / "backup.db"))
    cut(store)
    return tmp_path / "data"


async def starts(folder: Path, count: int, *, accept_loss: bool = False) -> None:
    store = SqliteStore(str(folder), accept_loss=accept_loss)
    await store.open()
    assert await stored(store) == count
    await store.commit(fixes(100))
    await store.close()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name != "tracker.lock")


async def refuses(folder: Path, why: str) -> None:
    there = names(folder)
    for _ in range(2):
        with pytest.raises(StoreUnusable, match=why) as refused:
            await SqliteStore(str(folder)).open()
        assert "restore" in refused.value.detail
        assert names(folder) == there


async def test_a_new_folder_starts(tmp_path: Path) -> None:
    await starts(tmp_path / "new" / "deep", 0)
    (tmp_path / "touched").mkdir()
    (tmp_path / "touched" / "tracker.db").touch()
    await starts(tmp_path / "touched", 0)


async def test_a_stopped_or_cut_off_one_starts_again(stopped: Path) -> None:
    await starts(stopped, 3)
    await starts(stopped, 4)


async def test_a_crashed_one_starts_again(crashed: Path) -> None:
    await starts(crashed, 3)


async def test_a_copy_of_a_crashed_folder_starts(crashed: Path, tmp_path: Path) -> None:
    shutil.copytree(crashed, tmp_path / "copy")
    await starts(tmp_path / "copy", 3)


async def test_a_database_copied_after_a_clean_stop_starts(stopped: Path, tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    shutil.copy(stopped / "tracker.db", tmp_path / "new")
    await starts(tmp_path / "new", 3)
    shutil.copy(tmp_path / "backup.db", stopped / "copied")
    (stopped / "copied").replace(stopped / "tracker.db")  # and over the one that was there
    await starts(stopped, 3)


async def test_a_restored_backup_starts_whatever_was_there(crashed: Path, tmp_path: Path) -> None:
    backup = str(tmp_path / "backup.db")
    restore_store(str(crashed), backup)
    await starts(crashed, 3)
    for number, spoil in enumerate(ACCIDENTS.values()):
        folder = tmp_path / f"{number}" / "data"
        store = await used(folder, 5)
        spoil(folder)
        with pytest.raises(StoreUnusable):
            await store.ping()
        cut_or_gone(store)
        restore_store(str(folder), backup)
        await starts(folder, 3)


def cut_or_gone(store: SqliteStore) -> None:
    store._read_threads.shutdown()
    store._end_connections()
    store._lock.release()


async def test_a_database_that_is_gone_is_not_begun_anew(stopped: Path) -> None:
    (stopped / "tracker.db").unlink()
    await refuses(stopped, r"tracker\.db is gone, but tracker\.lock beside it says")
    await starts(stopped, 0, accept_loss=True)
    await starts(stopped, 1)


async def test_an_empty_database_is_not_begun_anew(stopped: Path) -> None:
    empty(stopped / "tracker.db")
    await refuses(stopped, r"tracker\.db is empty")
    await starts(stopped, 0, accept_loss=True)


async def test_a_folder_of_0_1_0_whose_database_is_gone_is_not_begun_anew(stopped: Path) -> None:
    (stopped / "tracker.lock").write_text("12345")
    await starts(stopped, 3)
    (stopped / "tracker.db").unlink()
    (stopped / "tracker.lock").write_text("12345")
    await refuses(stopped, r"tracker\.db is gone")


async def test_a_log_without_its_database_is_kept(crashed: Path) -> None:
    log = (crashed / "tracker.db-wal").read_bytes()
    (crashed / "tracker.db").unlink()
    (crashed / "tracker.lock").unlink()
    await refuses(crashed, "a log without its beginning")
    await starts(crashed, 0, accept_loss=True)
    assert (crashed / "tracker-lost1.db-wal").read_bytes() == log


@pytest.mark.parametrize("how", ["gone", "empty"])
async def test_after_a_crash_the_log_is_missed(crashed: Path, how: str) -> None:
    (crashed / "tracker.db-wal").unlink() if how == "gone" else empty(crashed / "tracker.db-wal")
    await refuses(crashed, f"cut off, and tracker.db-wal, which holds what it stored last, is {how}")
    await starts(crashed, 0, accept_loss=True)


async def test_another_database_beside_the_log_of_a_crash_is_not_mixed_with_it(crashed: Path, tmp_path: Path) -> None:
    shutil.copy(tmp_path / "backup.db", crashed / "tracker.db")
    await refuses(crashed, "put here from elsewhere")
    shutil.copy(crashed / "tracker.db", crashed / "new")
    whole = sqlite3.connect(crashed / "new")
    whole.execute("PRAGMA journal_mode = WAL")
    whole.close()
    (crashed / "new").replace(crashed / "tracker.db")
    await refuses(crashed, "put here from elsewhere")
    await starts(crashed, 3, accept_loss=True)


# --------------------------------------------------------------------------------------------- the program itself


def test_a_server_says_503_refuses_to_start_and_obeys_the_flag(start_server: Callable[..., Server]) -> None:
    server = start_server()
    for number in range(5):
        assert server.ping(f"van-{number}").status == 200
    (server.data / "tracker.db").unlink()
    answers = [server.ping("late").status for _ in range(20)]
    assert answers == [503] * 20
    ready = server.get("/readyz")
    assert ready.status == 503
    assert "tracker.db is gone" in ready.json()["detail"] and "restore" in ready.json()["detail"]
    assert server.send("PUT", "/api/v1/vehicles/van-1", {"name": "A"}).status == 503
    assert server.get("/healthz").status == 200
    assert "tracker_store_gone 1" in server.get("/metrics").body.decode()
    assert server.stop() == 0
    refused = serve(server)
    assert refused.returncode == 3
    assert "tracker.db is gone" in refused.stderr and "--accept-loss" in refused.stderr
    assert "Traceback" not in refused.stderr
    server.settings["accept_loss"] = "true"
    server.start()
    assert server.ping("new").status == 200


def test_a_success_that_stores_nothing_needs_the_store_all_the_same(start_server: Callable[..., Server]) -> None:
    server = start_server()
    again = {"vehicle": "van", "time": 1_790_000_000, "lat": 60.0, "lon": 24.0}
    named = {"name": "Van"}
    for _ in range(2):
        assert server.send("POST", "/api/v1/positions", again).status == 200
        assert server.send("PUT", "/api/v1/vehicles/van", named).status == 200
    (server.data / "tracker.db").unlink()
    for _ in range(3):
        assert server.send("POST", "/api/v1/positions", again).status == 503
        assert server.send("PUT", "/api/v1/vehicles/van", named).status == 503


def serve(server: Server) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tracker", "serve", "--port", "0", "--data", str(server.data)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=deadline(30),
    )


def test_an_idle_server_stops_being_ready_by_itself(start_server: Callable[..., Server]) -> None:
    server = start_server()
    assert server.ping("van").status == 200
    server.data.rename(server.data.with_name("away"))
    until_sync(lambda: "tracker.db is gone" in server.log.read_text(), "it is in the log")
    assert server.get("/readyz").status == 503


async def test_a_folder_that_is_moved_during_a_look_took_tracker_db_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await used(tmp_path / "data")

    real = os.stat

    def stat(name: Any, **how: Any) -> os.stat_result:
        if str(name).endswith("-wal"):
            os.rename(store.folder, tmp_path / "away")
        return real(name, **how)

    monkeypatch.setattr("tracker.stores.sqlite.presence.os.stat", stat)
    fault = store._presence.fault()
    monkeypatch.undo()
    assert fault is not None and not fault.harmless
    assert fault.what.startswith(f"{tmp_path / 'data' / 'tracker.db'} is gone")
    (tmp_path / "away").rename(tmp_path / "data")
    await store.close()


def test_the_unit_does_not_start_again_what_a_person_must_look_at() -> None:
    unit = (ROOT / "packaging" / "tracker.service").read_text()
    assert f"RestartPreventExitStatus={StoreUnusable.exit_code}\n" in unit
