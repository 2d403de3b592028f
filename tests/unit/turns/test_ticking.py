"""How long a tick is, and where telling many viewers is cut."""

from __future__ import annotations

import pytest

from tracker.turns.ticking import FEW, SLICE_S, Slices, tick_s


@pytest.mark.parametrize(
    ("spent_ms", "tick_ms"),
    [
        (0.0, 5),  # next to nothing: as short as it gets
        (0.6, 5),
        (1.5, 10),  # 15 % of the loop
        (7.5, 50),
        (10.0, 50),
        (12.5, 50),  # a quarter of it
        (100.0, 400),
        (1000.0, 1000),  # never longer
    ],
)
def test_a_tick_is_as_short_as_telling_is_cheap(spent_ms: float, tick_ms: float) -> None:
    assert tick_s(spent_ms / 1000) == pytest.approx(tick_ms / 1000)


class Cpu:
    """What the thread has used: each look at it is counted."""

    def __init__(self) -> None:
        self.used_s = 100.0
        self.looks = 0

    def __call__(self) -> float:
        self.looks += 1
        return self.used_s


def test_a_slice_is_over_when_it_has_used_its_time_and_not_while_others_do() -> None:
    cpu = Cpu()
    slices = Slices(cpu)
    cpu.used_s += SLICE_S / 2
    assert not any(slices.is_over() for _ in range(FEW))
    cpu.used_s += SLICE_S
    assert [slices.is_over() for _ in range(FEW)] == [False] * (FEW - 1) + [True]
    slices.end()
    cpu.used_s += 5  # of others
    slices.begin()
    assert not any(slices.is_over() for _ in range(3 * FEW))
    cpu.used_s += SLICE_S / 2
    slices.end()
    assert slices.spent_s == pytest.approx(2 * SLICE_S)


def test_the_clock_is_looked_at_after_every_few_viewers_and_after_what_is_large() -> None:
    cpu = Cpu()
    slices = Slices(cpu)
    cpu.used_s += 2 * SLICE_S
    assert not slices.is_over()
    assert cpu.looks == 1
    assert slices.is_over(large=True)
    assert cpu.looks == 2
