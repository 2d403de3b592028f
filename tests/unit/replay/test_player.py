"""Pace, shifts, rounds and progress, on a clock of our own."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from tracker.formats import Point
from tracker.replay.player import Player
from tracker.replay.progress import Progress
from tracker.replay.recording import Recording
from tracker.replay.tally import Tally

START = 1_795_424_400_000


class World:
    """Time passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.batches: list[tuple[float, list[int], int]] = []
        self.most_rounds = 1

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds

    def send(self, points: list[Point], shift: int = 0) -> Tally:
        self.batches.append((round(self.seconds, 3), [point.time - START for point in points], shift))
        if len({shift for _, _, shift in self.batches}) > self.most_rounds:
            raise KeyboardInterrupt
        return Tally(sent=len(points), accepted=len(points))


def recording(tmp_path: Path, milliseconds: list[int]) -> Recording:
    path = tmp_path / "a.csv"
    path.write_text("id,time,lat,lon\n" + "".join(f"7,{START + ms},60,24\n" for ms in milliseconds))
    played = Recording()
    played.add_source(str(path))
    return played


def player(world: World, played: Recording, **how: object) -> Player:
    return Player(
        played,
        world,
        Progress(io.StringIO(), played.count, lambda: world.seconds),
        wall=lambda: START + 86_400_000 + round(world.seconds * 1000),
        monotonic=lambda: world.seconds,
        sleep=world.sleep,
        **how,  # type: ignore[arg-type]
    )


def test_recorded_time_passes_at_its_own_pace(tmp_path: Path) -> None:
    world = World()
    player(world, recording(tmp_path, [0, 1_000, 1_040, 5_000])).play()
    assert world.batches == [(0.0, [0], 0), (1.0, [1000], 0), (1.1, [1040], 0), (5.0, [5000], 0)]


def test_points_of_one_tenth_of_a_second_go_together(tmp_path: Path) -> None:
    world = World()
    player(world, recording(tmp_path, [0, 10, 20, 90, 100, 110])).play()
    assert [batch for _, batch, _ in world.batches] == [[0], [10, 20, 90, 100], [110]]


def test_a_speed_makes_it_that_much_quicker(tmp_path: Path) -> None:
    world = World()
    player(world, recording(tmp_path, [0, 60_000, 120_000]), speed=60.0).play()
    assert [when for when, _, _ in world.batches] == [0.0, 1.0, 2.0]


def test_at_full_speed_nothing_waits_and_batches_are_full(tmp_path: Path) -> None:
    world = World()
    played = recording(tmp_path, [i * 1000 for i in range(2_500)])
    one = player(world, played, speed=None)
    one.play()
    assert [(when, len(batch)) for when, batch, _ in world.batches] == [(0.0, 1000), (0.0, 1000), (0.0, 500)]
    assert one.tally.accepted == 2_500


def test_now_shifts_the_first_ping_to_now(tmp_path: Path) -> None:
    world = World()
    player(world, recording(tmp_path, [0, 1_000]), now=True).play()
    assert [shift for _, _, shift in world.batches] == [86_400_000, 86_400_000]


def test_each_round_of_a_loop_begins_now(tmp_path: Path) -> None:
    world = World()
    world.most_rounds = 2
    with pytest.raises(KeyboardInterrupt):
        player(world, recording(tmp_path, [0, 4_000]), loop=True).play()
    assert [(when, shift - 86_400_000) for when, _, shift in world.batches] == [
        (0.0, 0),
        (4.0, 0),
        (5.0, 5_000),
        (9.0, 5_000),
        (10.0, 10_000),
    ]


def test_a_receiver_without_a_date_makes_nobody_wait(tmp_path: Path) -> None:
    world = World()
    gps_epoch = 315_964_800_000 - START
    player(world, recording(tmp_path, [gps_epoch, 0, 1_000])).play()
    assert [when for when, _, _ in world.batches] == [0.0, 1.0]


def test_shifted_times_that_would_run_ahead_of_the_clock_are_pointed_out(tmp_path: Path) -> None:
    world = World()
    played = recording(tmp_path, [0, 3_600_000])
    said = io.StringIO()
    Player(played, world, Progress(said, 2, lambda: 0.0), speed=None, now=True, wall=lambda: START).play()
    assert "--speed 1" in said.getvalue()


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_plain_lines_where_nobody_watches() -> None:
    clock, out = [0.0], io.StringIO()
    progress = Progress(out, 10_000, lambda: clock[0])
    for second in range(1, 11):
        clock[0] = second
        progress.update(second * 500, START)
    assert out.getvalue().splitlines() == [
        " 25 %  2,500 of 10,000  500 pings/s  15 s left  2026-11-23T09:00:00Z",
        " 50 %  5,000 of 10,000  500 pings/s  10 s left  2026-11-23T09:00:00Z",
    ]


def test_progress_is_one_changing_line_on_a_terminal() -> None:
    clock, out = [0.0], Terminal()
    progress = Progress(out, 4, lambda: clock[0])
    clock[0] = 1.0
    progress.update(1, None, 7_500.0)
    progress.say("a word")
    clock[0] = 2.0
    progress.update(4, None, last=True)
    first, rest = out.getvalue().split("a word\n")
    assert first.startswith("\r 25 %  1 of 4  1 pings/s  2 h 5 min left\r")
    assert rest == "\r100 %  4 of 4  2 pings/s  2 s in all\n"


def test_tallies_add_up_and_read_as_lines() -> None:
    from collections import Counter

    whole = Tally()
    for _ in range(2):
        part = Tally(sent=5, accepted=2, late=1, duplicates=2, conflicts=1, rejected=1)
        part.refuse("no_fix", "a.csv line 3: (0, 0)")
        whole.add_tally(part)
    assert whole.lines(16, Counter(no_time=4, waypoint=1)) == [
        "items: 16",
        "sent: 10",
        "accepted: 4",
        "late: 2",
        "held: 0",
        "duplicates: 4",
        "conflicts: 2",
        "discarded: 0",
        "ignored: 0",
        "rejected: 2 (no_fix: 2)",
        "skipped: 5 (no_time: 4, waypoint: 1)",
        "not played: 1",
    ]
