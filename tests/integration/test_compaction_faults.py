"""Commits and compaction cut off at every write and sync: what was acknowledged is there, once, and goes on."""

from __future__ import annotations

import asyncio
import resource
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.lists import PLACES, ListStore
from tests.support.power import Moment, followed
from tests.support.servers import ROOT
from tracker.errors import StoreFull
from tracker.model.commit import APART, HELD, LATE, LIVE, Commit, SavedVehicle, StoredPing
from tracker.model.events import Event, event_id
from tracker.model.ping import Ping
from tracker.stores import EventQuery, Store
from tracker.stores.sqlite import schema, store
from tracker.stores.sqlite.files import FILE
from tracker.stores.sqlite.past import compaction
from tracker.stores.sqlite.store import SqliteStore

T0 = 1_790_000_000_000
QUARTER = 900_000
EVER = 1 << 60
LATER = 1 << 42
VEHICLES = 4
COMMITS = 6
SMALL = {"SLICE": 30, "PIECE": 4, "DROPPED": 32, "FREED": 2, "KEPT": 0}


def commit(number: int) -> Commit:
    """A quarter of an hour; late ones of the day before, one of each kind; a vehicle is forgotten on the way."""
    at = T0 + number * QUARTER
    pings = [fix(n, at + second * 1000, at + second * 1000) for second in range(5) for n in range(1, VEHICLES + 1)]
    pings += [fix(1, at - 86_400_000, at + 9, taken) for taken in (LATE, HELD, APART)]
    key = event_id("enter", "van-1", "depot", number)
    event = Event(
        id=key, kind="enter", vehicle="van-1", region="depot", time=at, received_at=at, reason="moved", lat=60.0, lon=24.9,
        version=1, detail={},
    )  # fmt: skip
    return Commit(pings=pings, events=[event], erased=["van-4"] if number == 3 else [])


def fix(n: int, time: int, received: int, taken: int = LIVE) -> StoredPing:
    lat = round(60 + time % 977 / 1e3, 7)
    return StoredPing(n, Ping(f"van-{n}", time, lat, 24.9, driver="Zoë" if n == 2 else None), received, taken)


def commits() -> Iterator[Commit]:
    yield Commit(vehicles=[SavedVehicle(n, f"van-{n}", b"") for n in range(1, VEHICLES + 1)])
    for number in range(COMMITS):
        one = commit(number)
        if number >= 3:
            one.pings = [ping for ping in one.pings if ping.n != 4]
        yield one


async def told(store: Store) -> list[Any]:
    """All there is to say of what was stored."""
    tracks = [await store.track(n, 0, EVER, None, 10_000) for n in range(1, VEHICLES + 1)]
    return [await store.arrivals(0, EVER, None, 0, 10_000), tracks, await store.events(EventQuery())]


async def expected() -> list[list[Any]]:
    """After each commit, by one that never compacts."""
    PLACES.pop("lists:faults", None)
    plain = ListStore("lists:faults")
    await plain.open()
    found = []
    for one in commits():
        await plain.commit(one)
        found.append(await told(plain))
    await plain.close()
    return found


async def run(folder: Path, begun: Path) -> None:
    """What is followed: it ends without a close."""
    kept = SqliteStore(str(folder))
    await kept.open()
    for number, one in enumerate(commits()):
        await kept.commit(one)
        if number == 0:
            shutil.copytree(folder, begun)
            print("begin", flush=True)
            continue
        print("stored", flush=True)
        if number % 2 == 0:
            await kept.compact(T0 + (number - 1) * QUARTER)
    await kept.compact(LATER)
    print("done", flush=True)


def child(folder: str, begun: str) -> None:
    import os

    small()
    asyncio.run(run(Path(folder), Path(begun)))
    os._exit(0)


def small() -> None:
    """Everything a little at a time, and the log moved into the file again and again."""
    for name, value in SMALL.items():
        setattr(compaction, name, value)
    store.CHECKPOINT_BYTES, store.TIDY_AFTER = 1 << 15, 4


def images(moment: Moment, number: int) -> dict[str, dict[str, bytes]]:
    """By what happened. What a power cut leaves at a write, it leaves at the next sync as well."""
    if "sync" in moment.call:
        return {"killed": moment.killed(), "cut off": moment.cut_off(), "torn": moment.torn(number)}
    return {"killed": moment.killed()} if number % 2 else {"torn": moment.torn(number)}


async def looks_right(folder: Path, acknowledged: int, after: list[list[Any]], where: str) -> None:
    kept = SqliteStore(str(folder))
    await kept.open()
    found = await told(kept)
    assert found in (after[acknowledged], after[min(acknowledged + 1, COMMITS)]), where
    await kept.compact(LATER)
    assert await told(kept) == found, f"{where}, then compacted"
    await kept.close()


async def test_a_cut_at_any_write_or_sync_loses_and_doubles_nothing(
    tmp_path: Path, strace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    after = await expected()
    folder, begun = tmp_path / "data", tmp_path / "begun"
    script = f"from tests.integration.test_compaction_faults import child; child({str(folder)!r}, {str(begun)!r})"
    program = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); {script}"]
    monkeypatch.setattr(schema, "SYNCHRONOUS", "OFF")  # of those that look: it is the one that is followed that matters
    seen, tried = set(), set()
    for number, moment in enumerate(followed(strace, program, folder, tmp_path / "trace", begun)):
        acknowledged = moment.said.count("stored")
        for how, image in images(moment, number).items():
            seen.add((how, moment.call, moment.name))
            if (key := hash((acknowledged, *sorted(image.items())))) in tried:
                continue
            tried.add(key)
            there = tmp_path / "image"
            there.mkdir()
            for name, data in image.items():
                (there / name).write_bytes(data)
            await looks_right(there, acknowledged, after, f"{how} before {moment.call} {number} of {moment.name}")
            shutil.rmtree(there)
    assert {("cut off", "fdatasync", f"{FILE}{end}") for end in ("", "-wal")} <= seen
    assert len(tried) > 100


@contextmanager
def files_of(size: int) -> Iterator[None]:
    """No file may become longer: as on a disk that is full, but for this process alone."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_a_disk_that_is_full_at_any_write_keeps_all_and_goes_on_when_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "SYNCHRONOUS", "OFF")
    for name, value in SMALL.items():
        monkeypatch.setattr(compaction, name, value)
    kept = SqliteStore(str(tmp_path / "data"))
    await kept.open()
    for one in commits():
        await kept.commit(one)
    before = await told(kept)
    size = max(file.stat().st_size for file in kept.folder.iterdir())
    for refused in range(1000):
        with files_of(size + 2 * 4096 * refused):
            try:
                await kept.compact(LATER)
                break
            except StoreFull:
                pass
        assert await told(kept) == before, f"no room for {2 * refused} pages more"
    assert refused > 10
    assert await told(kept) == before == (await expected())[-1]
    await kept.ping()
    await kept.close()


async def opened_and_closed(folder: Path, begun: Path) -> None:
    """A folder of 0.1.0 is brought up to date, written anew, used and left."""
    shutil.copytree(folder, begun)
    print("begin", flush=True)
    kept = SqliteStore(str(folder))
    await kept.open()
    print("opened", flush=True)
    await kept.commit(Commit(pings=[fix(1, T0, T0)]))
    print("stored", flush=True)
    await kept.close()
    print("done", flush=True)


async def all_there_is(kept: SqliteStore) -> list[Any]:
    return [
        await kept.arrivals(0, EVER, None, 0, 10_000),
        await kept.events(EventQuery(limit=9999)),
        await kept.numbers(),
    ]


def version_of(file: Path, beside: Path) -> int:
    """With what is in its log, which is left alone."""
    log = file.with_name(f"{file.name}-wal")
    for one in (file, log):
        if one.exists():
            shutil.copy(one, beside)
    with closing(sqlite3.connect(beside / file.name)) as connection:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
    for one in (file, log):
        (beside / one.name).unlink(missing_ok=True)
    return int(version)


async def test_a_cut_while_an_old_folder_is_opened_and_left_loses_nothing(
    tmp_path: Path, strace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, begun, there = tmp_path / "data", tmp_path / "begun", tmp_path / "image"
    shutil.copytree(ROOT / "fixtures" / "data" / "0.1.0", folder)
    steps = "asyncio.run(opened_and_closed(Path(sys.argv[1]), Path(sys.argv[2])))"
    script = f"import asyncio; from tests.integration.test_compaction_faults import *; {steps}"
    lines = f"import sys; sys.path.insert(0, {str(ROOT)!r}); {script}"
    monkeypatch.setattr(schema, "SYNCHRONOUS", "OFF")
    before: list[Any] | None = None
    seen, tried, copies = set(), set(), 0
    program = [sys.executable, "-c", lines, str(folder), str(begun)]
    for number, moment in enumerate(followed(strace, program, folder, tmp_path / "trace", begun)):
        if before is None:
            shutil.copytree(begun, there)
            old = SqliteStore(str(there))
            await old.open()
            before = await all_there_is(old)
            await old.close()
            shutil.rmtree(there)
        for how, image in images(moment, number).items():
            seen.add((how, moment.name))
            if (key := hash((*sorted(image.items()), *moment.said))) in tried:
                continue
            tried.add(key)
            there.mkdir()
            for name, data in image.items():
                (there / name).write_bytes(data)
            where = f"{how} before {moment.call} {number} of {moment.name}"
            if version_of(there / FILE, tmp_path) > 1:
                copies += 1
                (there / "tracker-schema1.db-journal").unlink(missing_ok=True)  # gone, which is not followed
                with closing(sqlite3.connect(there / "tracker-schema1.db")) as copy:
                    assert copy.execute("PRAGMA quick_check").fetchone() == ("ok",), where
                    assert copy.execute("SELECT count(*) FROM hot").fetchone() == (len(before[0]),), where
            kept = SqliteStore(str(there))
            await kept.open()
            arrived, events, numbers = await all_there_is(kept)
            assert (arrived[: len(before[0])], events, numbers) == tuple(before), where
            assert len(arrived) - len(before[0]) >= ("stored" in moment.said), where
            if len(tried) % 4 == 0:
                await kept.compact(LATER)
                assert (await all_there_is(kept))[0] == arrived, f"{where}, then compacted"
            await kept.close()
            shutil.rmtree(there)
    assert {("cut off", name) for name in (FILE, f"{FILE}-wal", "tracker-schema1.db", "tracker.lock")} <= seen
    assert len(tried) > 20
    assert copies > 10


async def test_an_old_folder_that_has_no_room_at_any_step_is_opened_once_there_is_some(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there is none for the file to be written anew, it is opened as it is."""
    monkeypatch.setattr(schema, "SYNCHRONOUS", "OFF")
    folder = tmp_path / "data"
    outcomes: list[str] = []
    before: list[Any] | None = None
    for more in range(0, 1 << 20, 24 << 10):
        shutil.copytree(ROOT / "fixtures" / "data" / "0.1.0", folder)
        for limit in (more, 1 << 30):
            kept = SqliteStore(str(folder))
            with files_of((40 << 10) + limit):
                try:
                    await kept.open()
                except StoreFull:
                    outcomes.append("refused")
                    continue
            found = await all_there_is(kept)
            before = before or found
            assert found == before
            vacuum = await kept._read(lambda file: file.execute("PRAGMA auto_vacuum").fetchone()[0])
            outcomes.append({0: "as it is", 2: "anew"}[vacuum])
            await kept.close()
            break
        shutil.rmtree(folder)
        if outcomes[-2:] == ["anew", "anew"]:
            break
    assert [outcomes[0], outcomes[-1]] == ["refused", "anew"]
    assert "as it is" in outcomes
