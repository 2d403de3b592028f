from __future__ import annotations

from tracker.turns.allowance import BURST_S, Allowances


def test_three_seconds_worth_may_come_at_once_and_then_as_fast_as_it_is_allowed() -> None:
    allowances = Allowances(rate=2)
    assert [allowances.take_one_for("a", 0.0) for _ in range(8)] == [True] * int(2 * BURST_S) + [False] * 2
    assert allowances.take_one_for("b", 0.0)
    assert [allowances.take_one_for("a", 0.5) for _ in range(2)] == [True, False]


def test_who_has_used_up_nothing_is_forgotten_and_nobody_else() -> None:
    allowances = Allowances(rate=1)
    for _ in range(4):
        allowances.take_one_for("storms", 0.0)
    allowances.take_one_for("calm", 0.0)
    allowances.forget_whole(1.0)
    assert [allowances.take_one_for("storms", 1.0) for _ in range(2)] == [True, False]
    assert sum(allowances.take_one_for("calm", 1.0) for _ in range(5)) == 3
