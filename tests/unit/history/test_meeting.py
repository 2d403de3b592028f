"""Which days of a vehicle are looked at for a shape: all that can make a difference, and no others."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from tests.support.scenario import box, place
from tracker.fleet.fleet import FleetSettings
from tracker.geometry.geojson import read_shape
from tracker.history.inside import SILENT_MS, believed, inside
from tracker.history.meeting import meeting
from tracker.model.columns import Columns, gather
from tracker.model.commit import APART, HELD, LIVE, StoredPing
from tracker.model.ping import Ping

YARD = read_shape(box(0, 0, 400, 300))
LIMITS = FleetSettings()
DAY = 20_780 * 86_400_000
HOUR = 3_600_000
Fix = tuple[float, float, float, int]  # hours since DAY, metres east, metres north, and how it was taken


def day(*fixes: Fix, lon: float | None = None) -> Columns:
    found = []
    for at, east, north, _ in fixes:
        lat, its_lon = place(east, north)
        ping = Ping("van", DAY + round(at * HOUR), lat, its_lon if lon is None else lon)
        found.append(StoredPing(1, ping, ping.time, LIVE))
    columns = Columns.from_pings(found)
    columns.taken[:] = [taken for *_, taken in fixes]
    return columns


def left(*days: Columns) -> list[int]:
    told = meeting(list(days), YARD.boxes, LIMITS)
    return [at for at, one in enumerate(days) if any(one is other for other in told)]


FAR, NEAR, HERE, BEYOND = (2000, 100), (-500, 100), (200, 100), (900, 100)


@pytest.mark.parametrize(
    ("days", "stay"),
    [
        ([day((1, *FAR, LIVE)), day((25, *FAR, LIVE)), day((49, *FAR, LIVE))], []),
        ([day((1, *FAR, LIVE)), day((25, *HERE, LIVE)), day((49, *FAR, LIVE)), day((73, *FAR, LIVE))], [0, 1, 2]),
        ([day((1, *FAR, LIVE)), day((25, *NEAR, LIVE), (25.01, *BEYOND, LIVE), (26, *BEYOND, LIVE))], [0, 1]),
        ([day((1, *NEAR, LIVE), (23.99, *NEAR, LIVE)), day((24.01, *BEYOND, LIVE)), day((49, *FAR, LIVE))], [0, 1]),
        ([day((1, *HERE, HELD)), day((25, *FAR, LIVE))], []),
        ([day((1, *NEAR, LIVE)), day((25, *FAR, HELD)), day((49, *BEYOND, LIVE))], [0, 2]),
        ([day((1, *HERE, LIVE))], [0]),
        ([day((1, *FAR, LIVE)), day((25, *FAR, APART))], [0, 1]),
        ([day((1, *FAR, LIVE), (5, *FAR, LIVE)), day((4, *FAR, LIVE))], [0, 1]),
        ([day((1, *FAR, LIVE), lon=170)], []),
        ([day((1, *FAR, LIVE), lon=-180.0)], [0]),
        ([day((1, *FAR, LIVE), lon=-170), day((25, *FAR, LIVE), lon=170)], [0, 1]),
    ],
)
def test_a_day_is_looked_at_where_a_line_of_it_meets_the_shape(days: list[Columns], stay: list[int]) -> None:
    assert left(*days) == stay


def test_what_is_left_out_changes_no_answer() -> None:
    chance = random.Random(14)
    fewer = 0
    for _ in range(150):
        days = []
        for number in range(chance.randint(1, 5)):
            times = sorted({24 * number + chance.randrange(24 * 60) / 60 for _ in range(chance.randint(1, 5))})
            fast = [time + 0.02 for time, after in pairwise(times) if after - time > 0.05]
            spots = [chance.choice((FAR, FAR, FAR, FAR, NEAR, HERE, BEYOND)) for _ in [*times, *fast]]
            taken = [HELD if chance.random() < 0.1 else LIVE for _ in spots]
            days.append(
                day(*((at, *spot, how) for at, spot, how in zip(sorted(times + fast), spots, taken, strict=True)))
            )
        told = meeting(days, YARD.boxes, LIMITS)
        fewer += len(days) - len(told)
        whole, some = (
            list(inside(YARD, believed(gather(one), LIMITS), DAY, DAY + 5 * SILENT_MS, LIMITS)) for one in (days, told)
        )
        assert some == whole
    assert fewer > 50
