"""Retention at work: what is to go, that it is said before, and that it goes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from tests.support.rounds import columns_of, driven
from tracker.config.retention import DAY_MS, read_rules
from tracker.history.retention import Coming, Retention, coming, plan, stays
from tracker.model.columns import Columns
from tracker.stores import StoredDay

TODAY = 20_000 * DAY_MS
NOW = TODAY + 5_000
HOUR_MS = 3_600_000


def day(vehicle: str, ago: int, pings: int = 100, *, is_thinned: bool = False) -> StoredDay:
    return StoredDay(int(vehicle[-1]), vehicle, TODAY - ago * DAY_MS, pings, 600, is_thinned)


def group_of(vehicle: str) -> str | None:
    return {"truck-1": "trucks"}.get(vehicle)


class Kept:
    """A store as retention sees it."""

    days_at_once = 10

    def __init__(self, days: Iterable[StoredDay]) -> None:
        self.held = {(one.n, one.day): one for one in days}
        self.rules: list[str] = []
        self.since = 0

    async def does_chores(self) -> bool:
        return True

    async def days(self) -> list[StoredDay]:
        return list(self.held.values())

    async def rules_known(self) -> tuple[list[str], int]:
        return self.rules, self.since

    async def note_rules(self, rules: list[str], now: int) -> None:
        self.rules, self.since = rules, now

    async def thin_day(self, n: int, day: int, _stays: Callable[[Columns], Columns]) -> int:
        one = self.held[n, day]
        self.held[n, day] = StoredDay(n, one.vehicle, day, 10, 60, True)
        return one.pings - 10

    async def drop_days(self, days: list[tuple[int, int]]) -> int:
        return sum(self.held.pop(one).pings for one in days)


def retention(store: Any, *rules: str, notice_h: float = 0) -> Retention:
    return Retention(store, list(rules), notice_h, group_of)


def test_each_group_has_its_own_days() -> None:
    days = [day("van-2", ago) for ago in (1, 8, 20)] + [day("truck-1", ago) for ago in (8, 20, 400)]
    found = plan(read_rules(["*:7/14", "trucks:10/always"]), days, group_of, NOW)
    assert found.thin == [days[1], days[4], days[5]]
    assert found.drop == [days[2]]
    assert found.pings == 400


def test_without_a_rule_all_stays() -> None:
    assert not plan(read_rules(["trucks:1"]), [day("van-2", 4000)], group_of, NOW)


def test_what_was_thinned_is_not_thinned_again_but_goes_in_time() -> None:
    days = [day("van-2", 9, is_thinned=True), day("van-2", 15, is_thinned=True)]
    found = plan(read_rules(["*:7/14"]), days, group_of, NOW)
    assert found.thin == [] and found.drop == [days[1]]


async def test_days_are_thinned_and_go_and_are_counted() -> None:
    store = Kept([day("van-2", ago) for ago in (1, 8, 20, 21)])
    ours = retention(store, "*:7/14")
    shares: list[float] = []
    await ours.work(NOW, shares.append)
    assert sorted(one.pings for one in store.held.values()) == [10, 100]
    assert ours.statistics()._asdict() == {"due": 0, "thinned": 90, "gone": 200}
    assert shares == sorted(shares) and shares[-1] == 1
    await ours.work(NOW)
    assert ours.statistics().gone == 200, "nothing is left to do"


async def test_before_the_first_time_it_is_said_and_time_passes(caplog: pytest.LogCaptureFixture) -> None:
    store = Kept([day("van-2", 20)])
    ours = retention(store, "*:7/14", notice_h=24)
    await ours.work(NOW)
    assert "from 2024-10-05T00:00:05" in caplog.text and "100 positions of 1 vehicles" in caplog.text
    assert store.held and ours.waits_until == NOW + 24 * HOUR_MS and ours.statistics().due == 100
    await ours.work(NOW + 23 * HOUR_MS)
    assert store.held and caplog.text.count("was changed") == 1
    again = retention(store, "*:7/14", notice_h=24)  # a restart is not another first time
    await again.work(NOW + 24 * HOUR_MS)
    assert not store.held and again.waits_until is None


async def test_other_rules_are_another_first_time() -> None:
    store = Kept([day("van-2", 20)])
    await retention(store, "*:30", notice_h=24).work(NOW)
    ours = retention(store, "*:7", notice_h=24)
    await ours.work(NOW + 25 * HOUR_MS)
    assert store.held and ours.waits_until == NOW + 49 * HOUR_MS


async def test_who_has_seen_what_goes_need_not_wait() -> None:
    store = Kept([day("van-2", 20)])
    ours = retention(store, "*:7", notice_h=24)
    await ours.work(NOW, at_once=True)
    assert not store.held and ours.waits_until is None


async def test_with_nothing_to_do_nothing_waits(caplog: pytest.LogCaptureFixture) -> None:
    ours = retention(Kept([day("van-2", 1)]), "*:7", notice_h=24)
    await ours.work(NOW)
    assert ours.waits_until is None and not caplog.records


def test_there_is_a_job_with_rules_and_without() -> None:
    assert [job.name for job in retention(Kept([]), "*:7").jobs()] == ["retention"]
    assert [job.name for job in retention(Kept([])).jobs()] == ["retention"], "that there are no rules is noted, too"


async def test_rules_that_were_taken_back_are_new_when_they_come_again() -> None:
    store = Kept([day("van-2", 20)])
    for hours, rules in ((0, ["*:30"]), (1, []), (9, ["*:30"])):
        await retention(store, *rules, notice_h=24).work(NOW + hours * HOUR_MS)
    assert (store.rules, store.since) == (["*:30"], NOW + 9 * HOUR_MS)


@pytest.mark.parametrize("rule", ["*:7", "*:7/always"])
async def test_who_comes_into_a_group_that_is_kept_while_others_go_stays(rule: str) -> None:
    groups: dict[str, str] = {}

    class Slow(Kept):
        days_at_once = 1

        async def drop_days(self, days: list[tuple[int, int]]) -> int:
            groups["van-2"] = "kept"
            return await super().drop_days(days)

        async def thin_day(self, n: int, day: int, stays: Callable[[Columns], Columns]) -> int:
            groups["van-2"] = "kept"
            return await super().thin_day(n, day, stays)

    store: Any = Slow(day(f"van-{n}", 20) for n in range(1, 4))
    ours = Retention(store, [rule, "kept:99"], 0, groups.get)
    await ours.work(NOW)
    assert (2, 20) in {(one.n, (TODAY - one.day) // DAY_MS) for one in store.held.values() if one.pings == 100}


def test_of_a_day_its_stops_stay_to_the_fix_and_thinning_again_takes_nothing() -> None:
    whole = columns_of(driven((295, 12), (300, 0), (300, 12), step_s=5))
    stood = whole.take(whole.lon == whole.lon[70])
    left = stays(whole)
    assert len(left) < len(whole) / 3
    assert {int(whole.time[0]), int(whole.time[-1])} <= set(left.time.tolist())
    assert {int(stood.time[0]), int(stood.time[-1])} <= set(left.time.tolist()), "how long it stood is still known"
    assert stays(left).time.tolist() == left.time.tolist()


def test_what_comes_next_is_told_with_the_day_on_which_it_comes() -> None:
    rules = read_rules(["*:30/365", "trucks:14"])
    days = [day("van-2", 20), day("van-3", 20, 50), day("van-2", 400), day("van-2", 40, is_thinned=True)]
    assert coming(rules, days, group_of, NOW) == Coming(TODAY + 11 * DAY_MS, 150, 0)
    assert coming(rules, [*days, day("truck-1", 10, 70)], group_of, NOW) == Coming(TODAY + 5 * DAY_MS, 0, 70)
    assert coming(rules, days[3:], group_of, NOW) == Coming(TODAY + 326 * DAY_MS, 0, 100)
    early = [day("van-2", 20, is_thinned=True)]  # by rules that were stricter
    assert coming(rules, early, group_of, NOW) == Coming(TODAY + 346 * DAY_MS, 0, 100)
    assert coming(rules, days[2:3], group_of, NOW) is None, "what is due is not among it"
    assert coming(read_rules(["vans:3"]), days, group_of, NOW) is None
    assert coming(read_rules(["*:3/always"]), days[3:], group_of, NOW) is None


def test_a_day_that_comes_next_is_due_from_then_on_and_not_before() -> None:
    rules = read_rules(["*:30/365"])
    for ago in (3, 200):
        days = [day("van-2", ago, is_thinned=ago > 30)]
        then = coming(rules, days, group_of, NOW)
        assert then and not plan(rules, days, group_of, then.at - 1)
        due = plan(rules, days, group_of, then.at)
        assert (sum(one.pings for one in due.thin), due.pings) == (then.thin, then.thin + then.drop)
