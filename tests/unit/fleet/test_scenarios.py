"""Drives through town, and what must be said of them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.scenario import START, Drive, Town, box, draw, feature, place, point
from tracker.fleet.fleet import Outcome
from tracker.model.events import event_id
from tracker.model.ping import Ping
from tracker.model.states import PARKED
from tracker.regions.region import Region

DEPOT = box(0, 0, 400, 300)


def town(**properties: object) -> Town:
    return Town().region("depot", DEPOT, **properties)


# -- in, out, across --------------------------------------------------------------------------------------------------


def test_a_van_comes_and_goes() -> None:
    drive = town().drive("van-7").at(-500, 100).expect()
    drive.at(200, 100, speed_mps=8.0).expect("enter depot", reason="moved", time=START + 20_000)
    drive.at(250, 100, speed_mps=12.5).at(300, 100, speed_mps=4.0).expect()
    drive.at(900, 100, speed_mps=30.0).expect(
        "exit depot", duration_s=30.0, max_speed_mps=12.5, entered_at=START + 20_000
    )


def test_a_van_first_seen_inside_is_in() -> None:
    town().drive("van-7").at(3, 3).expect("enter depot", reason="first_seen")


def test_a_vehicle_on_the_boundary_is_inside_at_first_sight() -> None:
    town().drive("van-7").at(0, 100).expect("enter depot")


def test_exits_come_before_crosses_before_enters() -> None:
    scene = draw("1A . B . 2C")
    drive = scene.town().drive("van-7")
    drive.along(*scene).expect("enter A", "exit A", "cross B", "enter C")


def test_events_of_one_kind_come_in_the_order_of_their_region() -> None:
    t = Town()
    for id in ("b", "c", "a"):
        t.region(id, DEPOT)
    t.drive("van-7").at(200, 100).expect("enter a", "enter b", "enter c").at(900, 100).expect(
        "exit a", "exit b", "exit c"
    )


def test_a_region_has_a_hole() -> None:
    scene = draw("""
        .  A  A  A  A  A
        .  A  A  A  A  A
        1  2A A  3  A  4A
        .  A  A  A  A  A
        .  A  A  A  A  A
    """)
    drive = scene.town().drive("van-7")
    drive.at(*scene.places[0]).expect().at(*scene.places[1]).expect("enter A")
    drive.at(*scene.places[2]).expect("exit A").at(*scene.places[3]).expect("enter A")


def test_a_region_has_two_parts() -> None:
    scene = draw("1 2A 3 4A 5")
    scene.town().drive("van-7").along(*scene).expect("enter A", "exit A", "enter A", "exit A")


def test_driving_from_part_to_part_of_a_region_is_one_visit() -> None:
    scene = draw("1A . 2A")
    scene.town().drive("van-7").along(*scene).expect("enter A")


def test_a_region_between_two_fixes_is_crossed() -> None:
    scene = draw("1 . A A . 2")
    drive = scene.town().drive("van-7").along(*scene)
    event = drive.town.events[0]
    drive.expect("cross A", time=START + 20_000, chord_m=200.0)
    entered, left = event.detail["entered_at"] - START, event.detail["exited_at"] - START
    assert (round(entered / 100), round(left / 100)) == (130, 170), "three and seven tenths of the way"
    assert event.detail["duration_s"] == pytest.approx(4, abs=0.01)


def test_nothing_is_crossed_in_the_dark() -> None:
    """After more than five minutes the straight line is no evidence."""
    scene = draw("1 . A A . 2")
    drive = scene.town().drive("van-7").at(*scene.places[0])
    drive.at(*scene.places[1], after=301).expect()
    drive.at(*scene.places[0], after=300).expect("cross A")


def test_a_shallow_visit_is_one_cross() -> None:
    drive = town().drive("van-7").at(-100, 100)
    drive.at(4, 100).expect()  # 4 m inside, 10 m accuracy: perhaps
    drive.at(6, 120).expect()
    drive.at(-15, 140).expect()  # perhaps still
    drive.at(-60, 160).expect("cross depot", reason="moved")


def test_a_touch_that_becomes_a_visit_is_no_cross() -> None:
    drive = town().drive("van-7").at(-100, 100).at(4, 100).expect().at(40, 100).expect("enter depot")
    drive.at(-100, 100).expect("exit depot")


def test_a_slow_cross_begins_and_ends_at_the_edge() -> None:
    drive = town().drive("van-7").at(-100, 100).at(4, 100).at(4, 200).at(-100, 200)
    event = drive.town.events[0]
    drive.expect("cross depot")
    assert START + 19_000 < event.detail["entered_at"] < START + 20_000
    assert START + 30_000 < event.detail["exited_at"] < START + 31_000
    assert event.detail["chord_m"] == pytest.approx(4 + 100 + 4, abs=0.5)


# -- calm -------------------------------------------------------------------------------------------------------------


def test_in_by_less_than_the_accuracy_is_not_in() -> None:
    drive = town().drive("van-7").at(-100, 100)
    drive.at(12, 100, accuracy_m=15).expect().at(16, 100, accuracy_m=15).expect("enter depot")


def test_no_more_than_25_m_are_asked_for() -> None:
    town().drive("van-7").at(-100, 100).at(26, 100, accuracy_m=150).expect("enter depot")


def test_out_by_less_than_twice_the_accuracy_is_not_out() -> None:
    drive = town().drive("van-7").at(200, 100)
    drive.expect("enter depot").at(-45, 100, accuracy_m=24).expect().at(-50, 100, accuracy_m=24).expect("exit depot")


def test_nobody_is_in_from_over_100_m_away() -> None:
    drive = town().drive("van-7").at(200, 100, accuracy_m=200)
    drive.expect("enter depot").at(-101, 100, accuracy_m=200).expect("exit depot")


def test_an_accuracy_of_nothing_is_an_unknown_one() -> None:
    drive = town().drive("van-7").at(-100, 100, speed_mps=9).at(8, 100, accuracy_m=0, speed_mps=9).expect()
    drive.at(11, 100, accuracy_m=0, speed_mps=9).expect("enter depot")


def test_a_small_region_can_be_entered_with_a_poor_fix() -> None:
    t = Town().region("kiosk", box(0, 0, 10, 10))
    t.drive("van-7").at(-100, 5).at(5, 5, accuracy_m=40).expect("enter kiosk")


def test_without_debounce_the_line_decides() -> None:
    drive = town(debounce="none").drive("van-7").at(-1, 100).at(1, 100).expect("enter depot")
    drive.at(-1, 100).expect("exit depot").at(-1, 150).expect()
    drive.at(-50, -50).at(50, -50).expect().at(-50, 50).expect("cross depot")


def test_an_explanation_has_no_minus_nothing() -> None:
    exact = town(debounce="none")
    exact.drive("van-7").at(1, 100)
    [enter] = exact.new()
    assert (str(enter.detail["why"]["enter_m"]), enter.detail["why"]["exit_m"]) == ("0.0", 0.0)


# -- order ------------------------------------------------------------------------------------------------------------


def test_a_late_ping_moves_nothing() -> None:
    drive = town().drive("van-7").at(-500, 100).at(-400, 100)
    drive.at(200, 100, late=15).expect(outcome=Outcome.LATE).at(-300, 100).expect()


def test_a_duplicate_is_said_to_be_one() -> None:
    drive = town().drive("van-7").at(-500, 100)
    drive.at(-500, 100, fix=START + 10_000).expect(outcome=Outcome.DUPLICATE)
    drive.at(200, 100, fix=START + 10_000).expect(outcome=Outcome.CONFLICT)


def test_a_late_ping_twice_is_a_duplicate() -> None:
    drive = town().drive("van-7").at(-500, 100).at(-400, 100)
    drive.at(0, 0, fix=START + 15_000).expect(outcome=Outcome.LATE)
    drive.at(0, 0, fix=START + 15_000).expect(outcome=Outcome.DUPLICATE)


# -- one fix is no proof ----------------------------------------------------------------------------------------------


def parked(**known: Any) -> Drive:
    """A van that stands in the depot and reports there."""
    return town().drive("van-7").at(200, 100, **known).at(200, 100, **known).at(201, 100, **known).expect("enter depot")


@pytest.mark.parametrize("known", [{}, {"speed_mps": 0.0}, {"accuracy_m": 2.0}, {"accuracy_m": 2.0, "speed_mps": 1.9}])
def test_one_fix_elsewhere_moves_no_vehicle_that_stands(known: dict[str, Any]) -> None:
    drive = parked(**{**known, "speed_mps": 0.0})
    for east in (-200, 600, -300):
        drive.at(east, 100, **known).expect(outcome=Outcome.ACCEPTED)
        drive.at(200, 100).expect()
    drive.at(200, 100).at(-200, 100).at(200, 103).at(640, 100).at(200, 100).wait(600).expect()


def test_a_second_fix_outside_makes_the_exit_as_of_the_first() -> None:
    drive = parked().at(-200, 100).expect()
    drive.town.restart()
    drive.at(200, 600).expect("exit depot", time=START + 40_000, lon=place(-200, 100)[1], duration_s=30.0)
    parked().at(-200, 100).at(-10, 100).expect()  # in the edge: not outside
    parked().at(-200, 100).at(-30, 100).expect("exit depot", time=START + 40_000)


def test_an_exit_that_nothing_refutes_counts_after_two_minutes() -> None:
    drive = parked().at(-200, 100).wait(119).expect()
    drive.town.restart()
    drive.wait(1).expect("exit depot", time=START + 40_000, reason="moved", received_at=START + 160_000)
    at_once = parked().at(-200, 100)
    at_once.town.now += 120_000  # a busy loop: its timer had no turn
    at_once.at(200, 100, after=0, fix=START + 160_000).expect("exit depot")


def test_a_second_fix_gives_the_same_exit_as_no_doubt() -> None:
    sure = parked().at(-200, 100, speed_mps=9.0).town.new()
    parked().at(-200, 100).at(-300, 100).expect("exit depot", id=sure[0].id)


def test_who_moves_leaves_at_once() -> None:
    parked().at(-200, 100, speed_mps=2.0).expect("exit depot")
    town().drive("van-7").at(100, 100).at(200, 100).at(500, 100).expect("enter depot", "exit depot")


def test_one_fix_moves_nobody_in_either() -> None:
    drive = town().drive("van-7").along((-300, 100), (-300, 100), (200, 100)).expect()
    drive.at(-300, 100).at(200, 100).expect().at(210, 100).expect("enter depot", time=START + 50_000)
    drive.at(210, 100).at(210, 100).at(-300, 100, speed_mps=9.0).expect("exit depot", entered_at=START + 50_000)


def test_one_fix_beyond_a_region_crosses_nothing() -> None:
    drive = town().drive("van-7").along((-200, 100), (-200, 100), (600, 100), (-200, 100), (-200, 100)).expect()
    drive.at(600, 100).expect().at(610, 100).expect("cross depot", time=START + 60_000, chord_m=400.0)


def test_where_a_fix_was_doubted_an_exact_region_decides_alone() -> None:
    t = town(debounce="none").region("calm", box(-50, -50, 450, 350))
    drive = t.drive("van-7").at(200, 100).at(200, 100).at(200, 100).expect("enter calm", "enter depot")
    drive.at(-200, 100).expect("exit depot").at(200, 100).expect("enter depot")
    drive.at(-200, 100).at(-210, 100).expect("exit depot", "exit calm", time=START + 60_000)


def test_an_edit_decides_anew_what_was_in_doubt() -> None:
    drive = parked().at(-200, 100)
    drive.town.region("depot", box(-300, 0, 400, 300))
    drive.at(-200, 100).at(-200, 100).expect()
    drive = parked().at(-200, 100)
    drive.town.delete("depot")
    drive.expect("exit depot", reason="region_deleted").at(-200, 100).expect()


def test_one_glitch_does_not_start_a_parked_vehicle() -> None:
    drive = parked().wait(400)
    before = drive.town.fleet.vehicles["van-7"].since
    drive.at(-200, 100).at(200, 100)
    vehicle = drive.town.fleet.vehicles["van-7"]
    assert (vehicle.state, vehicle.since) == (PARKED, before)


# -- fixes that decide nothing ----------------------------------------------------------------------------------------


def test_an_inaccurate_fix_is_shown_and_decides_nothing() -> None:
    drive = town(rules={"speed_limit_mps": 5}).drive("van-7").at(200, 100, speed_mps=3.0).expect("enter depot")
    drive.at(-300, 100, accuracy_m=200.1, speed_mps=9.0).expect(outcome=Outcome.ACCEPTED)
    moved = drive.town.steps[-1].change.moved[0]
    assert moved.ping.lon == place(-300, 100)[1]
    assert set(moved.regions) == {"depot"}
    drive.town.restart()
    drive.at(-320, 100, accuracy_m=200, speed_mps=9.0).expect("exit depot", duration_s=20.0)


def test_lines_and_jumps_start_from_the_newest_fix_that_decides() -> None:
    drive = town().drive("van-7").at(-500, 100, speed_mps=9.0).at(200, 2000, accuracy_m=2000).expect()
    drive.at(900, 100, speed_mps=9.0).expect("cross depot", time=START + 30_000, outcome=Outcome.ACCEPTED)
    drive.at(9000, 100, accuracy_m=300).expect(outcome=Outcome.HELD)
    assert drive.town.fleet.vehicles["van-7"].held is None, "it is no evidence of anything"


def test_who_never_had_an_accurate_fix_is_in_no_region() -> None:
    drive = town().drive("van-7").at(200, 100, accuracy_m=5000).at(210, 100, accuracy_m=201).expect()
    drive.town.region("other", DEPOT)
    drive.town.restart()
    drive.wait(60).expect()
    drive.at(3, 3).expect("enter depot", "enter other", reason="first_seen")


def test_viewers_of_a_region_keep_the_fix_that_decided_while_the_newest_lies_far_outside() -> None:
    drive = town().drive("van-7").at(200, 100, speed_mps=3.0)

    def beyond() -> tuple[tuple[str, ...], int | None]:
        moved = drive.town.steps[-1].change.moved[0]
        return moved.beyond, moved.decided.time if moved.decided else None

    drive.at(-99, 100, accuracy_m=300)
    assert beyond() == ((), None)
    drive.at(-101, 100, accuracy_m=300)
    assert beyond() == (("depot",), START + 10_000)
    drive.town.restart()
    assert drive.town.fleet.snapshot().moved[0].beyond == ("depot",)
    drive.at(200, 100, speed_mps=0.0).at(200, 100, speed_mps=0.0).at(-300, 100)
    assert beyond() == (("depot",), START + 50_000), "so with a fix in doubt"
    drive.at(200, 100)
    assert beyond() == ((), None)


def test_an_old_exit_is_delayed() -> None:
    drive = town().drive("van-7").at(200, 100).expect("enter depot", delayed=False)
    drive.wait(1000).at(900, 100, late=301, speed_mps=9).expect("exit depot", delayed=True)
    drive.at(200, 100, late=300, speed_mps=9).expect("enter depot", delayed=False)


# -- jumps ------------------------------------------------------------------------------------------------------------


def test_a_jump_is_held_and_forgotten_when_the_next_ping_is_where_it_was() -> None:
    drive = town().drive("van-7").at(200, 100).expect("enter depot")
    drive.at(5000, 100).expect(outcome=Outcome.HELD)
    drive.at(210, 100).expect(outcome=Outcome.ACCEPTED)


def test_a_jump_counts_when_the_next_ping_agrees() -> None:
    drive = town().drive("van-7").at(200, 100).expect("enter depot")
    drive.at(5000, 100).expect(outcome=Outcome.HELD)
    drive.at(5100, 100).expect("exit depot", time=START + 20_000, outcome=Outcome.ACCEPTED)
    assert drive.town.fleet.vehicles["van-7"].held is None


def test_two_wild_pings_are_both_held() -> None:
    drive = town().drive("van-7").at(200, 100).expect("enter depot")
    drive.at(5000, 100).expect(outcome=Outcome.HELD).at(-9000, 100).expect(outcome=Outcome.HELD)
    drive.at(220, 100).expect(outcome=Outcome.ACCEPTED)


def test_after_two_held_in_a_row_the_third_is_a_first_sight() -> None:
    drive = town().region("way", box(3000, 0, 3300, 300)).drive("van-7").at(200, 100).expect("enter depot")
    drive.at(9000, 100).expect(outcome=Outcome.HELD).at(-9000, 100).expect(outcome=Outcome.HELD)
    drive.town.restart()
    drive.at(6000, 100).expect("exit depot", outcome=Outcome.ACCEPTED, time=START + 40_000)
    drive.at(6100, 100).at(6200, 100).expect(outcome=Outcome.ACCEPTED)


def test_a_first_sight_after_two_held_enters_by_plain_containment() -> None:
    drive = town().drive("van-7").at(-9000, 100).at(9000, 100).at(-29_000, 100).expect(outcome=Outcome.HELD)
    drive.at(3, 3).expect("enter depot", outcome=Outcome.ACCEPTED)
    assert "from" not in drive.town.steps[-1].change.events[0].detail["why"], "no line leads there"


@pytest.mark.parametrize("speed_mps", [83.3, 75.0, 100.0, 340.0])
def test_a_steady_high_speed_is_no_jump(speed_mps: float) -> None:
    drive = town().drive("train").at(-9000, 100, speed_mps=speed_mps)
    for step in range(1, 6):
        drive.at(-9000 + step * speed_mps * 10, 100, speed_mps=speed_mps)
        assert drive.outcome == Outcome.ACCEPTED


def test_a_speed_derived_from_a_glitch_is_no_proof() -> None:
    drive = town().drive("van-7").at(200, 100, speed_mps=14.0).expect("enter depot")
    drive.at(3200, 100, speed_mps=300.0).expect(outcome=Outcome.HELD)
    drive.at(340, 100, speed_mps=14.0).expect(outcome=Outcome.ACCEPTED)
    drive.at(50_340, 100, speed_mps=1000.0).expect(outcome=Outcome.HELD)
    drive.at(6200, 100, speed_mps=300.0).expect(outcome=Outcome.HELD)
    drive.at(380, 100, speed_mps=14.0).expect(outcome=Outcome.ACCEPTED)


def test_two_speeds_that_agree_do_not_excuse_what_nothing_drives() -> None:
    drive = town().drive("van-7").at(200, 100, speed_mps=400.0).at(4200, 100, speed_mps=400.0)
    drive.expect("enter depot", outcome=Outcome.HELD)


def test_accuracy_excuses_a_leap() -> None:
    town().drive("van-7").at(0, 0).at(850, 0, accuracy_m=150).expect("enter depot", "exit depot")


def test_after_five_minutes_nothing_is_a_jump() -> None:
    town().drive("van-7").at(200, 100).at(90_000, 0, after=301).expect("enter depot", "exit depot", reason="moved")


def test_a_ping_from_before_the_held_one_does_not_refute_it() -> None:
    drive = town().drive("van-7").at(0, 1000).at(5000, 1000).expect(outcome=Outcome.HELD)
    drive.at(0, 1010, late=15).expect(outcome=Outcome.ACCEPTED)
    drive.at(5100, 1000).expect(outcome=Outcome.ACCEPTED)
    assert drive.town.fleet.vehicles["van-7"].ping.lon == place(5100, 0)[1]


def test_a_jump_that_came_before_its_like_is_taken_with_it() -> None:
    drive = town().drive("van-7").at(0, 1000).at(5000, 1000).expect(outcome=Outcome.HELD)
    drive.at(4950, 1000, late=15).expect(outcome=Outcome.ACCEPTED)
    assert drive.town.fleet.vehicles["van-7"].ping.lon == place(5000, 0)[1]


def test_a_second_wild_ping_from_before_the_held_one_is_history() -> None:
    drive = town().drive("van-7").at(0, 1000).at(5000, 1000).expect(outcome=Outcome.HELD)
    drive.at(-5000, 1000, late=15).expect(outcome=Outcome.HELD)
    held = drive.town.fleet.vehicles["van-7"].held
    assert held is not None
    assert held.lon == place(5000, 0)[1]


def test_between_two_stories_the_slower_one_is_believed() -> None:
    drive = town().drive("van-7").at(0, 1000).at(3000, 1000).expect(outcome=Outcome.HELD)
    drive.at(50, 1000, after=120).expect(outcome=Outcome.ACCEPTED)
    drive.at(100, 1000).expect(outcome=Outcome.ACCEPTED)


# -- time and speed ---------------------------------------------------------------------------------------------------


def test_dwell_comes_with_the_first_fix_after_it() -> None:
    drive = town(rules={"dwell_s": 60}).drive("van-7").at(200, 100).expect("enter depot")
    for _ in range(5):
        drive.at(210, 100).expect()
    drive.town.now += 5_000  # a timer that was late
    drive.at(200, 100, after=5).expect("dwell depot", time=START + 70_000, dwell_s=60)
    drive.at(200, 100, after=100).expect()


def test_dwell_needs_no_ping() -> None:
    drive = town(rules={"dwell_s": 60}).drive("van-7").at(200, 100).expect("enter depot")
    drive.wait(59.9).expect().wait(0.2).expect("dwell depot", reason="timer", time=START + 70_000)
    drive.at(200, 100, after=100).expect()


def test_dwell_has_one_id_whoever_finds_out() -> None:
    ids = []
    for silent in (True, False):
        drive = town(rules={"dwell_s": 60}).drive("van-7").at(200, 100)
        if silent:
            drive.wait(100)
        else:
            drive.town.fleet.apply([], drive.town.now)
            drive.town.now += 100_000
            drive.at(200, 110, after=0)
        ids.append([event.id for event in drive.town.events if event.kind == "dwell"])
    assert ids[0] == ids[1]
    assert len(ids[0]) == 1


def test_the_id_of_a_dwell_is_made_of_the_fix_that_entered() -> None:
    """When the server heard of it, sooner or later, is nothing to the id."""
    ids = set()
    for late in (0, 7, 30):
        t = town(rules={"dwell_s": 60})
        t.now += late * 1000
        t.drive("van-7").at(200, 100, fix=START + 10_000).wait(100)
        ids.add(next(event.id for event in t.events if event.kind == "dwell"))
    assert ids == {event_id("dwell", "van-7", "depot", f"{START + 10_000}+60")}


def test_a_visit_that_ended_after_its_dwell_had_it() -> None:
    """A phone that reports only at the gates: the timer would have said so, too."""
    drive = town(rules={"dwell_s": 60}).drive("van-7").at(200, 100, late=600).expect("enter depot")
    drive.at(900, 100, after=1, late=100).expect("dwell depot", "exit depot", time=START + 11_000 - 100_000)


def test_speeding_starts_and_ends() -> None:
    drive = town(rules={"speed_limit_mps": 14, "min_s": 15}).drive("van-7")
    drive.at(-500, 100, speed_mps=30).expect().at(20, 100, speed_mps=30).expect("enter depot")
    drive.at(100, 100, speed_mps=16).expect()
    drive.at(200, 100, speed_mps=18).expect("overspeed_start depot", began_at=START + 20_000, limit_mps=14)
    drive.at(250, 100, speed_mps=14).expect("overspeed_end depot", duration_s=30.0, max_speed_mps=30)
    drive.at(260, 100, speed_mps=15).at(270, 100, speed_mps=13).at(280, 100, speed_mps=15).expect()


def test_who_leaves_no_longer_speeds() -> None:
    drive = town(rules={"speed_limit_mps": 14}).drive("van-7").at(20, 100, speed_mps=30)
    drive.expect("enter depot", "overspeed_start depot").at(600, 100, speed_mps=40)
    drive.expect("exit depot", "overspeed_end depot", max_speed_mps=30)


# -- the vehicle itself -----------------------------------------------------------------------------------------------


def test_a_moving_vehicle_that_says_nothing_is_silent_then_heard() -> None:
    drive = Town().drive("van-7").at(0, 0, speed_mps=20).at(200, 0, speed_mps=20).expect()
    drive.wait(299).expect().wait(2).expect("silent", time=START + 320_000, reason="timer")
    drive.wait(100).at(900, 0, speed_mps=20).expect("heard", silent_s=411.0)


def test_a_standing_vehicle_may_be_silent() -> None:
    Town().drive("van-7").at(0, 0, speed_mps=0).wait(3600).expect()


def test_an_alarm_is_told_once_until_it_changes() -> None:
    drive = Town().drive("van-7").at(0, 0, alarm="sos").expect("alarm", alarm="sos")
    drive.at(0, 0, alarm="sos").expect().at(0, 0, alarm="tow").expect("alarm", alarm="tow")
    drive.at(0, 0).expect().at(0, 0, alarm="tow").expect("alarm")


def test_a_low_battery_is_told_once_until_it_is_charged() -> None:
    drive = Town().drive("van-7").at(0, 0, battery_pct=20.0).expect().at(0, 0, battery_pct=19.9).expect("low_battery")
    drive.at(0, 0, battery_pct=22.0).at(0, 0, battery_pct=19.0).expect()
    drive.at(0, 0, battery_pct=30.0).at(0, 0, battery_pct=19.0).expect("low_battery", battery_pct=19.0)


# -- edits ------------------------------------------------------------------------------------------------------------


def test_a_new_region_finds_who_is_inside() -> None:
    t = Town()
    drive = t.drive("van-7").at(200, 100)
    t.region("depot", DEPOT)
    drive.expect("enter depot", reason="region_created", time=START + 10_000, version=1)


def test_a_changed_region_lets_out_and_in() -> None:
    t = town()
    drive = t.drive("van-7").at(200, 100).expect("enter depot")
    t.drive("van-8").at(5000, 100)
    t.region("depot", box(4900, 0, 5400, 300))
    drive.expect("exit depot", "enter depot", reason="region_changed", version=2)
    assert t.fleet.vehicles["van-8"].regions
    assert not t.fleet.vehicles["van-7"].regions


def test_another_name_moves_nobody() -> None:
    t = town()
    drive = t.drive("van-7").at(200, 100).at(-15, 100).expect("enter depot")  # 15 m out: still in
    t.region("depot", DEPOT, name="The depot", notify=[])
    drive.expect().at(-50, 100).expect("exit depot", version=2)


def test_a_new_dwell_rule_counts_from_the_enter() -> None:
    t = town()
    drive = t.drive("van-7").at(200, 100).wait(100).expect("enter depot")
    t.region("depot", DEPOT, rules={"dwell_s": 150})
    drive.wait(49).expect().wait(2).expect("dwell depot")


def test_a_limit_that_is_lifted_ends_the_speeding() -> None:
    t = town(rules={"speed_limit_mps": 14})
    drive = t.drive("van-7").at(200, 100, speed_mps=20).expect("enter depot", "overspeed_start depot")
    t.region("depot", DEPOT)
    drive.expect("overspeed_end depot", reason="region_changed")


def test_a_deleted_region_lets_everybody_out() -> None:
    t = town(rules={"speed_limit_mps": 14})
    drive = t.drive("van-7").at(200, 100, speed_mps=20).expect("enter depot", "overspeed_start depot")
    t.delete("depot")
    drive.expect("exit depot", "overspeed_end depot", reason="region_deleted", version=1)
    drive.at(900, 100).expect()


def test_a_touched_region_that_goes_is_forgotten() -> None:
    t = town()
    drive = t.drive("van-7").at(-100, 100).at(4, 100)
    t.delete("depot")
    drive.at(-100, 100).expect()


def test_a_removed_vehicle_leaves_its_regions() -> None:
    t = town()
    drive = t.drive("van-7").at(200, 100).expect("enter depot")
    t.took(t.fleet.remove_vehicle("van-7", t.now))
    drive.expect("exit depot", reason="vehicle_removed")
    drive.at(200, 100).expect("enter depot", reason="first_seen")
    assert t.fleet.vehicles["van-7"].n == 1, "its number stays"


# -- windows ----------------------------------------------------------------------------------------------------------

DAY = {"schedule": {"zone": "UTC", "weekly": {"mon": [["09:30", "10:00"]]}}}


def test_a_window_opens_and_closes_round_who_is_inside() -> None:
    drive = town(rules=DAY).drive("van-7").at(200, 100).expect()
    drive.wait(1789).expect().wait(2).expect("enter depot", reason="window_open", time=START + 1_800_000)
    drive.wait(1797).expect().wait(3).expect(
        "exit depot", reason="window_close", time=START + 3_600_000, duration_s=1800.0
    )
    drive.wait(86_400).expect()


def test_a_closed_region_is_not_entered_left_or_crossed() -> None:
    drive = town(rules=DAY).drive("van-7")
    drive.at(-200, 100).at(200, 100).at(700, 100).at(-200, 100).expect()


def test_an_open_region_is_like_any_other() -> None:
    drive = town(rules=DAY).drive("van-7").wait(1900)
    drive.at(-200, 100).at(200, 100).expect("enter depot", reason="moved").at(700, 100).expect("exit depot")
    drive.at(-200, 100, after=20).expect("cross depot")


def test_a_ping_from_after_the_opening_may_come_before_the_timer() -> None:
    drive = town(rules=DAY).drive("van-7").at(200, 100, after=1795).expect()
    drive.town.now += 16_000
    drive.at(700, 100, after=0).expect("enter depot", "exit depot", reason="moved")


def test_a_schedule_that_is_taken_away_opens_the_region() -> None:
    t = town(rules=DAY)
    drive = t.drive("van-7").at(200, 100).expect()
    t.region("depot", DEPOT)
    drive.expect("enter depot", reason="region_changed")
    t.region("depot", DEPOT, rules=DAY)
    drive.expect("exit depot", reason="region_changed")


def test_fixes_of_long_ago_live_by_their_own_clock() -> None:
    """A recording of a Monday morning, replayed on a Monday evening, at speed."""
    drive = town(rules=DAY).drive("van-7")
    week = 7 * 86_400_000
    at = START + 1_790_000 - week
    drive.at(200, 100, after=36_000, fix=at).expect()
    drive.at(200, 110, after=1, fix=at + 20_000).expect("enter depot", reason="window_open", time=at + 10_000)
    drive.wait(86_400 * 7).expect()
    drive.at(200, 100, after=1, fix=at + 2_000_000).expect("exit depot", reason="window_close", duration_s=1800.0)


WORK = {"schedule": {"zone": "UTC", "weekly": {day: [["08:00", "17:00"]] for day in ("mon", "tue", "wed", "thu")}}}
HOUR, DAY_S = 3600, 86_400


def test_a_recording_tells_every_edge_between_two_fixes_as_it_would_have_been_told_then() -> None:
    """Three days between two fixes: live, and sent a fortnight later."""
    told = []
    for late in (0, 14 * DAY_S):
        drive = town(rules=WORK).drive("van-7").at(200, 100, late=late)
        drive.at(900, 100, after=3 * DAY_S, late=late, speed_mps=9)
        told.append(
            [(e.kind, e.reason, e.time + late * 1000, e.detail.get("duration_s")) for e in drive.town.events]
        )  # fmt: skip
        assert [event.kind for event in drive.town.events] == ["enter", "exit"] * 4
        assert [event.delayed for event in drive.town.events] == [late > 0] * 8
    assert told[0] == told[1]


def test_a_fix_some_hours_old_when_it_came_obeys_the_windows_by_our_clock() -> None:
    drive = town(rules=DAY).drive("van-7").at(200, 100, late=10 * HOUR).expect()
    drive.wait(1800).expect("enter depot", reason="window_open", time=START + 1_800_000)
    drive.wait(1800).expect("exit depot", reason="window_close", time=START + 3_600_000, duration_s=1800.0)


def test_a_window_within_two_fixes_that_came_together_is_told_from_the_earlier_place() -> None:
    drive = town(rules=DAY).drive("van-7").wait(4000)
    lat, lon = place(200, 100)
    fixes = [Ping("van-7", START + second * 1000, lat, lon) for second in (600, 2400, 3700)]
    drive.town.took(drive.town.fleet.apply(fixes, drive.town.now))
    drive.expect("enter depot", "exit depot", reason="window_close", time=START + 3_600_000, duration_s=1800.0)


def test_after_more_than_a_week_without_a_fix_only_the_state_at_the_end_is_told() -> None:
    drive = town(rules=WORK).drive("van-7").at(200, 100, late=40 * DAY_S).expect("enter depot")
    drive.at(200, 100, late=30 * DAY_S).expect("exit depot", reason="window_close", duration_s=28_790.0)


def test_nobody_quiet_for_a_week_is_let_in_by_a_window() -> None:
    drive = town(rules=WORK).drive("van-7").at(200, 100).wait(40 * DAY_S)
    drive.expect(*["enter depot", "exit depot"] * 5)
    drive.at(210, 100, after=5 * DAY_S + 2 * HOUR)


def test_a_busy_loop_decides_what_an_idle_one_does() -> None:
    """Nobody fires a timer between the messages: the next message does."""
    told = []
    for idle in (True, False):
        drive = town(rules={"dwell_s": 60, **DAY}).drive("van-7").at(200, 100, speed_mps=9)
        if idle:
            drive.wait(2400)
        else:
            drive.town.now += 2_400_000
        drive.town.ping("van-7", *place(210, 100), drive.town.now, speed_mps=9)
        told.append([(e.id, e.kind, e.time, e.reason, e.lat, e.detail) for e in drive.town.events])
    assert told[0] == told[1]
    assert [one[1] for one in told[0]] == ["silent", "enter", "dwell", "heard"]


def test_what_time_brought_before_a_held_fix_was_believed_stays_told() -> None:
    """The place elsewhere was no news before the next fix agreed, sent as it happened or days later at once."""
    told = []
    for late in (0, 3 * DAY_S):
        t = town(rules={"dwell_s": 60}).wait(late)
        for second, east in ((10, 200), (20, 5000), (200, 5100)):
            if not late:
                t.wait(second - (t.now - START) / 1000)
            t.ping("van-7", *place(east, 100), START + second * 1000)
        told.append([(event.id, event.kind, event.time) for event in t.events])
    assert told[0] == told[1]
    assert [kind for _, kind, _ in told[0]] == ["enter", "dwell", "exit"]


def test_what_was_due_before_an_edit_is_told_before_it() -> None:
    drive = town(rules={"dwell_s": 60}).drive("van-7").at(200, 100).expect("enter depot")
    drive.town.now += 100_000
    drive.town.delete("depot")
    drive.expect("dwell depot", "exit depot", reason="region_deleted")


# -- restarts ---------------------------------------------------------------------------------------------------------


def test_a_restart_is_not_a_first_sight() -> None:
    drive = town().drive("van-7").at(200, 100).at(-15, 100).expect("enter depot")
    drive.town.restart()
    drive.expect().at(-16, 100).expect().at(-50, 100, speed_mps=5).expect("exit depot", entered_at=START + 10_000)


def test_a_half_done_evaluation_goes_on_after_a_restart() -> None:
    t = Town()
    for n in range(6):
        t.drive(f"van-{n}").at(200, 100)
    t.took(t.fleet.save_regions([Region.read_feature(feature(DEPOT), id="depot", version=1, now=t.now)], t.now))
    first = t.fleet.evaluate(2)
    assert first is not None
    t.took(first)
    created = t.now
    t.now += 60_000
    t.restart().evaluate(2)
    assert sorted(event.vehicle for event in t.events) == [f"van-{n}" for n in range(6)]
    assert {(event.reason, event.time, event.received_at) for event in t.events} == {
        ("region_created", created, created)
    }


def test_a_deletion_half_done_goes_on_after_a_restart() -> None:
    t = town()
    for n in range(3):
        t.drive(f"van-{n}").at(200, 100)
    t.new()
    t.took(t.fleet.delete_regions(["depot"], t.now))
    t.restart().evaluate()
    assert [(event.kind, event.reason) for event in t.events] == [("exit", "region_deleted")] * 3


def test_a_held_ping_survives_a_restart() -> None:
    drive = town().drive("van-7").at(200, 100).at(5000, 100).expect("enter depot", outcome=Outcome.HELD)
    drive.town.restart()
    drive.at(5100, 100).expect("exit depot")


def test_a_window_that_turned_while_the_server_was_down_is_told() -> None:
    drive = town(rules=DAY).drive("van-7").at(200, 100).expect()
    drive.town.now += 1_900_000
    drive.town.restart()
    drive.wait(1).expect("enter depot", reason="window_open", time=START + 1_800_000)


def test_a_start_whose_stored_receipts_lie_a_day_ahead_counts_from_now() -> None:
    """A small board without a clock: it ran a day ahead until it was told the time."""
    drive = town().drive("van-7").at(200, 100, speed_mps=20).at(300, 100, speed_mps=20).expect("enter depot")
    drive.town.now -= DAY_S * 1000
    drive.town.restart()
    drive.wait(299).expect().wait(2).expect("silent", silent_s=300.0)


def test_what_came_while_the_clock_ran_ahead_is_live_once_it_is_set_right() -> None:
    drive = town().drive("van-7")
    drive.town.now += 3_600_000
    drive.at(200, 100, late=3600, speed_mps=20).expect("enter depot", delayed=True)
    drive.town.now -= 3_600_000
    drive.town.took(drive.town.fleet.set_clock(-3_600_000))
    drive.wait(301).expect("silent", delayed=False, time=START + 310_000)


def test_a_clock_that_was_set_is_still_set_after_a_restart() -> None:
    drive = town().drive("van-7").at(200, 100, speed_mps=20).at(300, 100, speed_mps=20).expect("enter depot")
    drive.town.now += 3_600_000
    drive.town.took(drive.town.fleet.set_clock(3_600_000))
    drive.town.restart()
    drive.wait(299).expect().wait(2).expect("silent", silent_s=300.0)


def test_circles_and_corridors_are_regions_like_any_other() -> None:
    t = Town().region("stop", point(0, 0), radius_m=100)
    drive = t.drive("van-7").at(-300, 0).at(0, 0).at(300, 0).expect("enter stop", "exit stop")
    drive.at(-300, 0).expect("cross stop")


def test_a_failed_row_names_itself() -> None:
    with pytest.raises(
        AssertionError, match=r"test_scenarios.py:\d+: expected \['enter home'\], got \['enter depot'\]"
    ):
        town().drive("van-7").at(200, 100).expect("enter home")


def test_the_noise_of_a_parked_vehicle_crosses_nothing() -> None:
    drive = town().drive("van-7").at(-10, 100, accuracy_m=8, speed_mps=0.2)
    drive.at(2, 100, accuracy_m=8, speed_mps=0.3).at(-22, 100, accuracy_m=8, speed_mps=0.1).expect()
    drive.at(3, 100, accuracy_m=8, speed_mps=4.0).at(-25, 100, accuracy_m=8, speed_mps=0.1).expect("cross depot")
