"""The boxes of a segment: where a vehicle was in a quarter of a day, and on its way into the next."""

from __future__ import annotations

from tracker.model.columns import Columns
from tracker.model.commit import APART, LIVE, StoredPing
from tracker.model.ping import Ping
from tracker.stores.packing import FEW, WRAPPED, boxes_of

T0 = 1_790_035_200_000  # the beginning of an hour
MINUTE = T0 // 60_000


def columns(*fixes: tuple[float, float, float], taken: int = LIVE) -> Columns:
    """Of (second, lat, lon)."""
    told = [StoredPing(1, Ping("van", T0 + int(second * 1000), lat, lon), T0, taken) for second, lat, lon in fixes]
    return Columns.all_of(told)


def degrees(*values: float) -> tuple[int, ...]:
    return tuple(round(value * 1e7) for value in values)


def test_each_quarter_of_a_day_has_a_box_with_the_first_fix_of_the_next() -> None:
    every = 6 * 3600 / FEW
    first = [(at * every, 60.0, 24.0 + at / 1e4) for at in range(FEW)]
    second = [(6 * 3600 + at * every, 61.0, 25.0) for at in range(FEW)]
    assert boxes_of(columns(*first, *second)) == {
        0: (*degrees(24.0, 25.0), *degrees(60.0, 61.0), MINUTE, MINUTE + 360),
        1: (*degrees(25.0, 25.0), *degrees(61.0, 61.0), MINUTE + 360, MINUTE + 719),
    }


def test_hours_of_a_vehicle_that_tells_little_share_one() -> None:
    told = [(hour * 3600, 60.0, 24.0 + hour) for hour in range(20)]
    assert list(boxes_of(columns(*told)).values()) == [
        (*degrees(24.0, 43.0), *degrees(60.0, 60.0), MINUTE, MINUTE + 19 * 60)
    ]


def test_round_the_back_it_has_two() -> None:
    boxes = boxes_of(columns((0, -16.5, 179.5), (60, -17.0, -179.0), (120, -16.0, 178.0)))
    assert boxes == {
        WRAPPED: (*degrees(-180.0, -179.0), *degrees(-17.0, -16.0), MINUTE, MINUTE + 2),
        0: (*degrees(178.0, 180.0), *degrees(-17.0, -16.0), MINUTE, MINUTE + 2),
    }


def test_what_is_apart_is_in_none() -> None:
    assert boxes_of(columns((0, 0.0, 0.0), taken=APART)) == {}
