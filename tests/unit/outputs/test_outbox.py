from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tracker.outputs.outbox import FIRST_RETRY_MS, LONGEST_PAUSE_MS, LONGEST_RETRY_MS, News, Outbox

HERE: News = (1, 60.0, 24.0)


def test_who_waits_longest_is_told_first_and_nobody_twice() -> None:
    box = Outbox(5000, 10_000)
    box.add_vehicles(["b", "a"])
    box.add_vehicles(["c", "b"])
    assert box.due(0, 2) == ["b", "a"]
    assert len(box) == 3, "however often it moves"


def test_a_request_waits_for_its_turn() -> None:
    box = Outbox(5000, 0)
    box.add_vehicles(["a"])
    box.delivered({"a": HERE}, 1000)
    box.add_vehicles(["b"])
    assert box.due(5999, 9) == []
    assert box.due(6000, 9) == ["b"]


def test_a_vehicle_waits_for_its_own_turn_and_keeps_no_other() -> None:
    box = Outbox(1000, 10_000)
    box.add_vehicles(["a"])
    box.delivered({"a": HERE}, 0)
    box.add_vehicles(["a", "b"])
    assert box.due(9999, 9) == ["b"]
    assert box.due(10_000, 9) == ["a", "b"]


def test_what_was_told_is_no_news_and_another_place_is() -> None:
    box = Outbox(1000, 0)
    assert box.is_news("a", HERE)
    box.delivered({"a": HERE}, 0)
    assert not box.is_news("a", HERE)
    assert box.is_news("a", (1, 60.0, 24.5))
    box.forget_vehicles(["a"])
    assert box.is_news("a", HERE), "it is another one by that name"


def test_after_a_failure_they_go_on_waiting_ever_longer() -> None:
    box = Outbox(1000, 0)
    box.add_vehicles(["a"])
    waits, now = [], 0
    for _ in range(12):
        box.failed(now, now)
        waits.append(box.next_at - now)
        assert box.due(box.next_at - 1, 9) == []
        now = box.next_at
        assert box.due(now, 9) == ["a"]
    assert waits[:4] == [FIRST_RETRY_MS, 2 * FIRST_RETRY_MS, 4 * FIRST_RETRY_MS, 8 * FIRST_RETRY_MS]
    assert waits[-1] == LONGEST_RETRY_MS
    box.delivered({"a": HERE}, now)
    assert box.next_at == now + 1000, "and all is well again"


def test_a_failure_never_makes_it_faster_than_without() -> None:
    box = Outbox(60_000, 0)
    box.failed(asked_at=0, now=10_000)
    assert box.next_at == 60_000


def test_who_asks_to_be_left_alone_is_for_an_hour_at_most() -> None:
    for asked_ms, waits in ((30_000, 30_000), (10 * LONGEST_PAUSE_MS, LONGEST_PAUSE_MS)):
        box = Outbox(1000, 0)
        box.failed(0, 0, asked_ms)
        assert box.next_at == waits


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 4000), st.booleans()), max_size=60))
def test_no_request_and_no_vehicle_comes_too_early_whatever_happens(steps: list[tuple[str, int, bool]]) -> None:
    box, now = Outbox(3000, 7000), 0
    asked: list[int] = []
    told: dict[str, list[int]] = {}
    for number, (vehicle, passed, answers) in enumerate(steps):
        now += passed
        box.add_vehicles([vehicle])
        if due := box.due(now, 2):
            asked.append(now)
            if answers:
                box.delivered(dict.fromkeys(due, (number,)), now)
                for one in due:
                    told.setdefault(one, []).append(now)
            else:
                box.failed(now, now)
    assert all(later - earlier >= 3000 for earlier, later in pairwise(asked))
    for times in told.values():
        assert all(later - earlier >= 7000 for earlier, later in pairwise(times))
