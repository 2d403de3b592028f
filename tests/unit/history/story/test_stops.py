"""Stops: found where they were, and nowhere else."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.support.rounds import BEGAN, LAT, LON, SEEDS, at, columns_of, drive, driven, fixes, score
from tracker.history.story.stops import Silence, Stop, Stops
from tracker.model.ping import Ping

ROUNDS = [drive(seed) for seed in SEEDS]


def stops_in(pings: Sequence[Ping]) -> list[Stop]:
    return [one for one in found_in(pings) if isinstance(one, Stop)]


def found_in(pings: Sequence[Ping]) -> list[Stop | Silence]:
    looked = Stops()
    looked.take_fixes(columns_of(pings))
    return looked.done()


def test_the_rounds_hold_136_stops() -> None:
    assert sum(len(one.stops) for one in ROUNDS) == 136
    assert min(until - since for one in ROUNDS for since, until in one.stops) >= 150_000


@pytest.mark.parametrize(
    "step_s, noise_m, lost, least, most",
    [(10, 5, 0.0, 136, 0), (30, 5, 0.1, 134, 2), (10, 20, 0.0, 132, 5)],
    ids=["every 10 s, 5 m off", "every 30 s, a tenth lost", "every 10 s, 20 m off"],
)
def test_stops_are_found_and_jams_are_none(step_s: float, noise_m: float, lost: float, least: int, most: int) -> None:
    found = wrong = 0
    for seed, one in zip(SEEDS, ROUNDS, strict=True):
        stops = stops_in(fixes(one, seed, step_s, noise_m, lost))
        hits, misses, _ = score(one.stops, [(stop.since, stop.until) for stop in stops])
        found, wrong = found + hits, wrong + misses
    assert found >= least
    assert wrong <= most


def test_how_near_follows_what_a_receiver_says_of_itself() -> None:
    wavering = [at(10 * k, (60 if k % 2 else 0), accuracy_m=30) for k in range(30)]
    assert len(stops_in(wavering)) == 1
    assert stops_in([at(10 * k, (60 if k % 2 else 0), accuracy_m=5) for k in range(30)]) == []


def test_one_fix_outside_is_a_stray_and_two_end_a_stop() -> None:
    standing = driven((300, 0))
    one_out = [*standing[:15], at(150, 90), *standing[16:]]
    assert [(stop.since, stop.until) for stop in stops_in(one_out)] == [(BEGAN, BEGAN + 290_000)]
    leaves = [*standing, at(300, 150), at(310, 300), at(320, 450)]
    assert [stop.until for stop in stops_in(leaves)] == [BEGAN + 290_000]


def test_it_arrives_between_two_fixes() -> None:
    arrives = [*(at(20 * k, 10 * 20 * k - 1500) for k in range(8)), *(at(160 + 20 * k, 0) for k in range(15))]
    [stop] = stops_in(arrives)  # at 140 s it is 100 m away, comes on with 10 m/s and brakes
    assert stop.since == pytest.approx(BEGAN + 152_500, abs=100)


def test_it_is_where_most_of_its_fixes_are() -> None:
    standing = [at(10 * k, 0) for k in range(20)] + [at(200 + 10 * k, 30) for k in range(5)]
    [stop] = stops_in(standing)
    assert (stop.lat, stop.lon) == pytest.approx((LAT, LON), abs=2e-7)


def test_a_stop_counts_to_its_last_fix_and_a_silence_is_no_stop() -> None:
    drives_off = [*driven((200, 12)), *driven((200, 12), begins_s=4000, east=20_000)]
    assert found_in(drives_off) == [Silence(19, 20)]
    stands = [*driven((200, 0)), *driven((200, 0), begins_s=4000)]
    assert [(one.since, one.until) for one in stops_in(stands)] == [
        (BEGAN, BEGAN + 190_000),
        (BEGAN + 4_000_000, BEGAN + 4_190_000),
    ]
    seen_once = [*driven((200, 12)), at(230, 2400), at(900, 30_000), at(910, 30_120)]
    assert stops_in(seen_once) == []


def test_who_reports_every_half_hour_stands_as_well() -> None:
    parked = [*driven((200, 12)), *(at(230 + 1800 * k, 2450) for k in range(20)), at(34_500, 2600), at(34_510, 2720)]
    stops = stops_in(parked)
    assert len(stops) == 1
    [stop] = stops
    assert stop.until - stop.since == pytest.approx(19 * 1800_000, abs=30_000)
    assert not any(isinstance(one, Silence) for one in found_in(parked))


def test_what_nobody_can_have_driven_to_is_left_out_and_what_stays_so_parts() -> None:
    standing = driven((600, 0))
    thrown = [*standing[:20], at(200, 50_000), at(210, 50_000, 50_000), *standing[22:]]
    assert [(one.since, one.until) for one in stops_in(thrown)] == [(BEGAN, BEGAN + 590_000)]
    moved = [*standing[:30], *(at(300 + 10 * k, 500_000) for k in range(30))]
    first, parted, second = found_in(moved)
    assert isinstance(first, Stop) and isinstance(second, Stop) and parted == Silence(29, 30)


def test_who_wavers_about_and_is_back_never_left() -> None:
    wavers = [at(10 * k, 70 if 20 <= k < 24 else 0) for k in range(60)]
    assert [(one.since, one.until) for one in stops_in(wavers)] == [(BEGAN, BEGAN + 590_000)]
    goes = [at(10 * k, 150 if 20 <= k < 24 else 0) for k in range(60)]
    assert len(stops_in(goes)) == 2


@pytest.mark.parametrize("lat, lon", [(0.0, 180.0), (-17.0, -179.9999), (89.9999, 10.0), (-89.9999, 10.0)])
def test_it_stands_at_the_antimeridian_and_beside_a_pole_as_anywhere(lat: float, lon: float) -> None:
    places = [(3, 0), (-3, 2), (0, -3), (2, 3), (-2, -2)]
    standing = [at(10 * k, *places[k % 5], lat=lat, lon=lon) for k in range(40)]
    [stop] = stops_in(standing)
    assert stop.until - stop.since == 390_000
    assert stop.lat == pytest.approx(lat, abs=1e-4)


@pytest.mark.parametrize("pings", [[], driven((10, 0)), driven((20, 0)), [at(0, 0), at(900, 0)]])
def test_few_fixes_make_no_stop(pings: list[Ping]) -> None:
    assert stops_in(pings) == []


def test_fixes_may_come_piece_by_piece() -> None:
    pings = fixes(ROUNDS[3], 3, 10, 20, 0.2)
    whole = found_in(pings)
    for size in (1, 7, 100):
        looked = Stops()
        columns = columns_of(pings)
        for begin in range(0, len(pings), size):
            looked.take_fixes(columns.take(slice(begin, begin + size)))
        assert looked.done() == whole
