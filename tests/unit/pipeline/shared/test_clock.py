"""The time several nodes agree on, as a node hears of it: a machine's own clock decides nothing."""

from __future__ import annotations

from tracker.pipeline.shared.clock import NEAR_MS, SET_MS, SharedClock

T0 = 1_790_000_000_000
HOUR_MS = 3_600_000


class Times:
    def __init__(self, wall: int = T0) -> None:
        self.wall = wall
        self.steady = 5000
        self.clock = SharedClock(lambda: self.wall, lambda: self.steady)

    def hear(self, off: int, took: int = 10) -> None:
        """The database's clock is ahead of ours by that much in the middle of a call that takes so long."""
        now, asked = self.clock(), self.steady
        self.steady += took
        self.clock.hear_time(now + took // 2 + off, asked, self.steady)


def test_until_the_database_was_heard_the_machine_is_believed() -> None:
    times = Times()
    assert times.clock() == T0
    times.steady += 700
    assert times.clock() == T0 + 700


def test_what_somebody_does_to_the_machines_clock_changes_nothing() -> None:
    times = Times()
    times.wall -= HOUR_MS
    assert times.clock() == T0


def test_the_first_answer_sets_it_however_long_it_took() -> None:
    times = Times(T0 + HOUR_MS)
    times.hear(-HOUR_MS, took=NEAR_MS * 4)
    assert times.clock() == T0 + NEAR_MS * 4


def test_it_is_the_middle_of_the_call_that_is_told() -> None:
    times = Times()
    asked = times.steady
    times.steady += 80
    times.clock.hear_time(T0 + 1000, asked, times.steady)
    assert times.clock() == T0 + 1040


def test_what_drifts_is_corrected_by_a_millisecond_a_round() -> None:
    times = Times()
    times.hear(0)
    for off, step in ((30, 1), (-30, -1), (1, 1), (0, 0), (SET_MS, 1)):
        before = times.clock() - times.steady
        times.hear(off)
        assert times.clock() - times.steady == before + step, off


def test_a_slow_answer_tells_the_time_too_vaguely() -> None:
    times = Times()
    times.hear(0)
    before = times.clock() - times.steady
    times.hear(40, took=NEAR_MS + 1)
    assert times.clock() - times.steady == before
    times.hear(40, took=NEAR_MS)
    assert times.clock() - times.steady == before + 1


def test_a_clock_that_was_set_is_followed_when_it_was_seen_twice() -> None:
    times = Times()
    times.hear(0)
    before = times.clock() - times.steady
    times.hear(HOUR_MS)
    assert times.clock() - times.steady == before, "it may be a mistake"
    times.hear(HOUR_MS)
    assert times.clock() - times.steady == before + HOUR_MS
    times.hear(-HOUR_MS)
    assert times.clock() - times.steady == before + HOUR_MS, "that begins anew"


def test_one_odd_answer_between_others_is_forgotten() -> None:
    times = Times()
    times.hear(0)
    before = times.clock() - times.steady
    for _ in range(3):
        times.hear(HOUR_MS)
        times.hear(0)
    assert times.clock() - times.steady == before
