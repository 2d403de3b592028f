"""The order of things: apply, commit, publish, answer; and what happens when a commit fails."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from tests.support.waiting import deadline, until
from tracker.buses import open_bus
from tracker.errors import Conflict, Invalid, NotFound, Overloaded, StoreError, StoreFull, StoreUnusable
from tracker.fleet.fleet import ENOUGH, Fleet, FleetSettings, Step, settings_kept
from tracker.model.change import Change, Registered
from tracker.model.commit import Commit, Loaded, SavedVehicle
from tracker.model.events import Event
from tracker.model.picture import Picture
from tracker.model.ping import Ping
from tracker.model.records import Actor, Audit, Record
from tracker.nodes.interest import ALL
from tracker.pipeline.entries.batch import Answer
from tracker.pipeline.entries.inbox import Own
from tracker.pipeline.intake import WITH_IT
from tracker.pipeline.pipeline import Pipeline
from tracker.regions.importing import read_regions
from tracker.regions.region import Region
from tracker.stores import AuditQuery, EventQuery
from tracker.stores.sqlite.store import SqliteStore

T0 = 1_790_000_000_000
RULES = {"dwell_s": 30}
EVERYTHING = EventQuery(limit=10_000)


class Clock:
    def __init__(self) -> None:
        self.now = T0

    def __call__(self) -> int:
        return self.now


class Store(SqliteStore):
    """A store that can be slow, or fail on command."""

    def __init__(self) -> None:
        super().__init__("sqlite://:memory:")
        self.error: StoreError | None = None
        self.spared = 0  # commits that succeed before `error` strikes
        self.unreadable: StoreError | None = None
        self.gate = asyncio.Event()
        self.gate.set()
        self.commits: list[Commit] = []

    async def commit(self, commit: Commit) -> list[Event]:
        await self.gate.wait()
        if self.error and not self.spared:
            raise self.error
        self.spared = max(0, self.spared - 1)
        self.commits.append(commit)
        return await super().commit(commit)

    async def reload(self, vehicles: list[str]) -> list[SavedVehicle]:
        if self.unreadable:
            raise self.unreadable
        return await super().reload(vehicles)

    async def load(self) -> Loaded:
        if self.unreadable:
            raise self.unreadable
        return await super().load()


class Node:
    """A pipeline and everything around it."""

    def __init__(self, **more: Any) -> None:
        self.clock, self.store, self.picture, self.fleet = Clock(), Store(), Picture(), Fleet()
        self.told: list[Change] = []
        self.pipeline = Pipeline(
            self.fleet, self.store, open_bus("memory:"), self.picture, clock=self.clock, on_change=self.hear, **more
        )

    def hear(self, change: Change) -> None:
        self.told.append(change)
        self.picture.apply(change)

    async def stored(self, vehicle: str = "van") -> list[int]:
        """Seconds after T0 of a vehicle's stored fixes."""
        n = self.fleet.vehicles[vehicle].n
        return [(fix.ping.time - T0) // 1000 for fix in await self.store.track(n, 0, 1 << 60, None, 10_000)]

    async def kinds(self) -> list[str]:
        return [event.kind for event in await self.store.events(EVERYTHING)]


@pytest.fixture
async def node(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Node]:
    monkeypatch.setattr("tracker.pipeline.intake.PAUSE_S", 0.02)
    node = Node()
    await node.pipeline.start()
    yield node
    node.store.error = node.store.unreadable = None
    node.store.gate.set()
    await node.pipeline.stop()


def ping(second: float = 0, vehicle: str = "van", lat: float = 60.0, lon: float = 25.0) -> Ping:
    return Ping(vehicle, T0 + int(second * 1000), lat, lon)


def depot(id: str = "depot", radius_m: float = 500, lat: float = 60.0, **properties: Any) -> dict[str, Any]:
    place = {"type": "Point", "coordinates": [25.0, lat]}
    return {"type": "Feature", "id": id, "geometry": place, "properties": {"radius_m": radius_m, **properties}}


async def running(*tasks: Any) -> list[asyncio.Task[Any]]:
    """Start them, and let each go as far as it can."""
    started = [asyncio.ensure_future(task) for task in tasks]
    for _ in range(5):
        await asyncio.sleep(0)
    return started


# ------------------------------------------------------------------------------------------------- the good way


async def test_what_was_answered_can_be_read(node: Node) -> None:
    assert await node.pipeline.submit([ping(1)]) == Answer(accepted=1)
    assert node.picture.vehicles["van"].ping == ping(1)
    assert await node.stored() == [1]


async def test_a_node_alone_has_heard_of_everything_there_is(node: Node) -> None:
    assert node.pipeline.hears(ALL)
    await node.pipeline.hear_of(ALL, once=True)
    node.pipeline.on_look(list, lambda _cells: ())()


async def test_nothing_is_answered_or_told_before_the_commit(node: Node) -> None:
    node.store.gate.clear()
    (task,) = await running(node.pipeline.submit([ping(1)]))
    assert not task.done()
    assert node.told == []
    node.store.gate.set()
    assert await task == Answer(accepted=1)
    assert [state.ping for change in node.told for state in change.moved] == [ping(1)]


async def test_what_arrives_during_a_commit_goes_into_the_next_one_together(node: Node) -> None:
    node.store.gate.clear()
    tasks = await running(*(node.pipeline.submit([ping(n, f"van-{n}")]) for n in range(20)))
    node.store.gate.set()
    assert await asyncio.gather(*tasks) == [Answer(accepted=1)] * 20
    sizes = [len(commit.pings) for commit in node.store.commits if commit.pings]
    assert sum(sizes) == 20
    assert len(sizes) <= 2


async def test_every_ping_is_counted_as_what_it_was(node: Node) -> None:
    await node.pipeline.submit([ping(10), ping(20)])
    pings = [ping(10), ping(20, lat=60.00001), ping(15), ping(30), ping(31, lat=61.0)]
    answer = await node.pipeline.submit(pings)
    assert answer == Answer(accepted=3, late=1, held=1, duplicates=2, conflicts=1)
    assert await node.stored() == [10, 15, 20, 30, 31]
    assert await node.pipeline.submit([]) == Answer()


async def test_a_request_of_any_size_is_taken_in_fix_order(node: Node) -> None:
    """Backwards, several commits long: nothing is late, since nothing newer was there before the request."""
    pings = [ping(second, lat=60 + second * 1e-6) for second in range(6000, 0, -1)]
    assert await node.pipeline.submit(pings) == Answer(accepted=6000)
    assert await node.stored() == list(range(1, 6001))
    assert node.picture.vehicles["van"].ping == pings[0]
    again = await node.pipeline.submit(pings[::-1])
    assert again == Answer(duplicates=6000)


async def test_events_are_told_with_the_number_the_store_gave_them(node: Node) -> None:
    await node.pipeline.save_regions([depot()])
    await node.pipeline.submit([ping(1, lat=60.1)])
    await node.pipeline.submit([ping(1000), ping(2000, lat=60.1)])
    told = [(event.seq, event.kind) for change in node.told for event in change.events]
    assert told == [(1, "enter"), (2, "exit")]
    assert told == [(event.seq, event.kind) for event in await node.store.events(EVERYTHING)]
    assert node.picture.last_seq == 2


async def test_a_receipt_is_told_by_our_clock_wherever_somebody_set_it(node: Node) -> None:
    await node.pipeline.submit([ping(1)])
    node.clock.now -= 3_600_000
    await node.pipeline.submit([ping(2)])
    received = [fix.received_at for fix in await node.store.track(1, 0, 1 << 60, None, 10)]
    assert received == [T0, T0 - 3_600_000]


@pytest.mark.parametrize("by", [3_600_000, -3_600_000])
async def test_timers_go_on_from_where_the_clock_was_set(by: int) -> None:
    """Neither at once, because an hour seems to have passed, nor an hour late."""
    node, steady = Node(), Clock()
    node.pipeline = Pipeline(
        node.fleet, node.store, open_bus("memory:"), node.picture, clock=node.clock, steady=steady, on_change=node.hear
    )
    await node.pipeline.start()

    async def after(seconds: int, second: int) -> list[str]:
        node.clock.now, steady.now = node.clock.now + seconds * 1000, steady.now + seconds * 1000
        await node.pipeline.submit([ping(second, "other", lat=61.0)])
        return await node.kinds()

    moving = msgspec.structs.replace(ping(0), speed_mps=20.0)
    await node.pipeline.submit([moving])
    node.clock.now += by
    assert await after(200, 1) == []
    assert await after(90, 2) == []
    await after(20, 3)
    await until(lambda: any(event.kind == "silent" for change in node.told for event in change.events))
    silent = next(event for change in node.told for event in change.events)
    assert (silent.time, silent.detail["silent_s"], silent.delayed) == (T0 + by + 300_000, 300.0, False)
    await node.pipeline.stop()


async def test_a_clock_set_while_nothing_can_be_stored_is_noticed_once_it_can(node: Node) -> None:
    moving = msgspec.structs.replace(ping(0), speed_mps=20.0)
    await node.pipeline.submit([moving])
    node.store.error = StoreFull("full")
    node.clock.now -= 3_600_000
    with pytest.raises(StoreFull):
        await node.pipeline.submit([ping(2, "other")])
    node.store.error = None
    await until(lambda: node.fleet.vehicles["van"].received_at == T0 - 3_600_000)


async def test_long_work_lets_others_have_their_turn(node: Node) -> None:
    turns = 0
    done = False

    async def other() -> None:
        nonlocal turns
        while not done:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    await node.pipeline.submit([ping(second, f"van-{second % 50}") for second in range(5000)])
    done = True
    await task
    assert turns > 5


async def test_a_fix_older_than_memory_is_looked_up(node: Node) -> None:
    pings = [ping(second) for second in range(3000)]
    await node.pipeline.submit(pings)
    assert (await node.pipeline.submit([ping(3)])).duplicates == 1
    assert (await node.pipeline.submit([ping(3.5), ping(3.5)])) == Answer(accepted=1, late=1, duplicates=1)
    assert (await node.pipeline.submit([ping(3.5)])).duplicates == 1


async def test_a_fix_older_than_memory_is_looked_up_among_those_just_coming(node: Node) -> None:
    """The same long track twice at once: the second time must not miss what the first has not committed yet."""
    pings = [ping(second) for second in range(3000)]
    first, second = await asyncio.gather(node.pipeline.submit(pings), node.pipeline.submit(pings))
    assert first == Answer(accepted=3000)
    assert second == Answer(duplicates=3000)
    assert await node.stored() == list(range(3000))


async def test_an_old_alarm_is_one_with_those_around_it_however_long_ago_they_were_stored(node: Node) -> None:
    pings = [ping(second) for second in range(3000)]
    pings[3] = msgspec.structs.replace(pings[3], alarm="sos")
    await node.pipeline.submit(pings)
    assert await node.kinds() == ["alarm"]
    await node.pipeline.submit([msgspec.structs.replace(ping(3.5), alarm="sos")])
    assert await node.kinds() == ["alarm"]
    await node.pipeline.submit([msgspec.structs.replace(ping(200.5), alarm="sos")])
    assert await node.kinds() == ["alarm", "alarm"]


# ------------------------------------------------------------------------------------------------------- edits


async def test_saving_a_region_evaluates_every_vehicle_before_it_answers(node: Node) -> None:
    inside = [ping(1, f"in-{n}") for n in range(700)]
    await node.pipeline.submit([*inside, ping(1, "out", lat=61.0)])
    ((feature, created),) = await node.pipeline.save_regions([depot()])
    assert created
    assert (feature["id"], feature["properties"]["version"]) == ("depot", 1)
    assert len(node.picture.inside["depot"]) == 700
    events = await node.store.events(EVERYTHING)
    assert {(event.kind, event.reason) for event in events} == {("enter", "region_created")}
    assert len(events) == 700
    assert node.picture.regions["depot"] == feature


async def test_pings_go_on_while_vehicles_are_evaluated(node: Node) -> None:
    await node.pipeline.submit([ping(1, f"in-{n}") for n in range(1000)])
    saving = asyncio.create_task(node.pipeline.save_regions([depot()]))
    await until(lambda: node.picture.inside.get("depot"))
    if not saving.done():
        answer = await node.pipeline.submit([ping(2, "in-999", lat=60.1)])
        assert answer == Answer(held=1, accepted=1)
    await saving
    assert len(node.picture.inside["depot"]) == 1000


async def test_edits_at_once_take_turns(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is left of one must not be evaluated in one go, and hold everybody up, because the next is there."""
    left, save = list[bool](), node.fleet.save_regions

    def spy(regions: list[Region], now: int) -> Step:
        left.append(node.fleet.is_evaluating)
        return save(regions, now)

    monkeypatch.setattr(node.fleet, "save_regions", spy)
    monkeypatch.setattr("tracker.pipeline.evaluation.SLICE", 20)
    monkeypatch.setattr("tracker.pipeline.intake.WITH_IT", 20)
    node.pipeline._evaluation._slice = 20
    await node.pipeline.submit([ping(1, f"in-{n}") for n in range(500)])
    regions = [Region.read_feature(depot(f"depot-{n}"), id=f"depot-{n}", version=0, now=1) for n in range(3)]
    await asyncio.gather(*(node.pipeline.put_regions([region]) for region in regions))
    assert True not in left
    assert [len(node.picture.inside[f"depot-{n}"]) for n in range(3)] == [500] * 3


async def test_what_is_done_has_an_instant_between_those_of_messages(node: Node) -> None:
    """So that times alone tell a replay the order; where the clock was set back, they are as it says."""
    await node.pipeline.submit([ping(1)])
    await node.pipeline.save_regions([depot()])
    await node.pipeline.submit([ping(2)])
    await node.pipeline.delete_region("depot")
    rows = await node.store.arrivals(0, 1 << 60, None, 0, 10)
    versions = await node.store.region_log((0, "", 0), 10)
    begin = rows[0][1].received_at
    assert [one.updated_at - begin for one in versions] == [1, 2]
    assert rows[1][1].received_at - begin == 1
    node.clock.now -= 3_600_000
    await node.pipeline.submit([ping(3)])
    assert (await node.store.arrivals(0, 1 << 60, None, 2, 10))[0][1].received_at < begin


async def test_the_settings_that_decide_are_kept_with_the_first_commit_and_again_when_they_are_others(
    node: Node,
) -> None:
    began = node.clock.now
    for _ in range(2):
        await node.pipeline.submit([ping(1)])
    kept = settings_kept((await node.store.load()).meta)
    assert kept == [(began, FleetSettings())]
    other = Fleet(FleetSettings(silence_s=7))
    other.restore(await node.store.load(), began + 5)
    assert (other.unkept, other.settings_log) == (True, [*kept, (began + 5, other.settings)])


async def test_regions_that_waited_together_are_one_edit_and_fail_each_for_itself(node: Node) -> None:
    await node.pipeline.submit([ping(1, "van")])
    await node.pipeline.save_regions([depot("old")])
    before = node.fleet._edit.rev
    saves = [node.pipeline.save_regions([depot(f"new-{n}")]) for n in range(20)]
    saves += [
        node.pipeline.save_regions([depot("old")], create_only=True),
        node.pipeline.save_regions([depot("new-3")]),
    ]
    answers = await asyncio.gather(*saves, return_exceptions=True)
    assert isinstance(answers[20], Conflict)
    told = [answer[0] for n, answer in enumerate(answers) if n != 20 and not isinstance(answer, BaseException)]
    assert sorted(feature["id"] for feature, _ in told) == sorted([*(f"new-{n}" for n in range(20)), "new-3"])
    versions = sorted(feature["properties"]["version"] for feature, _ in told if feature["id"] == "new-3")
    assert versions == [1, 2]  # one after the other, not both at once
    assert node.fleet._edit.rev - before < 20
    assert len(await node.kinds()) == 21  # one enter each


async def test_slices_that_take_long_become_smaller(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    seconds, sizes, evaluate = [0.0], list[int](), node.fleet.evaluate

    def slow(limit: int) -> Step | None:
        sizes.append(limit)
        seconds[0] += 0.02 if len(sizes) < 6 else 0.001
        return evaluate(limit)

    monkeypatch.setattr(node.fleet, "evaluate", slow)
    monkeypatch.setattr(
        "tracker.pipeline.evaluation.time",
        SimpleNamespace(thread_time=lambda: seconds[0]),
    )
    await node.pipeline.submit([ping(1, f"in-{n}") for n in range(700)])
    sizes.clear()
    await node.pipeline.save_regions([depot()])
    assert sizes[:9] == [200, 100, 50, 25, 12, 10, 20, 40, 80]
    assert len(node.picture.inside["depot"]) == 700


async def test_the_loop_goes_on_while_many_regions_are_put_in_force(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone_on, save = threading.Event(), node.fleet.save_regions

    def long(regions: list[Region], now: int) -> Step:
        asyncio.run_coroutine_threadsafe(asyncio.sleep(0), loop).add_done_callback(lambda _: gone_on.set())
        assert gone_on.wait(deadline(5))
        return save(regions, now)

    loop = asyncio.get_running_loop()
    monkeypatch.setattr(node.fleet, "save_regions", long)
    await node.pipeline.submit([ping(1, "in")])
    saved = await node.pipeline.save_regions([depot() | {"id": f"d{n}"} for n in range(200)])
    assert len(saved) == len(node.picture.regions) == 200
    assert sorted(node.fleet.vehicles["in"].visits) == sorted(f"d{n}" for n in range(200))


async def test_a_region_has_the_next_version_and_says_whether_it_is_new(node: Node) -> None:
    for expected, new in ((1, True), (2, False)):
        ((feature, created),) = await node.pipeline.save_regions([depot(name=f"v{expected}")])
        assert (feature["properties"]["version"], created) == (expected, new)
    await node.pipeline.delete_region("depot")
    assert "depot" not in node.picture.regions
    ((feature, created),) = await node.pipeline.save_regions([depot()])
    assert (feature["properties"]["version"], created) == (4, True)
    assert [saved.version for saved in await node.store.region_versions("depot")] == [1, 2, 3, 4]


async def test_a_feature_without_an_id_is_given_one(node: Node) -> None:
    feature = depot()
    del feature["id"]
    first, second = [(await node.pipeline.save_regions([feature]))[0][0]["id"] for _ in range(2)]
    assert first != second
    assert set(node.picture.regions) == {first, second}


async def test_whoever_has_not_seen_the_newest_version_is_told_it(node: Node) -> None:
    await node.pipeline.save_regions([depot(name="one")])
    await node.pipeline.save_regions([depot(name="two")], expect={"depot": 1})
    for attempt in (
        node.pipeline.save_regions([depot(name="three")], expect={"depot": 1}),
        node.pipeline.save_regions([depot(name="three")], create_only=True),
        node.pipeline.delete_region("depot", expect=1),
    ):
        with pytest.raises(Conflict) as caught:
            await attempt
        assert caught.value.current["properties"]["name"] == "two"
    with pytest.raises(Conflict, match="no region"):
        await node.pipeline.save_regions([depot("other")], expect={"other": 1})
    assert node.picture.regions["depot"]["properties"]["name"] == "two"
    await node.pipeline.delete_region("depot", expect=2)


async def test_of_two_edits_of_the_same_version_one_wins(node: Node) -> None:
    await node.pipeline.save_regions([depot()])
    edits = [node.pipeline.save_regions([depot(name=str(n))], expect={"depot": 1}) for n in range(5)]
    results = await asyncio.gather(*edits, return_exceptions=True)
    assert sum(isinstance(result, Conflict) for result in results) == 4


async def test_more_edits_than_may_wait_are_told_to_come_again() -> None:
    node = Node(inbox_limit=3)
    await node.pipeline.start()
    node.store.gate.clear()
    edits = await running(*(node.pipeline.register(Registered(f"v{n}")) for n in range(10)))
    node.store.gate.set()
    results = await asyncio.gather(*edits, return_exceptions=True)
    refused = [result for result in results if isinstance(result, Overloaded)]
    assert 1 <= len(refused) <= 6
    assert len(node.picture.register) == len(results) - len(refused)
    await node.pipeline.stop()


async def test_an_edit_given_up_before_its_turn_is_not_made(node: Node) -> None:
    node.store.gate.clear()
    first, second, third = await running(*(node.pipeline.save_regions([depot(id)]) for id in "abc"))
    second.cancel()
    await asyncio.wait([second])
    node.store.gate.set()
    await asyncio.gather(first, third)
    assert node.picture.regions.keys() == {"a", "c"}


async def test_many_regions_are_all_stored_or_none_with_every_fault_named(node: Node) -> None:
    with pytest.raises(Invalid) as caught:
        await node.pipeline.save_regions([depot("a"), depot("b", radius_m=-1), depot("c"), depot("a")])
    assert [error["index"] for error in caught.value.errors] == [1, 3]
    assert node.picture.regions == {}
    saved = await node.pipeline.save_regions([depot("a"), depot("b")])
    assert [feature["id"] for feature, _ in saved] == ["a", "b"]
    assert sum(bool(commit.regions) for commit in node.store.commits) == 1


async def test_deleting_lets_everybody_out_before_it_answers(node: Node) -> None:
    await node.pipeline.save_regions([depot()])
    await node.pipeline.submit([ping(1)])
    await node.pipeline.delete_region("depot")
    assert node.picture.vehicles["van"].regions == {}
    assert await node.kinds() == ["enter", "exit"]
    with pytest.raises(NotFound):
        await node.pipeline.delete_region("depot")


async def test_the_register_and_the_map_are_two_things(node: Node) -> None:
    entry = Registered("van", "Van one", "AB-12")
    assert await node.pipeline.register(entry) == entry
    assert node.picture.register == {"van": entry}
    await node.pipeline.submit([ping(1)])
    n = node.fleet.vehicles["van"].n
    await node.pipeline.remove_vehicle("van")
    assert node.picture.register == {}
    assert node.picture.vehicles == {}
    with pytest.raises(NotFound):
        await node.pipeline.remove_vehicle("van")
    assert (await node.pipeline.submit([ping(1)])).duplicates == 1
    await node.pipeline.submit([ping(2)])
    assert node.fleet.vehicles["van"].n == n


async def test_an_event_is_acknowledged_and_that_taken_back(node: Node) -> None:
    await node.pipeline.save_regions([depot()])
    await node.pipeline.submit([ping(1)])
    (event,) = await node.store.events(EVERYTHING)
    acked = await node.pipeline.ack(event.id, "Ann")
    assert acked.ack is not None
    assert acked.ack.by == "Ann"
    assert await node.store.event(event.id) == acked
    assert node.told[-1].acked[0].by == "Ann"
    assert (await node.pipeline.ack(event.id, None)).ack is None
    assert await node.store.event(event.id) == event
    with pytest.raises(NotFound):
        await node.pipeline.ack("nonsense", "Ann")


# ------------------------------------------------------------------------------------------------------ timers


async def test_a_timer_fires_through_the_same_journal(node: Node) -> None:
    await node.pipeline.save_regions([depot(rules={"dwell_s": 60})])
    await node.pipeline.submit([ping(1)])
    node.clock.now += 100_000
    await node.pipeline.submit([ping(1, "other", lat=61.0)])
    await until(lambda: any(event.kind == "dwell" for change in node.told for event in change.events))
    assert await node.kinds() == ["enter", "dwell"]


async def test_a_window_that_opens_evaluates_every_vehicle(node: Node) -> None:
    days = {day: [["00:00", "24:00"]] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}
    today = datetime.fromtimestamp(T0 / 1000, UTC)
    days[today.strftime("%a").lower()] = [[(today + timedelta(minutes=2)).strftime("%H:%M"), "24:00"]]
    await node.pipeline.save_regions([depot(rules={"schedule": {"zone": "UTC", "weekly": days}})])
    await node.pipeline.submit([ping(0)])
    assert await node.kinds() == []
    node.clock.now += 180_000
    await node.pipeline.submit([ping(1, "other", lat=61.0)])  # wakes the intake, which sleeps by the real clock
    await until(lambda: [event.reason for change in node.told for event in change.events] == ["window_open"])


async def test_a_timer_that_cannot_be_committed_is_tried_again(node: Node) -> None:
    await node.pipeline.save_regions([depot(rules={"dwell_s": 60})])
    await node.pipeline.submit([ping(1)])
    node.clock.now += 100_000
    node.store.error = StoreFull("full")
    with pytest.raises(StoreFull):
        await node.pipeline.submit([ping(2, "other")])
    await until(lambda: node.pipeline.statistics().failures > 2)
    node.store.error = None
    await until(lambda: any(event.kind == "dwell" for change in node.told for event in change.events))
    assert await node.kinds() == ["enter", "dwell"]


# ---------------------------------------------------------------------------------------------------- failures


async def test_after_a_failed_commit_nothing_has_happened(node: Node) -> None:
    await node.pipeline.save_regions([depot()])
    await node.pipeline.submit([ping(1, lat=60.1)])
    told = len(node.told)
    node.store.error = StoreFull("no room")
    with pytest.raises(StoreFull):
        await node.pipeline.submit([ping(1000), ping(1000, "new")])
    assert len(node.told) == told
    assert node.picture.vehicles["van"].ping == ping(1, lat=60.1)
    assert "new" not in node.fleet.vehicles
    assert node.fleet.vehicles["van"].ping == ping(1, lat=60.1)
    node.store.error = None
    assert await node.pipeline.submit([ping(1000), ping(1000, "new")]) == Answer(accepted=2)
    assert await node.stored() == [1, 1000]
    assert await node.kinds() == ["enter", "enter"]


async def test_a_late_ping_whose_commit_failed_is_no_duplicate(node: Node) -> None:
    await node.pipeline.submit([ping(10)])
    node.store.error = StoreError("broken")
    with pytest.raises(StoreError):
        await node.pipeline.submit([ping(5)])
    node.store.error = None
    assert await node.pipeline.submit([ping(5)]) == Answer(accepted=1, late=1)
    assert await node.stored() == [5, 10]


async def test_an_edit_whose_commit_failed_never_was(node: Node) -> None:
    await node.pipeline.submit([ping(1)])
    await node.pipeline.save_regions([depot("old", name="before")])
    node.store.error = StoreError("broken")
    for edit in (
        node.pipeline.save_regions([depot("new")]),
        node.pipeline.save_regions([depot("old", name="after")]),
        node.pipeline.delete_region("old"),
        node.pipeline.register(Registered("van", "x")),
        node.pipeline.remove_vehicle("van"),
    ):
        with pytest.raises(StoreError):
            await edit
    node.store.error = None
    assert {id: region.name for id, region in node.fleet.regions.regions.items()} == {"old": "before"}
    assert list(node.picture.regions) == ["old"]
    assert node.picture.register == {}
    await node.pipeline.submit([ping(2)])
    assert await node.kinds() == ["enter"]
    ((feature, created),) = await node.pipeline.save_regions([depot("new")])
    assert (feature["properties"]["version"], created) == (1, True)


async def test_an_evaluation_the_store_interrupted_goes_on_when_it_is_back(node: Node) -> None:
    """Whoever drew the region is told at once that it is stored, and need not wait for the disk to get room."""
    many = WITH_IT + 500
    await node.pipeline.submit([ping(1, f"in-{n}") for n in range(many)])
    node.store.spared, node.store.error = 1, StoreFull("full")
    saving = asyncio.create_task(node.pipeline.save_regions([depot()]))
    await until(saving.done, "its sender was told", 5)
    assert "depot" in node.picture.regions
    with pytest.raises(StoreFull, match="The region is stored; what it changes follows"):
        await saving
    node.store.error = None
    await until(lambda: len(node.picture.inside.get("depot", ())) == many)
    assert len(await node.kinds()) == many


async def test_a_region_and_what_it_changes_are_one_commit_where_that_is_quick(node: Node) -> None:
    await node.pipeline.submit([ping(1, f"in-{n}") for n in range(500)])
    node.store.commits.clear()
    await node.pipeline.save_regions([depot()])
    assert [len(commit.events) for commit in node.store.commits] == [500]
    assert node.store.commits[0].room == 0


async def test_many_regions_over_many_vehicles_are_told_a_little_at_a_time(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An import over a fleet makes regions times vehicles events: never all of them in memory, nor in one go."""
    monkeypatch.setattr("tracker.pipeline.intake.EVENTS_WITH_IT", 3000)
    steps, evaluate = list[int](), node.fleet.evaluate

    def spy(limit: int) -> Step | None:
        step = evaluate(limit)
        steps.append(len(step.commit.events) if step else 0)
        return step

    monkeypatch.setattr(node.fleet, "evaluate", spy)
    await node.pipeline.submit([ping(1, f"in-{n}") for n in range(100)])
    node.store.commits.clear()
    regions = [Region.read_feature(depot(f"depot-{n}"), id=f"depot-{n}", version=0, now=1) for n in range(60)]
    await node.pipeline.put_regions(regions)
    assert [len(node.picture.inside[region.id]) for region in regions] == [100] * 60
    assert max(steps) < ENOUGH + 60
    made = [len(commit.events) for commit in node.store.commits]
    assert made[0] < 3000 + ENOUGH + 60
    assert sum(made) == 100 * 60


async def test_a_large_edit_asks_first_whether_there_is_room_for_the_rest(node: Node) -> None:
    await node.pipeline.submit([ping(1, f"in-{n}") for n in range(WITH_IT + 500)])
    node.store.commits.clear()
    await node.pipeline.save_regions([depot()])
    assert node.store.commits[0].room > 1_000_000
    assert {commit.room for commit in node.store.commits[1:]} == {0}


async def eventful_day(node: Node, chance: random.Random, fault: random.Random | None) -> tuple[Any, ...]:
    """Three vans, regions that come, change and go; `fault`: the store fails now and then, and senders try again."""

    async def insist(what: Callable[[], Awaitable[object]]) -> None:
        for _ in range(50):
            if fault and fault.random() < 0.4:
                node.store.error = StoreFull("full")
                node.store.unreadable = StoreError("gone") if fault.random() < 0.2 else None
            try:
                await what()
                return
            except StoreError:
                node.store.error = node.store.unreadable = None
                await until(lambda: not node.pipeline.statistics().down)
        raise AssertionError("it never worked")

    for step in range(1, 60):
        node.clock.now += 20_000
        await insist(partial(node.pipeline.submit, [ping(step * 20, "tick", 61.0)]))
        node.store.error = node.store.unreadable = None
        await until(lambda: (due := node.fleet.due_at()) is None or due > node.clock.now)  # timers come first
        if step % 12 == 3:
            region = depot(chance.choice("ab"), chance.choice([300, 600]), 60 + chance.random() / 100, rules=RULES)
            await insist(partial(node.pipeline.save_regions, [region]))
        elif step % 12 == 9:
            await insist(partial(node.pipeline.delete_region, min(node.picture.regions)))
        seconds = [step * 20 - chance.choice([0, 0, 0, 40]) + part for part in (0, 7, 14)]
        pings = [ping(second, f"van-{n}", 60 + chance.random() / 100) for second in seconds for n in range(3)]
        await insist(partial(node.pipeline.submit, pings))
        node.store.error = node.store.unreadable = None
    await node.pipeline.submit([ping(9000, "last")])  # whatever was applied before is committed by now
    events = await node.store.events(EVERYTHING)
    assert len(events) > 20
    assert node.picture.vehicles == {state.ping.vehicle: state for state in node.fleet.snapshot().moved}
    tracks = [await node.stored(f"van-{n}") for n in range(3)]
    return sorted(event.id for event in events), tracks, node.picture.vehicles


@pytest.mark.parametrize("seed", range(5))
async def test_failures_leave_no_trace_in_what_is_decided_later(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    monkeypatch.setattr("tracker.pipeline.intake.PAUSE_S", 0.001)
    ends = []
    for fault in (None, random.Random(seed + 100)):
        node = Node()
        await node.pipeline.start()
        ends.append(await eventful_day(node, random.Random(seed), fault))
        await node.pipeline.stop()
    for calm, failing in zip(*ends, strict=True):
        assert calm == failing


async def test_a_store_that_cannot_even_be_read_refuses_everything_until_it_is_back(
    node: Node, caplog: pytest.LogCaptureFixture
) -> None:
    await node.pipeline.submit([ping(1)])
    node.store.error = node.store.unreadable = StoreError("gone")
    with pytest.raises(StoreError):
        await node.pipeline.submit([ping(2)])
    await until(lambda: node.pipeline.statistics().down)
    for attempt in (node.pipeline.submit([ping(3)]), node.pipeline.save_regions([depot()])):
        with pytest.raises(StoreError, match="gone"):
            await attempt
    node.store.error = node.store.unreadable = None
    await until(lambda: not node.pipeline.statistics().down)
    assert await node.pipeline.submit([ping(2)]) == Answer(accepted=1)
    assert await node.stored() == [1, 2]
    assert [record.getMessage().partition(" (")[0] for record in caplog.records] == [
        "cannot go back to what is stored",
        "what is stored can be read again: positions are taken",
    ]


async def test_what_waits_while_the_store_goes_away_is_refused_with_it(node: Node) -> None:
    node.store.gate.clear()
    await running(node.pipeline.submit([ping(0)]))
    waiting = await running(node.pipeline.submit([ping(1)]), node.pipeline.save_regions([depot()]))
    waiting += await running(node.pipeline.register(Registered("van", "x")))
    node.store.error = node.store.unreadable = StoreError("gone")
    node.store.gate.set()
    ends = await asyncio.gather(*waiting, return_exceptions=True)
    assert [str(end) for end in ends] == ["gone"] * 3


async def test_a_fault_of_ours_costs_only_the_entry_that_brings_it_out(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    apply = node.fleet.apply

    def faulty(pings: list[Ping], *rest: Any) -> Step:
        step = apply(pings, *rest)
        assert all(ping.vehicle != "poison" for ping in pings)
        return step

    monkeypatch.setattr(node.fleet, "apply", faulty)
    node.store.gate.clear()
    first = await running(node.pipeline.submit([ping(0, "first")]))
    names = ("a", "poison", "b")
    tasks = await running(*(node.pipeline.submit([ping(1, name)]) for name in names))
    node.store.gate.set()
    results = await asyncio.gather(*first, *tasks, return_exceptions=True)
    assert results[0] == results[1] == results[3] == Answer(accepted=1)
    assert isinstance(results[2], AssertionError)
    assert set(node.fleet.vehicles) == {"first", "a", "b"}


async def test_a_change_that_cannot_be_shown_stops_nothing(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(node.pipeline._relay, "_on_change", lambda _change: 1 / 0)
        assert await node.pipeline.submit([ping(1)]) == Answer(accepted=1)
        patch.setattr(node.pipeline._relay, "_on_lost", lambda _change: 1 / 0)
        assert await node.pipeline.submit([ping(1.5)]) == Answer(accepted=1)
    assert await node.pipeline.submit([ping(2)]) == Answer(accepted=1)
    assert node.picture.vehicles["van"].ping == ping(2)


async def test_what_is_committed_is_answered_though_the_bus_is_away(
    node: Node, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(node.pipeline._bus, "publish", lambda _change: 1 / 0)
        assert await node.pipeline.submit([ping(1)]) == Answer(accepted=1)
    assert "could not publish" in caplog.text
    assert await node.stored() == [1]


async def test_an_answer_that_cannot_be_made_is_told_to_its_sender() -> None:
    entry = Own(0, lambda _fleet, _now: None, lambda: 1 / 0)  # type: ignore[arg-type]
    entry.resolve()
    with pytest.raises(ZeroDivisionError):
        await entry.done


async def test_whoever_came_before_the_intake_ended_is_told_too(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    node.store.gate.clear()
    tasks = await running(node.pipeline.submit([ping(1)]))
    tasks += await running(node.pipeline.save_regions([depot()]), node.pipeline.submit([ping(2)]))
    with monkeypatch.context() as patch:
        patch.setattr(node.fleet, "due_at", lambda: 1 / 0)
        node.store.gate.set()
        ends = await asyncio.gather(*tasks, return_exceptions=True)
    assert ends[0] == Answer(accepted=1)
    assert [type(end) for end in ends[1:]] == [StoreError, StoreError]


async def test_nobody_waits_for_an_intake_that_ended(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(node.fleet, "due_at", lambda: 1 / 0)
        for second in (1, 2):
            with pytest.raises(StoreError, match="restart"):
                await node.pipeline.submit([ping(second)])


async def test_a_full_inbox_refuses_until_there_is_room(node: Node) -> None:
    node.pipeline._limit = 100
    node.store.gate.clear()
    first = await running(node.pipeline.submit([ping(0)]))  # under way
    waiting = await running(node.pipeline.submit([ping(second) for second in range(1, 101)]))
    with pytest.raises(Overloaded) as caught:
        await node.pipeline.submit([ping(200)])
    assert caught.value.retry_after >= 1
    assert node.pipeline.statistics().refused == 1
    node.store.gate.set()
    await asyncio.gather(*first, *waiting)
    assert await node.pipeline.submit([ping(200 + second) for second in range(500)]) == Answer(accepted=500)


async def test_a_sender_that_goes_away_changes_nothing(node: Node) -> None:
    node.store.gate.clear()
    tasks = await running(node.pipeline.submit([ping(1)]), node.pipeline.submit([ping(2)]))
    tasks[0].cancel()
    node.store.gate.set()
    assert await tasks[1] == Answer(accepted=1)
    assert await node.stored() == [1, 2]


# ------------------------------------------------------------------------------------------------ start and stop


async def test_stopping_commits_what_was_submitted_and_refuses_the_rest() -> None:
    node = Node()
    await node.pipeline.start()
    node.store.gate.clear()
    tasks = await running(*(node.pipeline.submit([ping(n)]) for n in range(5)))
    stopping = asyncio.create_task(node.pipeline.stop())
    await asyncio.sleep(0)
    with pytest.raises(Overloaded, match="stopping"):
        await node.pipeline.submit([ping(9)])
    node.store.gate.set()
    assert await asyncio.gather(*tasks) == [Answer(accepted=1)] * 5
    await stopping
    assert sum(len(change.moved) for change in node.told) >= 1


async def test_a_stop_does_not_take_for_ever_over_what_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tracker.pipeline.intake.FLUSH_S", 0.0)
    node = Node()
    await node.pipeline.start()
    node.store.gate.clear()
    under_way = await running(node.pipeline.submit([ping(1)]))
    waiting = await running(*(node.pipeline.submit([ping(n)]) for n in range(2, 9)))
    (stopping,) = await running(node.pipeline.stop())
    node.store.gate.set()
    assert await under_way[0] == Answer(accepted=1)
    refused = await asyncio.gather(*waiting, return_exceptions=True)
    assert {str(error) for error in refused} == {"The server is stopping; try again in a moment."}
    await stopping


async def test_stopping_refuses_what_cannot_be_committed() -> None:
    node = Node()
    await node.pipeline.start()
    node.store.gate.clear()
    tasks = await running(node.pipeline.submit([ping(1)]), node.pipeline.submit([ping(2)]))
    node.store.error = node.store.unreadable = StoreError("gone")
    node.store.gate.set()
    await node.pipeline.stop()
    assert all(isinstance(result, StoreError) for result in await asyncio.gather(*tasks, return_exceptions=True))


async def test_whoever_drew_a_region_is_told_that_a_stop_came_before_it_took_effect(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    node = Node()
    await node.pipeline.start()
    await node.pipeline.submit([ping(1, f"in-{n}") for n in range(WITH_IT + 500)])
    monkeypatch.setattr(node.pipeline._intake, "_own", list)  # its evaluation has no turn any more
    saving = asyncio.create_task(node.pipeline.save_regions([depot()]))
    await until(lambda: "depot" in node.picture.regions)
    await node.pipeline.stop()
    with pytest.raises(StoreError, match="after the restart"):
        await saving


async def test_what_is_stored_and_makes_no_sense_is_told_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    node = Node()
    monkeypatch.setattr(node.fleet, "restore", lambda loaded, _now: loaded["a region"])
    with pytest.raises(StoreUnusable, match="Restore a backup"):
        await node.pipeline.start()


async def test_a_restart_goes_on_where_it_ended(tmp_path: Any) -> None:
    seen = []
    for second in (1, 1000):
        store, picture, fleet = SqliteStore(str(tmp_path)), Picture(), Fleet()
        pipeline = Pipeline(fleet, store, open_bus("memory:"), picture, clock=Clock())
        await pipeline.start()
        seen.append((dict(picture.vehicles), list(picture.regions), dict(picture.register), picture.last_seq))
        if second == 1:
            await pipeline.save_regions([depot()])
            await pipeline.register(Registered("van", "Van"))
        await pipeline.submit([ping(second)])
        assert [event.kind for event in await store.events(EVERYTHING)] == ["enter"]
        seen.append((dict(picture.vehicles), list(picture.regions), dict(picture.register), picture.last_seq))
        await pipeline.stop()
    assert seen[0] == ({}, [], {}, 0)
    assert seen[2] == seen[1]
    assert seen[3][0]["van"].regions == seen[1][0]["van"].regions


async def test_of_two_acknowledgements_at_once_the_first_in_its_turn_stands(node: Node) -> None:
    await node.pipeline.save_regions([depot()])
    await node.pipeline.submit([ping(1)])
    (event,) = await node.store.events(EVERYTHING)
    both = await asyncio.gather(*(node.pipeline.ack(event.id, by) for by in ("Ann", "Bob")))
    assert [one.ack.by for one in both if one.ack] == ["Ann", "Ann"]
    assert (await node.store.event(event.id)) == both[0]
    assert [ack.by for change in node.told for ack in change.acked] == ["Ann"]


async def test_of_two_edits_of_one_version_at_once_only_one_is_taken(node: Node) -> None:
    await node.pipeline.save_regions([depot()])
    edits = [node.pipeline.save_regions([depot(name=name)], expect={"depot": 1}) for name in ("Ann's", "Bob's")]
    answers = await asyncio.gather(*edits, return_exceptions=True)
    (refused,) = [answer for answer in answers if isinstance(answer, Conflict)]
    ((saved, _),) = next(answer for answer in answers if not isinstance(answer, BaseException))
    assert refused.current["properties"]["name"] == saved["properties"]["name"]
    assert node.picture.regions["depot"]["properties"]["version"] == 2


async def test_an_erased_vehicle_that_reports_again_is_another(node: Node) -> None:
    await node.pipeline.save_regions([depot()])
    await node.pipeline.submit([ping(1), ping(2, "other")])
    n = node.fleet.vehicles["van"].n
    await node.pipeline.remove_vehicle("van", history=True)
    assert node.told[-1].erased == ["van"]
    assert await node.store.number("van") is None
    assert (await node.pipeline.submit([ping(1)])).accepted == 1  # nobody remembers that it was here
    assert node.fleet.vehicles["van"].n not in (n, node.fleet.vehicles["other"].n)
    assert await node.stored() == [1]
    with pytest.raises(NotFound):
        await node.pipeline.remove_vehicle("nobody", history=True)


async def test_every_deed_of_somebody_is_kept_in_its_own_commit(node: Node) -> None:
    by = Actor("ada", "10.0.0.1")
    await node.pipeline.save_regions([depot()], by=by)
    await node.pipeline.save_regions([depot("a"), depot("b")], by=by)
    await node.pipeline.submit([ping(1)])
    [event, *_] = await node.store.events(EVERYTHING)
    await node.pipeline.ack(event.id, "ada", by)
    await node.pipeline.ack(event.id, "ben", by)  # it is already
    await node.pipeline.ack(event.id, None, by)
    await node.pipeline.register(Registered("van", "Van"), by)
    await node.pipeline.remove_vehicle("van", by=by)
    await node.pipeline.delete_region("depot", by=by)
    kept = (await node.store.audit(AuditQuery()))[::-1]
    assert [(one.what, one.target) for one in kept] == [
        ("region.save", "depot"),
        ("region.import", "2 regions"),
        ("event.acknowledge", event.id),
        ("event.take_back", event.id),
        ("vehicle.save", "van"),
        ("vehicle.remove", "van"),
        ("region.delete", "depot"),
    ]
    assert (kept[0].before, kept[0].after["version"]) == (None, 1)
    assert kept[0].after.keys() >= {"name", "group", "color", "rules", "notify"}, "all that people choose"
    acked = {"kind": event.kind, "vehicle": "van", "region": event.region, "acknowledged_by": "ada"}
    assert (kept[2].before, kept[2].after) == (acked | {"acknowledged_by": None}, acked)
    assert (kept[3].before, kept[3].after) == (kept[2].after, kept[2].before)
    assert kept[1].after.keys() == {"a", "b"}
    assert kept[6].before["version"] == 1
    assert {(one.who, one.address) for one in kept} == {("ada", "10.0.0.1")}


async def test_who_may_not_do_it_any_more_does_nothing_in_their_turn(node: Node) -> None:
    def ask() -> None:
        raise NotFound("may_not", "not any more")

    by, pipeline = Actor("ada", "10.0.0.1", ask), node.pipeline
    await pipeline.save_regions([depot()])
    await pipeline.submit([ping(1)])
    [event, *_] = await node.store.events(EVERYTHING)
    told = len(node.told)

    def plan() -> tuple[list[Record], list[Audit]]:
        return [Record("user", "eve", 1, {})], [by.did(0, "user.add", "eve")]

    for deed in (
        pipeline.save_regions([depot("new")], by=by),
        pipeline.delete_region("depot", by=by),
        pipeline.register(Registered("van", "Van"), by),
        pipeline.remove_vehicle("van", by=by),
        pipeline.ack(event.id, "ada", by),
        pipeline.keep_records(plan),
    ):
        with pytest.raises(NotFound, match="not any more"):
            await deed
    first, a, b = [read_regions([depot(name)], 0, lambda _: "") for name in ("first", "a", "b")]
    saves = [pipeline.put_regions(first), pipeline.put_regions(a, by=by), pipeline.put_regions(b)]
    became = await asyncio.gather(*saves, return_exceptions=True)  # the last two in one turn
    assert [isinstance(one, NotFound) for one in became] == [False, True, False], "nobody else's is refused with it"
    assert [feature["id"] for change in node.told[told:] for feature in change.regions] == ["first", "b"]


async def test_records_are_planned_in_their_turn_and_a_plan_that_is_refused_keeps_nothing(node: Node) -> None:
    await node.pipeline.keep_records(lambda: ([Record("user", "ada", 1, {})], []))

    def refused() -> tuple[list[Record], list[Audit]]:
        raise NotFound("unknown_user", "there is no such user")

    with pytest.raises(NotFound):
        await node.pipeline.keep_records(refused)
    assert (await node.store.load()).records == [Record("user", "ada", 1, {})]


# ------------------------------------------------------------------------------------------------------- company


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits for company in vain waits until the test is given up."""
    monkeypatch.setattr("tracker.pipeline.company.GATHER_S", 3600.0)


@pytest.mark.usefixtures("patient")
async def test_who_was_answered_together_and_comes_again_shares_a_commit(node: Node) -> None:
    await asyncio.gather(*(node.pipeline.submit([ping(1, van)]) for van in "abc"))
    early = await running(node.pipeline.submit([ping(2, "a")]), node.pipeline.submit([ping(2, "b")]))
    assert [len(commit.pings) for commit in node.store.commits] == [3]
    await asyncio.gather(*early, node.pipeline.submit([ping(2, "c")]))
    assert [len(commit.pings) for commit in node.store.commits] == [3, 3]


@pytest.mark.usefixtures("patient")
async def test_who_sends_one_after_the_other_is_never_kept_waiting(node: Node) -> None:
    for second in range(5):
        assert await node.pipeline.submit([ping(second)]) == Answer(accepted=1)
    assert len(node.store.commits) == 5


@pytest.mark.usefixtures("patient")
async def test_a_stop_commits_at_once_what_waits_for_company() -> None:
    node = Node()
    await node.pipeline.start()
    await asyncio.gather(*(node.pipeline.submit([ping(1, van)]) for van in "ab"))
    alone = await running(node.pipeline.submit([ping(2, "a")]))
    await node.pipeline.stop()
    assert await alone[0] == Answer(accepted=1)


@pytest.mark.usefixtures("patient")
async def test_an_edit_does_not_wait_for_company(node: Node) -> None:
    await asyncio.gather(*(node.pipeline.submit([ping(1, van)]) for van in "ab"))
    assert await node.pipeline.save_regions([depot()])
