from __future__ import annotations

import pytest

from tracker.turns.pace import DEBT_S, Pace


def storm(pace: Pace, vehicle: str, seconds: float, per_s: int) -> int:
    """How many of its requests get through."""
    return sum(not pace.spend("t", {vehicle: 1}, at / per_s) for at in range(int(seconds * per_s)))


def test_who_storms_is_held_to_its_rate_and_others_are_not() -> None:
    pace = Pace(rate=10, burst=100)
    assert storm(pace, "storms", 60, 200) == pytest.approx((100 + 60 * 10) / 1.1, rel=0.02)
    assert storm(pace, "calm", 60, 1) == 60
    assert pace.spend("other token", {"storms": 1}, 60) == 0


def test_hours_of_one_a_second_and_a_backlog_in_batches_are_no_storm() -> None:
    pace = Pace(rate=50, burst=3000)
    assert storm(pace, "van", 3 * 3600, 1) == 3 * 3600
    assert not any(pace.spend("t", {"van": size}, 10_800) for size in [100] * 100 + [1000] * 10)


def test_whoever_has_to_wait_gets_through_after_it_however_much_came_at_once() -> None:
    pace = Pace(rate=50, burst=3000)
    assert pace.spend("t", {"van": 1_000_000}, 0) == 0
    wait = pace.wait_s("t", "van", 0)
    assert 0 < wait <= DEBT_S + 1
    assert pace.spend("t", {"van": 1}, 0) >= wait
    assert pace.spend("t", {"van": 1}, 0 + pace.spend("t", {"van": 1}, 0)) == 0


def test_one_that_storms_holds_up_nobody_in_the_request_they_share() -> None:
    pace = Pace(rate=1, burst=5)
    storm(pace, "storms", 1, 100)
    assert pace.spend("t", {"storms": 1}, 1) > 0
    assert pace.spend("t", {"storms": 1, "calm": 1}, 1) == 0


def test_rate_nought_slows_nobody_down_and_the_rested_are_forgotten() -> None:
    assert storm(Pace(rate=0, burst=1), "van", 1, 10_000) == 10_000
    pace = Pace(rate=10, burst=100)
    storm(pace, "van", 1, 50)
    pace.forget_whole(2)
    assert pace._used
    pace.forget_whole(1000)
    assert not pace._used
