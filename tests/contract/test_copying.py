"""From one kind of store to another: everything comes over."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tracker.errors import Invalid, StoreError, StoreLocked
from tracker.model.change import Acked, Registered
from tracker.model.commit import APART, HELD, Commit, SavedRegion, SavedVehicle, StoredPing
from tracker.model.events import Event, event_id
from tracker.model.ping import Ping
from tracker.model.records import Audit, Record
from tracker.stores import (
    AuditQuery,
    EventQuery,
    Store,
    backup_store,
    copy_store,
    open_store,
    read_store,
    restore_store,
)
from tracker.stores.postgres.shared import SharedStore
from tracker.stores.sqlite.schema import APPLICATION_ID, MIGRATIONS

T0 = 1_790_000_000_000
DAY_MS = 86_400_000
NEVER = 1 << 60
KINDS = ("sqlite", "postgresql")


def fix(n: int, second: float, taken: int = 0, **more: Any) -> StoredPing:
    ping = Ping(f"van-{n}", T0 + int(second * 1000), 60.1 + second / 1e6, 24.9, **more)
    return StoredPing(n, ping, T0 + int(second * 1000) + 300, taken)


def happened(number: int) -> Event:
    time = T0 + number * 1000
    return Event(
        event_id("enter", "van-1", "depot", number), "enter", "van-1", time, time + 300, "moved", 60.1, 24.9,
        region="depot", version=1, detail={"why": {"sd_m": -14.25, "driver": "Zoë"}},
    )  # fmt: skip


async def fill(store: Store) -> None:
    """Something of everything: in segments and in the log, thinned and gone, acknowledged, erased, deleted."""
    names = [SavedVehicle(n, f"van-{n}", b"state %d" % n) for n in (1, 2, 3)]
    pings = [fix(n, second, speed_mps=1.5, driver="Ann") for second in range(50) for n in (1, 2, 3)]
    await store.commit(Commit(pings=pings, vehicles=names))
    await store.commit(Commit(pings=[fix(2, DAY_MS / 1000 + second, HELD) for second in range(30)]))
    await store.compact(T0 + 3 * DAY_MS)
    day = T0 // DAY_MS * DAY_MS
    await store.thin_day(2, day, lambda columns: columns.take(slice(0, None, 5)))
    await store.drop_days([(3, day)])
    for number in range(1, 6):
        events = await store.commit(
            Commit(events=[happened(number)], pings=[fix(1, 3 * DAY_MS / 1000 + number, APART)])
        )
        if not events[0].seq:
            await store.number_events()
    await store.commit(Commit(acked=[Acked(happened(2).id, "Ann", T0), Acked(happened(3).id, None, T0)]))
    features = [SavedRegion("depot", 1, T0, {"type": "Feature", "n": 1}), SavedRegion("depot", 2, T0 + 1, None)]
    await store.commit(Commit(regions=features, registered=[Registered("van-1", "Van één", attributes={"axles": 2})]))
    await store.commit(
        Commit(
            records=[Record("user", "ana", 1, {"name": "ana"}), Record("user", "ana", 2, None)],
            audit=[Audit(T0, "ana", "10.0.0.1", "region.save", "depot", None, {"n": [1, None]})],
            meta={"clock": "ticks"},
            pings=[fix(3, 3 * DAY_MS / 1000 + 9)],
        )
    )
    await store.note_rules(["*:30/365"], T0)
    await store.commit(Commit(erased=["van-3"], vehicles=[SavedVehicle(1, "van-1", b"newer")]))


async def told(store: Store) -> dict[str, Any]:
    """All there is to be asked."""
    loaded = await store.load()
    return {
        "vehicles": sorted(
            (one for one in loaded.vehicles if not one.vehicle.startswith("\0")),  # erased
            key=lambda one: one.n,
        ),
        "rest": (loaded.regions, loaded.registered, loaded.meta, loaded.last_seq, loaded.last_n, loaded.records),
        "events": await store.events(EventQuery()),
        "acknowledged": await store.acknowledged(0, 0, 100),
        "arrivals": [(one, vehicle) for _, one, vehicle in await store.arrivals(0, NEVER, None, 0, 10_000)],
        "tracks": [await store.track(n, 0, NEVER, None, 10_000) for n in (1, 2, 3)],
        "versions": await store.region_log((0, "", 0), 100),
        "audit": await store.audit(AuditQuery()),
        "users": await store.record_versions("user", "ana"),
        "days": sorted(await store.days()),
        "gone": await store.gone(),
        "waiting": await store.waiting(),
        "numbers": await store.numbers(),
        "rules": await store.rules_known(),
    }


@pytest.mark.parametrize("target", KINDS)
@pytest.mark.parametrize("source", KINDS)
async def test_everything_comes_over_and_work_goes_on_there(
    source: str, target: str, url_of: Callable[[str], str]
) -> None:
    first, second = url_of(source), url_of(target) + "-new"
    store = open_store(first)
    await store.open()
    await fill(store)
    expected = await told(store)
    with pytest.raises(StoreLocked):
        await in_thread(copy_store, first, second)
    await store.close()
    await in_thread(copy_store, first, second)
    copy = open_store(second)
    await copy.open()
    assert await told(copy) == expected
    again = await copy.commit(Commit(events=[happened(1), happened(9)], pings=[fix(1, 9 * DAY_MS / 1000)]))
    assert [event.id for event in again] == [happened(9).id]
    assert (again[0].seq or (await copy.number_events())[0].seq) == 6
    await copy.compact(T0 + 20 * DAY_MS)
    assert len(await copy.track(1, 0, NEVER, None, 10_000)) == len(expected["tracks"][0]) + 1
    await copy.close()
    with pytest.raises(Invalid, match=r"There is data in .* already"):
        await in_thread(copy_store, first, second)


@pytest.mark.parametrize("target", KINDS)
async def test_a_backup_of_a_store_that_runs_has_what_is_not_in_its_place_yet(
    target: str, url_of: Callable[[str], str], tmp_path: Path
) -> None:
    store = open_store(url_of("sqlite"))
    await store.open()
    await fill(store)
    await store.commit(Commit(events=[happened(7)], vehicles=[SavedVehicle(1, "van-1", b"newest")]))
    expected = await told(store)
    await store.backup(str(tmp_path / "backup.db"))
    await store.close()
    second = url_of(target) + "-new"
    await in_thread(restore_store, second, str(tmp_path / "backup.db"))
    copy = open_store(second)
    await copy.open()
    assert await told(copy) == expected
    await copy.close()


@pytest.mark.parametrize("target", KINDS)
async def test_what_is_durable_and_has_no_number_yet_gets_it_where_it_comes_to(
    target: str, url_of: Callable[[str], str]
) -> None:
    first, second = url_of("postgresql"), url_of(target) + "-new"
    store = open_store(first)
    await store.open()
    await store.commit(Commit(events=[happened(1)]))
    await store.number_events()
    await store.commit(Commit(events=[happened(3)]))
    await store.commit(Commit(events=[happened(2), happened(4)]))
    await store.close()
    await in_thread(copy_store, first, second)
    copy = open_store(second)
    await copy.open()
    told = await copy.events(EventQuery())
    await copy.close()
    assert [(event.seq, event.id) for event in told] == list(enumerate((happened(n).id for n in (1, 3, 2, 4)), 1))


async def test_what_was_there_is_kept_beside_what_is_put_back(url_of: Callable[[str], str], tmp_path: Path) -> None:
    url, backup = url_of("postgresql"), str(tmp_path / "backup.db")
    store = open_store(url)
    await store.open()
    await store.backup(backup)
    await store.commit(Commit(regions=[SavedRegion("depot", 1, T0, {"type": "Feature"})]))
    await store.close()
    for regions in (1, 0):
        kept = await asyncio.to_thread(restore_store, url, backup)
        assert kept
        before = read_store(url + kept[kept.index("-replaced") :])
        try:
            loaded = await before.open()
        except StoreError as error:
            pytest.fail(f"it is gone: {error}")
        assert len(loaded.regions) == regions
        await before.close()


async def test_what_an_older_program_wrote_comes_over(url_of: Callable[[str], str], tmp_path: Path) -> None:
    older = tmp_path / "older.db"
    with closing(sqlite3.connect(older)) as file:
        for script in MIGRATIONS[:-1]:
            file.executescript(script)
        file.executescript(f"PRAGMA user_version = {len(MIGRATIONS) - 1}; PRAGMA application_id = {APPLICATION_ID}")
        body = msgspec.json.encode(msgspec.structs.replace(happened(1), seq=1)).decode()
        file.execute("INSERT INTO events(seq, body) VALUES (1, ?)", (body,))
        file.commit()
    url = url_of("postgresql")
    await in_thread(restore_store, url, str(older))
    store = open_store(url)
    await store.open()
    assert [event.id for event in await store.events(EventQuery())] == [happened(1).id]
    await store.close()


async def test_from_where_there_is_nothing_nothing_is_copied(url_of: Callable[[str], str]) -> None:
    with pytest.raises(StoreError, match="no data"):
        await in_thread(copy_store, url_of("sqlite"), url_of("postgresql"))
    with pytest.raises(StoreError, match="no data"):
        await read_store(url_of("postgresql")).open()


async def in_thread(call: Callable[..., object], *values: str) -> None:
    await asyncio.to_thread(call, *values)


async def test_what_nodes_share_is_copied_and_put_back_once_none_lives(
    url_of: Callable[[str], str], tmp_path: Path
) -> None:
    url, back, file = url_of("postgresql"), str(tmp_path / "back"), str(tmp_path / "backup.db")
    node = SharedStore(url, "one", 8)
    await node.open()
    await node.lease_round(3_600_000, takes=[(part, 0) for part in range(8)])
    await node.commit(Commit(vehicles=[SavedVehicle(1, "van-1", b"state")], leases=dict.fromkeys(range(8), 1)))
    await asyncio.to_thread(backup_store, url, file)
    for refused in (lambda: copy_store(url, back), lambda: restore_store(url, file)):
        with pytest.raises(StoreLocked, match="Several nodes share"):
            await asyncio.to_thread(refused)
    await node.lease_round(3_600_000, leaves=True)
    await node.close()
    await asyncio.to_thread(copy_store, url, back)
    await asyncio.to_thread(restore_store, url, file)
    for place in (url, back):
        store = read_store(place)
        assert [vehicle.vehicle for vehicle in (await store.open()).vehicles] == ["van-1"]
        await store.close()
