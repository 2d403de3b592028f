"""What every store guarantees (tracker/stores/__init__.py), checked against each engine there is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.support import lists, packing, sharing
from tracker.config import SettingsError
from tracker.errors import StoreError, StoreLocked
from tracker.model.change import Acked, Registered
from tracker.model.commit import APART, HELD, LATE, LIVE, Commit, SavedRegion, SavedVehicle, StoredPing
from tracker.model.events import Ack, Event, event_id
from tracker.model.ping import Ping
from tracker.model.records import Audit, Record
from tracker.stores import ENGINES, AuditQuery, EventQuery, Store, backup_store, open_store, read_store, restore_store

T0 = 1_790_000_000_000
NEVER = 1 << 60

#: beside those of the house: the port says all there is to say, also of one whose numbers come later
assert (ENGINES["lists"], ENGINES["held"], ENGINES["packed"]) == (lists.Lists, lists.HeldLists, packing.Packed)
assert ENGINES["shared"] == sharing.Shared


@pytest.fixture(params=ENGINES)
def url(request: pytest.FixtureRequest, url_of: Callable[[str], str]) -> str:
    return url_of(request.param)


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    store = open_store(url)
    await store.open()
    yield store
    await store.close()


def fix(n: int = 1, second: float = 0, *, received: float | None = None, taken: int = LIVE, **more: Any) -> StoredPing:
    ping = Ping(f"van-{n}", T0 + int(second * 1000), more.pop("lat", 60.1), more.pop("lon", 24.9), **more)
    return StoredPing(n, ping, T0 + int((second if received is None else received) * 1000), taken)


def happened(number: int, **more: Any) -> Event:
    fields: dict[str, Any] = {
        "kind": "enter",
        "vehicle": "van-1",
        "region": "depot",
        "time": T0 + number * 1000,
        "received_at": T0 + number * 1000 + 300,
        "reason": "moved",
        "lat": 60.123456789012345,
        "lon": 24.9,
        "version": 3,
        "detail": {"why": {"sd_m": -14.2}, "driver": "Zoë \u2028 \U0001f69a"},
    } | more
    return Event(id=event_id(fields["kind"], fields["vehicle"], fields["region"], number), **fields)


async def visible(store: Store, commit: Commit) -> list[Event]:
    """Durable, then visible: the new events with their numbers."""
    events = await store.commit(commit)
    return events if all(event.seq for event in events) else await store.number_events()


async def reopened(store: Store, url: str) -> Store:
    await store.close()
    store = open_store(url)
    await store.open()
    return store


# ---------------------------------------------------------------------------------------------------- commits


async def test_a_new_store_is_empty(url: str) -> None:
    store = open_store(url)
    loaded = await store.open()
    assert (loaded.vehicles, loaded.regions, loaded.registered, loaded.meta) == ([], [], [], {})
    assert (loaded.last_seq, loaded.last_n) == (0, 0)
    assert await store.last_seq() == 0
    assert await store.events(EventQuery()) == []
    assert await store.track(1, 0, NEVER, None, 10) == []
    await store.close()


async def test_everything_committed_is_there_after_a_restart(store: Store, url: str) -> None:
    region = {"type": "Feature", "id": "depot", "geometry": {"type": "Point", "coordinates": [24.9, 60.1]}}
    full: dict[str, Any] = {
        "ignition": False,
        "battery_pct": 81.25,
        "odometer_m": 12345678.9,
        "driver": "Ann",
        "alarm": "sos",
    }
    commit = Commit(
        pings=[
            fix(1, 0, speed_mps=12.345, heading=359.99, altitude_m=-3.21, accuracy_m=4.5, **full),
            fix(2, 0, lat=-89.9999999, lon=-179.9999999, attributes={"door": "open", "n": 1, "x": 1.5, "ok": None}),
        ],
        events=[happened(1)],
        vehicles=[SavedVehicle(1, "van-1", b"\x00\xff{'\"}"), SavedVehicle(2, "van-2", b"b")],
        regions=[SavedRegion("depot", 1, T0, region)],
        registered=[Registered("van-1", "Van één", "AB-12", "north", "van", {"axles": 2})],
        meta={"edit": "half way"},
    )
    await visible(store, commit)
    store = await reopened(store, url)
    loaded = await store.load()
    assert loaded.vehicles == commit.vehicles
    assert loaded.regions == commit.regions
    assert loaded.registered == commit.registered
    assert loaded.meta == commit.meta
    assert (loaded.last_seq, loaded.last_n) == (1, 2)
    assert await store.track(1, 0, NEVER, None, 10) == commit.pings[:1]
    assert await store.track(2, 0, NEVER, None, 10) == commit.pings[1:]
    assert await store.events(EventQuery()) == [msgspec.structs.replace(happened(1), seq=1)]
    await store.close()


async def test_what_is_apart_is_kept_and_is_no_part_of_a_track(store: Store) -> None:
    apart = fix(1, 1, lat=0.0, lon=0.0, taken=APART, alarm="sos")
    rows = [fix(1, 0), apart, fix(1, 1), fix(1, 2, taken=HELD)]
    await visible(store, Commit(pings=rows, vehicles=[SavedVehicle(1, "van-1", None)]))
    assert [row.ping.lat for row in await store.track(1, 0, NEVER, None, 10)] == [60.1, 60.1, 60.1]
    assert await store.fixes_at([(1, T0 + 1000)]) == {(1, T0 + 1000): (60.1, 24.9)}
    assert [row for row, _, _ in await store.pings_since(0, 0, 10)] == [1, 3, 4]


async def test_a_message_without_a_place_is_known_where_there_is_no_fix_of_its_time(store: Store) -> None:
    """For each time in which order they came, and how often."""
    nowhere: dict[str, Any] = {"lat": 0.0, "lon": 0.0, "taken": APART}
    rows = [
        fix(1, 1, **nowhere),
        fix(1, 1),
        fix(1, 2),
        fix(1, 2, **nowhere),
        fix(1, 3, **nowhere),
        fix(1, 3, **nowhere),
    ]
    await visible(store, Commit(pings=rows, vehicles=[SavedVehicle(1, "van-1", None)]))
    wanted = [(1, T0 + second * 1000) for second in range(5)]
    assert await store.fixes_at(wanted) == {wanted[1]: (60.1, 24.9), wanted[2]: (60.1, 24.9), wanted[3]: (0.0, 0.0)}


async def test_a_commit_that_fails_changes_nothing(store: Store) -> None:
    await visible(
        store, Commit(regions=[SavedRegion("depot", 1, T0, {"v": 1})], vehicles=[SavedVehicle(1, "van-1", b"a")])
    )
    broken = Commit(
        pings=[fix(1)],
        events=[happened(1)],
        vehicles=[SavedVehicle(1, "van-1", b"b"), SavedVehicle(2, "van-2", b"c")],
        registered=[Registered("van-1", "x")],
        regions=[SavedRegion("depot", 1, T0, {"v": 2})],  # this version exists: a fault of the caller
        meta={"k": "v"},
    )
    with pytest.raises(StoreError):
        await visible(store, broken)
    loaded = await store.load()
    assert loaded.vehicles == [SavedVehicle(1, "van-1", b"a")]
    assert loaded.regions == [SavedRegion("depot", 1, T0, {"v": 1})]
    assert (loaded.registered, loaded.meta, loaded.last_seq) == ([], {}, 0)
    assert await store.track(1, 0, NEVER, None, 10) == []
    assert [e.seq for e in await visible(store, Commit(events=[happened(1)]))] == [1]


async def test_a_vehicle_keeps_its_number_and_its_history_when_it_is_removed(store: Store) -> None:
    await visible(store, Commit(pings=[fix(7)], vehicles=[SavedVehicle(7, "van-7", b"a")]))
    await visible(store, Commit(vehicles=[SavedVehicle(7, "van-7", None)]))
    loaded = await store.load()
    assert loaded.vehicles == [SavedVehicle(7, "van-7", None)]
    assert loaded.last_n == 7
    assert len(await store.track(7, 0, NEVER, None, 10)) == 1


async def test_reload_gives_the_committed_state_of_those_it_has(store: Store) -> None:
    saved = [SavedVehicle(n, f"van-{n}", b"x" * n) for n in range(1, 5)]
    await visible(store, Commit(vehicles=saved))
    await visible(store, Commit(vehicles=[SavedVehicle(2, "van-2", b"new")]))
    found = await store.reload(["van-2", "van-4", "nobody"])
    assert sorted(found, key=lambda v: v.n) == [SavedVehicle(2, "van-2", b"new"), saved[3]]


async def test_the_register_forgets_who_is_taken_out(store: Store) -> None:
    await visible(store, Commit(registered=[Registered("a", "A"), Registered("b", "B")]))
    await visible(store, Commit(registered=[Registered("a", "A2")], unregistered=["b"]))
    assert (await store.load()).registered == [Registered("a", "A2")]


async def test_a_reader_sees_every_commit_that_returned(store: Store) -> None:
    for number in range(1, 40):
        await visible(store, Commit(events=[happened(number)], pings=[fix(1, number)]))
        assert await store.last_seq() == number
        assert len(await store.track(1, 0, NEVER, None, 1000)) == number


async def test_commits_asked_for_at_once_come_one_after_the_other(store: Store) -> None:
    made = await asyncio.gather(*(store.commit(Commit(events=[happened(n)])) for n in range(50)))
    durable = [event for events in made for event in events]
    assert [event.id for event in durable] == [happened(n).id for n in range(50)]
    numbered = durable if durable[0].seq else await store.number_events()
    assert [event.seq for event in numbered] == list(range(1, 51))


@pytest.mark.parametrize("url", [one for one in ENGINES if one != "shared"], indirect=True)
async def test_a_second_server_on_the_same_data_is_refused(store: Store, url: str) -> None:
    other = open_store(url)
    with pytest.raises(StoreLocked, match="Stop it first, or choose another"):
        await other.open()
    await other.close()
    await visible(store, Commit(events=[happened(1)]))


async def test_a_closed_store_says_so(url: str) -> None:
    store = open_store(url)
    await store.open()
    await store.close()
    for ask in (store.commit(Commit(events=[happened(1)])), store.last_seq(), store.ping()):
        with pytest.raises(StoreError, match="closed"):
            await ask


# ----------------------------------------------------------------------------------------------------- events


async def test_an_event_is_in_no_answer_before_it_has_its_number(store: Store, url: str) -> None:
    """Its ping is durable, and itself as well: who sends it again makes no second one."""
    await visible(store, Commit(events=[happened(1)]))
    van = SavedVehicle(1, "van-1", b"")
    (event,) = await store.commit(Commit(events=[happened(2)], pings=[fix(1, 2)], vehicles=[van]))
    last = 2 if event.seq else 1
    for _ in range(2):
        assert await store.last_seq() == (await store.load()).last_seq == last
        assert [one.seq for one in await store.events(EventQuery())] == list(range(1, last + 1))
        assert (await store.event(event.id) is None) == (last == 1)
        assert await store.track(1, 0, NEVER, None, 10) == [fix(1, 2)]
        assert await store.commit(Commit(events=[happened(2)])) == []
    store = await reopened(store, url)
    if await store.last_seq() == 1:
        assert [(event.seq, event.id) for event in await store.number_events()] == [(2, happened(2).id)]
    assert [(event.seq, event.id) for event in await store.events(EventQuery(after=1))] == [(2, happened(2).id)]
    with pytest.raises(TimeoutError):  # nothing is left
        await asyncio.wait_for(store.number_events(), 0.02)
    await store.close()


async def test_seq_is_gapless_over_commits_and_restarts(store: Store, url: str) -> None:
    first = await visible(store, Commit(events=[happened(1), happened(2)]))
    store = await reopened(store, url)
    second = await visible(store, Commit(events=[happened(3)]))
    assert [event.seq for event in first + second] == [1, 2, 3]
    assert await store.events(EventQuery()) == first + second
    await store.close()


async def test_an_event_is_stored_once_however_often_it_is_made(store: Store) -> None:
    await visible(store, Commit(events=[happened(1), happened(2), happened(1)]))
    again = await visible(store, Commit(events=[happened(2), happened(3), happened(1)], pings=[fix()]))
    assert [(event.seq, event.id) for event in again] == [(3, happened(3).id)]
    assert await store.last_seq() == 3
    assert len(await store.track(1, 0, NEVER, None, 10)) == 1


async def test_an_event_comes_back_as_it_was(store: Store) -> None:
    made = happened(1, delayed=True)
    stored = (await visible(store, Commit(events=[made])))[0]
    assert msgspec.structs.replace(stored, seq=0) == made
    assert await store.event(made.id) == stored
    assert await store.event("nothing") is None


async def test_an_acknowledgement_is_kept_and_can_be_taken_back(store: Store) -> None:
    event = (await visible(store, Commit(events=[happened(1)])))[0]
    await visible(store, Commit(acked=[Acked(event.id, "Ann", T0), Acked("no such event", "Ann", T0)]))
    assert await store.event(event.id) == msgspec.structs.replace(event, ack=Ack("Ann", T0))
    assert (await store.events(EventQuery()))[0].ack == Ack("Ann", T0)
    await visible(store, Commit(acked=[Acked(event.id, "Bob", T0 + 5)]))
    assert (await store.event(event.id)).ack == Ack("Bob", T0 + 5)  # type: ignore[union-attr]
    await visible(store, Commit(acked=[Acked(event.id, None, T0 + 9)]))
    assert await store.event(event.id) == event


async def forty(store: Store) -> list[Event]:
    """Two regions, three vehicles, four kinds; every tenth event is told of an hour late."""
    made = []
    for number in range(40):
        kind = ("enter", "exit", "dwell", "silent")[number % 4]
        region = None if kind == "silent" else ("depot", "yard")[number % 2]
        late = 3_600_000 if number % 10 == 9 else 0
        more = {"kind": kind, "region": region, "vehicle": f"van-{number % 3}", "time": T0 + number * 1000 - late}
        made.append(happened(number, **more))
    stored = []
    for begin in range(0, 40, 7):
        stored += await visible(store, Commit(events=made[begin : begin + 7]))
    return stored


MANY = frozenset(f"region-{n}" for n in range(200))  #: more than are looked up each by itself
QUERIES: list[tuple[dict[str, Any], Callable[[Event], bool]]] = [
    ({}, lambda _e: True),
    ({"after": 0}, lambda _e: True),
    ({"after": 11}, lambda e: e.seq > 11),
    ({"after": 40}, lambda _e: False),
    ({"after": 5, "before": 9}, lambda e: 5 < e.seq < 9),
    ({"regions": frozenset({"depot"})}, lambda e: e.region == "depot"),
    ({"regions": frozenset({"depot", "yard"})}, lambda e: e.region is not None),
    ({"regions": frozenset()}, lambda _e: False),
    ({"regions": frozenset({"depot"}), "roaming": True}, lambda e: e.region in ("depot", None)),
    (
        {"regions": frozenset(), "roaming": True, "inside": frozenset({"van-1"}), "before": 20, "after": 4},
        lambda e: e.region is None and e.vehicle == "van-1" and 4 < e.seq < 20,
    ),
    ({"regions": frozenset({"quarry"}), "roaming": True}, lambda _e: False),  # where nobody ever was
    (
        {"regions": frozenset({"depot"}) | MANY, "roaming": True, "inside": frozenset({"van-1"})},
        lambda e: e.region in ("depot", None),
    ),
    ({"regions": frozenset({"yard"}) | MANY, "kinds": frozenset({"exit"})}, lambda e: e.region == "yard"),
    ({"vehicles": frozenset({"van-2"})}, lambda e: e.vehicle == "van-2"),
    ({"kinds": frozenset({"exit", "silent"})}, lambda e: e.kind in ("exit", "silent")),
    ({"since": T0 + 10_000}, lambda e: e.time >= T0 + 10_000),
    ({"until": T0}, lambda e: e.time < T0),
    ({"since": T0 + 10_000, "until": T0 + 20_000}, lambda e: T0 + 10_000 <= e.time < T0 + 20_000),
    ({"since": T0 + 99_000_000}, lambda _e: False),
    ({"until": T0 + 20_000, "after": 3}, lambda e: e.time < T0 + 20_000 and e.seq > 3),
    (
        {"regions": frozenset({"yard"}), "vehicles": frozenset({"van-0", "van-1"}), "kinds": frozenset({"exit"})},
        lambda e: e.region == "yard" and e.vehicle != "van-2" and e.kind == "exit",
    ),
]


@pytest.mark.parametrize(("query", "matches"), QUERIES, ids=[" ".join(query) or "all" for query, _ in QUERIES])
async def test_events_are_found_by_every_filter_a_page_at_a_time(
    store: Store, query: dict[str, Any], matches: Callable[[Event], bool]
) -> None:
    expected = [event for event in await forty(store) if matches(event)]
    assert await store.events(EventQuery(**query, limit=1000)) == expected
    found: list[Event] = []
    asked = EventQuery(**query, limit=3)
    while page := await store.events(asked):
        assert len(page) <= 3
        found += page
        asked = EventQuery(**query | {"after": page[-1].seq}, limit=3)
    assert found == expected


async def test_before_alone_goes_back_from_the_newest(store: Store) -> None:
    stored = await forty(store)
    assert await store.events(EventQuery(before=20, limit=3)) == stored[18:15:-1]
    depot = [event for event in reversed(stored) if event.region == "depot" and event.seq < 20]
    assert await store.events(EventQuery(before=20, regions=frozenset({"depot"}), limit=2)) == depot[:2]
    assert await store.events(EventQuery(before=1)) == []


# ---------------------------------------------------------------------------------------------------- history


async def test_a_track_is_in_fix_order_and_half_open(store: Store) -> None:
    times = [5, 1, 9, 3, 7]
    await visible(store, Commit(vehicles=[SavedVehicle(1, "van-1", b""), SavedVehicle(2, "van-2", b"")]))
    for place, second in enumerate(times):
        await visible(store, Commit(pings=[fix(1, second, received=20 + place), fix(2, second, received=20 + place)]))
    found = await store.track(1, T0 + 1000, T0 + 9000, None, 10)
    assert [stored.ping.time - T0 for stored in found] == [1000, 3000, 5000, 7000]
    assert {stored.ping.vehicle for stored in found} == {"van-1"}


async def test_a_track_has_each_fix_once_the_first_that_came(store: Store) -> None:
    await visible(store, Commit(vehicles=[SavedVehicle(1, "van-1", b"")]))
    await visible(store, Commit(pings=[fix(1, 1, lat=10.0), fix(1, 1, lat=20.0)]))
    await visible(store, Commit(pings=[fix(1, 1, lat=30.0)]))
    assert [stored.ping.lat for stored in await store.track(1, 0, NEVER, None, 10)] == [10.0]


async def test_a_track_is_read_page_by_page(store: Store) -> None:
    await visible(store, Commit(vehicles=[SavedVehicle(1, "van-1", b"")]))
    await visible(store, Commit(pings=[fix(1, (second * 37) % 101) for second in range(101)]))
    seen: list[int] = []
    after = None
    while page := await store.track(1, T0 + 1000, T0 + 100_000, after, 7):
        assert len(page) <= 7
        seen += [stored.ping.time for stored in page]
        after = seen[-1]
    assert seen == [T0 + second * 1000 for second in range(1, 100)]


async def test_a_stored_ping_remembers_how_it_was_taken(store: Store) -> None:
    await visible(store, Commit(vehicles=[SavedVehicle(1, "van-1", b"")]))
    pings = [fix(1, 1), fix(1, 2, taken=LATE), fix(1, 3, taken=HELD, received=8)]
    await visible(store, Commit(pings=pings))
    assert await store.track(1, 0, NEVER, None, 10) == pings


async def test_known_fixes_are_told_with_their_place(store: Store) -> None:
    await visible(store, Commit(pings=[fix(1, 1, lat=1.5), fix(1, 2, lat=2.5), fix(2, 1, lat=-3.5)]))
    wanted = [(1, T0 + 1000), (2, T0 + 1000), (2, T0 + 2000), (3, T0 + 1000), (1, T0 + 1000)]
    assert await store.fixes_at(wanted) == {(1, T0 + 1000): (1.5, 24.9), (2, T0 + 1000): (-3.5, 24.9)}
    assert await store.fixes_at([]) == {}


async def test_a_long_history_with_late_and_ancient_fixes_is_found_whole(store: Store) -> None:
    """Over 100,000 pings of a fleet, one device whose clock is years off, one phone that flushes hours later."""
    ancient, flushed = 3, 4
    await visible(store, Commit(vehicles=[SavedVehicle(n, f"van-{n}", b"") for n in range(1, 6)]))
    second = 0
    for _ in range(22):
        pings = []
        for _ in range(1000):
            second += 1
            pings += [fix(n, second) for n in (1, 2, 5)]
            pings.append(fix(ancient, second - 300_000_000, received=second))
            if second % 20_000 == 0:
                pings += [fix(flushed, second - back, received=second, taken=LATE) for back in range(10_000, 0, -100)]
        await visible(store, Commit(pings=pings))
    store_sees = await store.track(1, T0 + 5_000_000, T0 + 5_003_000, None, 100)
    assert [stored.ping.time for stored in store_sees] == [T0 + 5_000_000 + ms for ms in (0, 1000, 2000)]
    seen = await store.track(ancient, T0 - 299_999_000_000, T0 - 299_998_996_000, None, 100)
    assert [stored.ping.time for stored in seen] == [T0 - 299_999_000_000 + ms for ms in (0, 1000, 2000, 3000)]
    assert len(await store.track(flushed, 0, NEVER, None, 1000)) == 100
    assert len(await store.track(5, T0 + 16_000_000, T0 + 17_500_000, None, 10_000)) == 1500
    wanted = [(1, T0 + 1000), (2, T0 + 21_999_000), (ancient, T0 - 299_990_000_000), (flushed, T0 + 10_100_000)]
    missing = [(1, T0 + 1001), (flushed, T0 + 10_100_001), (9, T0 + 1000)]
    assert set(await store.fixes_at(wanted + missing)) == set(wanted)
    rows = await store.pings_since(T0 + 21_998_000, 0, 1000)
    assert {stored.received_at for _, stored, _ in rows} == {T0 + s * 1000 for s in (21_998, 21_999, 22_000)}


async def test_pings_are_replayed_in_the_order_they_came(store: Store) -> None:
    await visible(store, Commit(vehicles=[SavedVehicle(1, "van-1", b""), SavedVehicle(2, "van-2", b"")]))
    pings = [fix(1 + number % 2, -number, received=number) for number in range(20)]
    await visible(store, Commit(pings=pings))
    found: list[tuple[int, StoredPing, str]] = []
    row = 0
    while page := await store.pings_since(T0 + 5000, row, 6):
        found += page
        row = page[-1][0]
    assert [stored for _, stored, _ in found] == pings[5:]
    assert [vehicle for _, _, vehicle in found] == [stored.ping.vehicle for stored in pings[5:]]


async def test_a_vehicles_fixes_are_told_as_columns(store: Store) -> None:
    """As `track` tells them, with the order in which they came."""
    await visible(store, Commit(vehicles=[SavedVehicle(n, f"van-{n}", b"") for n in (1, 2)]))
    full: dict[str, Any] = {"speed_mps": 1.5, "heading": 0.0, "altitude_m": -1.25, "accuracy_m": 3.0, "driver": "Zoë"}
    told = [fix(1, 9), fix(2, 3), fix(1, 3, **full), fix(1, 5, taken=APART), fix(1, 9, lat=1.0), fix(1, 6, taken=HELD)]
    await visible(store, Commit(pings=told))
    columns = await store.columns(1, 0, NEVER)
    assert columns.pings("van-1", 1) == [told[2], told[5], told[0]] == await store.track(1, 0, NEVER, None, 10)
    assert columns.row.tolist() == [3, 6, 1]
    assert (await store.columns(1, T0 + 3000, T0 + 9000)).pings("van-1", 1) == [told[2], told[5]]
    assert [len(await store.columns(n, since, NEVER)) for n, since in ((1, T0 + 9001), (3, 0))] == [0, 0]
    heard, other, nobody = await store.heard([1, 2, 3], T0 + 3000, NEVER)
    assert [one.tolist() for one in (heard.time, heard.lat)] == [
        [T0 + 9000, T0 + 3000, T0 + 9000, T0 + 6000],
        [601000000, 601000000, 10000000, 601000000],
    ], "in the order they came, what was held, and what came twice"
    assert (heard.speed.tolist(), heard.accuracy.tolist()) == ([-1, 1500, -1, -1], [-1, 300, -1, -1])
    assert (len(other.time), len(nobody.time)) == (1, 0)
    spans = [(1, 0, NEVER), (2, 0, NEVER), (1, T0 + 3000, T0 + 9000), (3, 0, NEVER)]
    for span, fixes in zip(spans, await store.fixes(spans), strict=True):
        whole = await store.columns(*span)
        for name in ("time", "lat", "lon", "speed", "accuracy", "taken"):
            assert getattr(fixes, name).tolist() == getattr(whole, name).tolist()


async def test_arrivals_are_all_that_came_as_they_came(store: Store) -> None:
    await visible(store, Commit(vehicles=[SavedVehicle(n, f"van-{n}", b"") for n in (1, 2, 3)]))
    kinds = (LIVE, LATE, HELD, APART)
    told = [fix(1 + n % 3, 100 - n, received=n, taken=kinds[n % 4], alarm="sos" if n % 5 else None) for n in range(40)]
    for begin in range(0, 40, 7):
        await visible(store, Commit(pings=told[begin : begin + 7]))
    whole = [(row, one, one.ping.vehicle) for row, one in enumerate(told, 1)]
    assert await store.arrivals(0, NEVER, None, 0, 100) == whole
    assert await store.arrivals(T0 + 5000, T0 + 20_000, None, 0, 100) == whole[5:20]
    assert await store.arrivals(T0 + 5000, T0 + 20_000, None, 8, 4) == whole[8:12]
    mine = [one for one in whole[5:20] if one[1].n in (1, 3)]
    assert await store.arrivals(T0 + 5000, T0 + 20_000, frozenset({1, 3}), 0, 100) == mine
    assert await store.arrivals(0, NEVER, frozenset(), 0, 100) == []
    fixes = (T0 + 70_000, T0 + 90_000)
    within = [one for one in whole if fixes[0] <= one[1].ping.time < fixes[1]]
    assert await store.arrivals(0, NEVER, None, 0, 100, fixes) == within
    assert await store.arrivals(0, NEVER, None, within[4][0], 3, fixes) == within[5:8]
    assert await store.arrivals(T0 + 15_000, NEVER, frozenset({1, 3}), 0, 100, fixes) == [
        one for one in within if one[1].received_at >= T0 + 15_000 and one[1].n in (1, 3)
    ]


async def test_megabytes_of_regions_are_stored_together_or_not_at_all(store: Store) -> None:
    many = [SavedRegion(f"r{n}", 1, T0, {"text": "x" * 1_500_000}) for n in range(4)]
    with pytest.raises(StoreError):
        await visible(store, Commit(regions=[*many, many[0]], meta={"edit": "1"}))  # a version is stored once
    loaded = await store.load()
    assert (loaded.regions, "edit" in loaded.meta) == ([], False)
    await visible(store, Commit(regions=many, meta={"edit": "1"}))
    loaded = await store.load()
    assert sorted(loaded.regions, key=lambda region: region.id) == many
    assert loaded.meta["edit"] == "1"


async def test_the_newest_fix_before_is_found_in_a_day_that_is_packed_behind_a_late_one(store: Store) -> None:
    day = -T0 % 86_400_000 // 1000  # seconds to the next midnight
    await visible(store, Commit(vehicles=[SavedVehicle(1, "van-1", b"")]))
    await visible(store, Commit(pings=[fix(1, day - 20, received=day - 20, lat=60.3)]))
    await store.compact(T0 + (day + 7200) * 1000)
    late = [fix(1, day - 40, received=day + 7201, taken=LATE), fix(1, day + 100, received=day + 7201)]
    await visible(store, Commit(pings=late))
    instant = T0 + (day + 50) * 1000
    [found] = [one async for one in store.tracks([[7, 1]], instant, instant + 100_000, lambda at, tracks: (at, tracks))]
    at, tracks = found
    assert (at, tracks.begins[:2].tolist(), tracks.begins[2]) == (0, [0, 0], len(tracks.time))
    times, lats = tracks.time.tolist(), tracks.lat.tolist()
    assert [(time - T0) // 1000 - day for time in times if time > instant] == [100]
    assert [(time, lat) for time, lat in zip(times, lats, strict=True) if time <= instant][-1] == (
        T0 + (day - 20) * 1000, 603_000_000
    )  # fmt: skip


async def test_who_passed_a_box_is_found_by_all_its_fixes(store: Store) -> None:
    await visible(store, Commit(vehicles=[SavedVehicle(n, f"van-{n}", b"") for n in range(1, 8)]))
    told = [
        fix(1, 10, lat=59.5, lon=24.5),  # within
        *(fix(2, 10 + lat, lat=lat, lon=24.0) for lat in (58, 61)),  # from south to north: the line may cut it
        *(fix(3, 10 + lat, lat=lat, lon=30.0) for lat in (58, 61)),  # the same in the east of it
        *(fix(4, 10 + n, lat=-40, lon=lon) for n, lon in enumerate((179.9, -179.9))),  # who knows which way round
        fix(5, 1, lat=59.5, lon=24.5),  # before
        fix(6, 12, lat=59.5, lon=24.5, taken=APART),
        fix(7, 13, lat=59.5, lon=24.5),
    ]
    await visible(store, Commit(pings=told))
    box = (24.0, 59.0, 25.0, 60.0)
    assert await store.passed(box, T0 + 5000, 100) == {1, 2, 4, 7}
    assert await store.passed(box, T0 + 5000, 2) == {1}, "only the first so many are looked at"
    assert await store.passed(box, T0 + 100_000, 100) == set()


# ---------------------------------------------------------------------------------------------------- regions


async def test_every_version_of_a_region_is_kept(store: Store) -> None:
    versions = [SavedRegion("depot", n, T0 + n, {"type": "Feature", "n": n}) for n in (1, 2)]
    versions.append(SavedRegion("depot", 3, T0 + 3, None))
    for saved in versions:
        await visible(store, Commit(regions=[saved]))
    assert await store.region_versions("depot") == versions
    told = [(saved.version, saved.updated_at, saved.feature is None) for saved in versions]
    assert await store.versions_of("depot") == told
    assert await store.versions_of("nothing") == []
    assert await store.region_version("depot", 2) == versions[1]
    assert await store.region_version("depot", 4) is None
    assert (await store.load()).regions == []
    assert await store.newest_versions(["depot", "never"]) == {"depot": 3}
    again = SavedRegion("depot", 4, T0 + 4, {"type": "Feature", "n": 4})
    await visible(store, Commit(regions=[again]))
    assert (await store.load()).regions == [again]


# --------------------------------------------------------------------------------------------- backup, restore


async def test_a_backup_made_while_work_goes_on_can_be_put_back(store: Store, url: str, tmp_path: Path) -> None:
    await visible(store, Commit(pings=[fix(1, 1)], vehicles=[SavedVehicle(1, "van-1", b"a")], events=[happened(1)]))
    copies = [str(tmp_path / "own.db"), str(tmp_path / "command.db")]
    await asyncio.gather(
        store.backup(copies[0]),
        asyncio.to_thread(backup_store, url, copies[1]),
        *(store.commit(Commit(pings=[fix(1, 100 + number)])) for number in range(20)),
    )
    await visible(store, Commit(events=[happened(2)]))
    for copy in copies:
        with pytest.raises(StoreLocked):
            restore_store(url, copy)
    await store.close()
    for copy in copies:
        kept = restore_store(url, copy)
        assert kept
        back = open_store(url)
        loaded = await back.open()
        assert (loaded.last_seq, loaded.vehicles) == (1, [SavedVehicle(1, "van-1", b"a")])
        assert (await back.track(1, 0, NEVER, None, 100))[0] == fix(1, 1)
        await visible(back, Commit(events=[happened(3)]))
        await back.close()


async def test_a_restore_signs_everybody_out_and_keeps_who_they_are(store: Store, url: str, tmp_path: Path) -> None:
    kept = [Record("user", "ada", 1, {"name": "ada"}), Record("token", "t", 1, {"id": "t"})]
    fleeting = [Record("session", "s", 1, {"id": "s"}, False), Record("link", "l", 1, {"hash": "l"}, False)]
    await visible(store, Commit(records=[*kept, *fleeting]))
    await store.backup(str(tmp_path / "copy"))
    restore_store(f"{url}-new", str(tmp_path / "copy"))
    other = open_store(f"{url}-new")
    assert sorted((one.kind, one.key) for one in (await other.open()).records) == [("token", "t"), ("user", "ada")]
    await other.close()


async def test_a_backup_can_be_put_into_an_empty_place(store: Store, url: str, tmp_path: Path) -> None:
    await visible(store, Commit(events=[happened(1)]))
    await store.backup(str(tmp_path / "copy"))
    assert restore_store(f"{url}-new", str(tmp_path / "copy")) is None
    other = open_store(f"{url}-new")
    assert (await other.open()).last_seq == 1
    await other.close()


async def test_a_store_that_is_well_says_nothing(store: Store) -> None:
    await store.ping()


# ------------------------------------------------------------------------------------- erasing, who was away


async def test_an_erased_history_is_gone_and_every_other_is_whole(store: Store, url: str) -> None:
    """Over closed blocks and what is in none yet; what comes after is found as before."""
    await visible(store, Commit(vehicles=[SavedVehicle(n, f"van-{n}", b"x") for n in (1, 2)]))
    for begin in range(0, 40_000, 4_000):
        pings = [fix(n, second) for second in range(begin, begin + 4_000, 2) for n in (1, 2)]
        await visible(store, Commit(pings=pings))
    mine, others, unseen = happened(1), happened(2, vehicle="van-2"), happened(4)
    stored = await visible(store, Commit(events=[mine, others, unseen]))
    await visible(store, Commit(acked=[Acked(mine.id, "Ann", T0)]))
    last = happened(3)
    told = await visible(store, Commit(events=[last], vehicles=[SavedVehicle(1, "van-1", None)], erased=["van-1"]))
    assert [event.seq for event in told] == [4]
    for _ in range(2):
        assert await store.number("van-1") is None
        assert await store.number("van-2") == 2
        assert await store.numbers() == {"van-2": 2}
        assert await store.track(1, 0, NEVER, None, 10) == []
        assert await store.fixes_at([(1, T0)]) == {}
        assert len(await store.track(2, 0, NEVER, None, 30_000)) == 20_000
        assert not [vehicle for _, _, vehicle in await store.pings_since(0, 0, 50_000) if vehicle != "van-2"]
        events = await store.events(EventQuery())
        assert [(event.seq, event.id, event.time) for event in events] == [
            (1, mine.id, mine.time), (2, others.id, others.time), (3, unseen.id, unseen.time), (4, last.id, last.time)
        ]  # fmt: skip
        assert events[1] == stored[1]
        assert [event.kind for event in events] == ["erased", "enter", "erased", "erased"]
        gone = [event for event in events if event.kind == "erased"]
        assert all(event.vehicle == "" and event.region is None and event.ack is None for event in gone)
        assert not events[0].detail
        assert await store.acknowledged(0, 0, 10) == []
        store = await reopened(store, url)
    assert (await store.load()).last_n == 2  # a number is never given again
    assert await visible(store, Commit(events=[mine])) == []
    await visible(store, Commit(vehicles=[SavedVehicle(3, "van-1", b"y")], pings=[fix(3, 1), fix(2, 50_000)]))
    assert await store.number("van-1") == 3
    assert len(await store.track(3, 0, NEVER, None, 10)) == 1
    assert len(await store.track(2, T0 + 50_000_000, NEVER, None, 10)) == 1
    await store.close()


async def test_what_was_acknowledged_or_taken_back_is_told_to_who_was_away(store: Store) -> None:
    made = await visible(store, Commit(events=[happened(n) for n in range(1, 6)]))
    ids = [event.id for event in made]
    await visible(store, Commit(acked=[Acked(ids[0], "Ann", T0 + 10), Acked(ids[1], "Ann", T0 + 20)]))
    await visible(store, Commit(acked=[Acked(ids[0], None, T0 + 30), Acked(ids[4], "Bob", T0 + 40)]))
    found = await store.acknowledged(T0 + 20, 0, 10)
    assert [ack for ack, _ in found] == [
        Acked(ids[0], None, T0 + 30), Acked(ids[1], "Ann", T0 + 20), Acked(ids[4], "Bob", T0 + 40)
    ]  # fmt: skip
    assert [event.seq for _, event in found] == [1, 2, 5]
    assert [event.seq for _, event in await store.acknowledged(T0 + 20, 1, 1)] == [2]
    assert await store.acknowledged(T0 + 41, 0, 10) == []


async def test_a_log_says_where_it_begins(store: Store) -> None:
    assert await store.first_seq() == 1
    await visible(store, Commit(events=[happened(1), happened(2)]))
    assert await store.first_seq() == 1


def test_a_store_nobody_speaks_is_named_with_those_there_are() -> None:
    with pytest.raises(SettingsError, match=r"no store speaks oracle: .*; there is sqlite:"):
        open_store("oracle://host/fleet")


def test_a_bare_path_is_the_embedded_store(tmp_path: Path) -> None:
    assert type(open_store(str(tmp_path))) is type(open_store(f"sqlite:{tmp_path}"))


async def test_a_store_in_use_is_read_by_others_who_see_every_commit_and_change_nothing(store: Store, url: str) -> None:
    await visible(store, Commit(pings=[fix(1, 0)], vehicles=[SavedVehicle(1, "van-1", b"a")], meta={"clock": "ticks"}))
    reader = read_store(url)
    assert (await reader.open()).meta == {"clock": "ticks"}
    await visible(store, Commit(pings=[fix(1, 5, taken=HELD)], events=[happened(1)]))
    assert [one.ping.time - T0 for _, one, _ in await reader.arrivals(0, NEVER, None, 0, 10)] == [0, 5000]
    assert [event.seq for event in await reader.events(EventQuery())] == [1]
    with pytest.raises(AssertionError, match="read only"):
        await reader.commit(Commit(pings=[fix(1, 9)]))
    await reader.close()
    await visible(store, Commit(pings=[fix(1, 9)]))


async def test_where_no_store_is_there_is_nothing_to_read(url: str, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"no data"):
        await read_store(url + "-nobody").open()
    assert not list(tmp_path.iterdir())  # noqa: ASYNC240


async def test_every_version_of_every_region_is_told_in_the_order_it_came_into_force(store: Store) -> None:
    def version(id: str, number: int, at: int, gone: bool = False) -> SavedRegion:
        return SavedRegion(id, number, T0 + at, None if gone else {"type": "Feature", "id": id, "n": number})

    first = [version("yard", 1, 10), version("depot", 1, 10)]
    await store.commit(Commit(regions=first))
    await store.commit(Commit(regions=[version("depot", 2, 30, gone=True)]))
    await store.commit(Commit(regions=[version("yard", 2, 20)]))
    told = await store.region_log((0, "", 0), 10)
    assert told == [
        version("depot", 1, 10),
        version("yard", 1, 10),
        version("yard", 2, 20),
        version("depot", 2, 30, True),
    ]
    assert await store.region_log((T0 + 10, "depot", 1), 2) == told[1:3]
    assert await store.region_log((T0 + 30, "depot", 2), 2) == []


async def test_the_versions_of_regions_in_force_at_some_moment_are_told_with_their_ends(store: Store) -> None:
    async def then(since: int, until: int, ids: list[str] | None = None, limit: int = 10) -> list[Any]:
        told = await store.regions_then(T0 + since, T0 + until, ids, ("", 0), limit)
        return [(one.id, one.version, one.updated_at - T0, ended and ended - T0) for one, ended in told]

    def version(id: str, number: int, at: int, is_deleted: bool = False) -> SavedRegion:
        return SavedRegion(id, number, T0 + at, None if is_deleted else {"v": number})

    for one in (
        version("depot", 1, 10), version("depot", 2, 20), version("depot", 3, 30, True), version("depot", 4, 40),
        version("yard", 1, 15),
    ):  # fmt: skip
        await store.commit(Commit(regions=[one]))
    first, second, fourth, yard = (
        ("depot", 1, 10, 20),
        ("depot", 2, 20, 30),
        ("depot", 4, 40, None),
        ("yard", 1, 15, None),
    )
    assert await then(0, 100) == [first, second, fourth, yard]
    assert await then(0, 10) == []
    assert await then(19, 20) == [first, yard]
    assert await then(20, 21) == [second, yard]
    assert await then(30, 40) == [yard], "deleted, and drawn anew later"
    assert await then(0, 100, ["yard", "never"]) == [yard]
    assert await then(0, 100, []) == []
    assert await then(0, 100, None, 2) == [first, second]
    [(one, _), *_] = await store.regions_then(T0, T0 + 100, None, ("depot", 1), 1)
    assert (one.version, one.feature) == (2, {"v": 2})


# ------------------------------------------------------------------------------------- records, and what was changed


async def test_the_newest_version_of_a_record_is_there_after_a_start(store: Store, url: str) -> None:
    await store.commit(Commit(records=[Record("user", "ana", 1, {"role": "viewer"}), Record("user", "ben", 1, {})]))
    await store.commit(Commit(records=[Record("user", "ana", 2, {"role": "Zoë"}), Record("user", "ben", 2, None)]))
    store = await reopened(store, url)
    kept = (await store.load()).records
    assert sorted(kept, key=lambda one: one.key) == [
        Record("user", "ana", 2, {"role": "Zoë"}),
        Record("user", "ben", 2, None),
    ]
    assert [(one.version, one.body) for one in await store.record_versions("user", "ben")] == [(1, {}), (2, None)]
    assert await store.record_versions("group", "ben") == []
    await store.close()


async def test_a_record_that_is_not_lasting_keeps_no_earlier_version(store: Store) -> None:
    for version, body in ((1, {"seen_at": 1}), (2, {"seen_at": 2})):
        await store.commit(Commit(records=[Record("session", "s", version, body, lasting=False)]))
    assert await store.record_versions("session", "s") == [Record("session", "s", 2, {"seen_at": 2})]
    await store.commit(Commit(records=[Record("session", "s", 3, None, lasting=False)]))
    assert (await store.record_versions("session", "s"), (await store.load()).records) == ([], [])


async def test_a_version_of_a_record_is_stored_once(store: Store) -> None:
    await store.commit(Commit(records=[Record("user", "ana", 1, {})]))
    with pytest.raises(StoreError):
        await store.commit(Commit(records=[Record("user", "ana", 1, {"role": "administrator"})], meta={"x": "y"}))
    loaded = await store.load()
    assert (loaded.records, loaded.meta) == ([Record("user", "ana", 1, {})], {})


async def test_what_was_changed_is_found_by_who_what_and_when_the_newest_first(store: Store) -> None:
    entries = [
        Audit(T0 + n, who, "10.0.0.1", what, "depot", None if n else {}, {"name": "Zoë", "n": [1, None]})
        for n, (who, what) in enumerate((("ana", "region.save"), ("ben", "region.save"), ("ana", "region.delete")))
    ]
    await store.commit(Commit(audit=entries[:2]))
    await store.commit(Commit(audit=entries[2:]))
    kept = [msgspec.structs.replace(one, seq=seq) for seq, one in enumerate(entries, 1)]
    assert await store.audit(AuditQuery()) == kept[::-1]
    assert await store.audit(AuditQuery(who="ana")) == [kept[2], kept[0]]
    assert await store.audit(AuditQuery(what="region.save", limit=1)) == [kept[1]]
    assert await store.audit(AuditQuery(since=T0 + 1, until=T0 + 2)) == [kept[1]]
    assert await store.audit(AuditQuery(before=2)) == [kept[0]]


# -------------------------------------------------------------------------------------------- packing, keeping

DAY_MS = 86_400_000
DAY0 = T0 // DAY_MS * DAY_MS
LATER = T0 + 2 * DAY_MS


def thinned(store: Store, n: int = 1, day: int = DAY0) -> Any:
    return store.thin_day(n, day, lambda columns: columns.take(columns.row % 3 == 1))


async def two_days(store: Store) -> None:
    """Of van-1: 6 pings on the first day, 4 on the next; of van-2: 3 on the first."""
    pings = [fix(1, at) for at in range(6)] + [fix(2, at) for at in range(3)]
    pings += [fix(1, DAY_MS / 1000 + at) for at in range(4)]
    await store.commit(Commit(pings=pings, vehicles=[SavedVehicle(n, f"van-{n}", b"s") for n in (1, 2)]))


def counts(days: list[Any]) -> set[tuple[str, int, int, bool]]:
    return {(one.vehicle, (one.day - DAY0) // DAY_MS, one.pings, one.is_thinned) for one in days}


async def test_what_is_packed_is_told_by_vehicle_and_day(store: Store) -> None:
    await two_days(store)
    assert sum(one.pings for one in await store.days()) + await store.waiting() == 13
    await store.compact(LATER)
    days = await store.days()
    assert counts(days) == {("van-1", 0, 6, False), ("van-1", 1, 4, False), ("van-2", 0, 3, False)}
    assert all(one.bytes > 0 for one in days)
    assert await store.waiting() == 0 and await store.gone() == {}


async def test_of_a_thinned_day_what_stays_is_there_and_the_rest_is_counted(store: Store, url: str) -> None:
    await two_days(store)
    await store.compact(LATER)
    assert await thinned(store) == 4
    store = await reopened(store, url)
    assert counts(await store.days()) == {("van-1", 0, 2, True), ("van-1", 1, 4, False), ("van-2", 0, 3, False)}
    assert await store.gone() == {DAY0: 4}
    assert [one.ping.time for one in await store.track(1, 0, NEVER, None, 99)][:3] == [T0, T0 + 3000, T0 + DAY_MS]
    assert [row for row, _, _ in await store.arrivals(0, NEVER, None, 0, 99)] == [1, 4, 7, 8, 9, 10, 11, 12, 13]
    await store.close()


async def test_of_a_day_that_went_nothing_is_there_but_how_much_it_was(store: Store) -> None:
    await two_days(store)
    await store.compact(LATER)
    await thinned(store)
    assert await store.drop_days([(1, DAY0), (2, DAY0)]) == 5
    assert counts(await store.days()) == {("van-1", 1, 4, False)}
    assert await store.gone() == {DAY0: 9}
    assert len(await store.columns(1, 0, DAY0 + DAY_MS)) == len(await store.columns(2, 0, NEVER)) == 0
    assert len(await store.columns(1, 0, NEVER)) == 4
    await store.commit(Commit(pings=[fix(1, 2 * DAY_MS / 1000)]))
    assert [row for row, _, _ in await store.arrivals(0, NEVER, None, 0, 99)][-1] == 14, "rows are given once"


async def test_what_comes_late_for_a_thinned_day_is_kept_whole(store: Store) -> None:
    await two_days(store)
    await store.compact(LATER)
    await thinned(store)
    await store.commit(Commit(pings=[fix(1, at + 0.5, received=2 * DAY_MS / 1000) for at in range(5)]))
    await store.compact(LATER + DAY_MS)
    assert ("van-1", 0, 7, True) in counts(await store.days())


async def test_who_is_erased_is_counted_no_more_by_vehicle(store: Store) -> None:
    await two_days(store)
    await store.compact(LATER)
    await thinned(store)
    await store.commit(Commit(erased=["van-1"]))
    assert counts(await store.days()) == {("van-2", 0, 3, False)}
    assert (await store.gone())[DAY0] >= 4


async def test_rules_of_retention_are_known_with_since_when_they_hold(store: Store, url: str) -> None:
    assert await store.rules_known() == ([], 0)
    await store.note_rules(["*:30"], T0)
    store = await reopened(store, url)
    assert await store.rules_known() == (["*:30"], T0)
    await store.note_rules(["*:31", "vans:7"], T0 + 7)
    assert await store.rules_known() == (["*:31", "vans:7"], T0 + 7)
    await store.close()
