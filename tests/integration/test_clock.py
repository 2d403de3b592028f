"""A server whose clock somebody sets while it runs, or before it starts."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.support.moved_clock import set_by
from tests.support.servers import ROOT, Server
from tests.support.waiting import until_sync

HOUR, DAY = 3600.0, 86_400.0
SILENCE_S = 2.0
YARD = {
    "type": "Feature",
    "properties": {"radius_m": 500, "debounce": "none"},
    "geometry": {"type": "Point", "coordinates": [24.94, 60.17]},
}


class Board(Server):
    """A small machine whose clock is not to be trusted."""

    def __init__(self, folder: Path, by: float = 0.0) -> None:
        super().__init__(folder / "data", silence_s=SILENCE_S)
        self.offset = folder / "clock"
        self.program = [sys.executable, str(ROOT / "tests" / "support" / "moved_clock.py"), str(self.offset)]
        self.set(by)

    def set(self, by: float) -> None:
        self.by = by
        set_by(self.offset, by)

    def now(self) -> float:
        return time.time() + self.by

    def fix(self, vehicle: str) -> float:
        """A moving vehicle reports, by the board's clock; answers that clock."""
        now = self.now()
        text = datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds")
        answer = self.ping(vehicle, time=text, speed_mps=20)
        assert (answer.status, answer.json()["accepted"]) == (200, 1), answer.body
        return now

    def of(self, vehicle: str, kind: str) -> list[dict[str, Any]]:
        return self.events(vehicle=vehicle, kind=kind)


def seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


@pytest.fixture
def board(tmp_path: Path) -> Iterator[Callable[[float], Board]]:
    boards: list[Board] = []

    def make(by: float) -> Board:
        boards.append(Board(tmp_path, by))
        board = boards[-1]
        board.start()
        return board

    yield make
    for one in boards:
        one.kill()


@pytest.mark.parametrize("moves", [(HOUR, 0.0), (-HOUR, 0.0), (HOUR,), (-HOUR,)])
def test_after_the_clock_was_set_live_events_are_live(
    board: Callable[[float], Board], moves: tuple[float, ...]
) -> None:
    server = board(0.0)
    assert server.send("PUT", "/api/v1/regions/yard", YARD).status == 201
    server.fix("before")
    for number, by in enumerate(moves):
        server.set(by)
        server.fix(f"during-{number}")
    began = server.fix("after")
    [enter] = server.of("after", "enter")
    assert not enter["delayed"]
    assert abs(seconds(enter["received_at"]) - began) < 60, "received_at is our clock"
    for vehicle in ("before", "after"):
        until_sync(partial(server.of, vehicle, "silent"), f"{vehicle} is silent", 20)
        [silent] = server.of(vehicle, "silent")
        assert (silent["silent_s"], silent["delayed"]) == (SILENCE_S, False)
        assert abs(seconds(silent["time"]) - server.now()) < 60


def test_a_start_whose_stored_receipts_lie_a_day_ahead_is_live(board: Callable[[float], Board]) -> None:
    server = board(DAY)
    assert server.send("PUT", "/api/v1/regions/yard", YARD).status == 201
    server.fix("before")
    server.stop()
    server.set(0.0)
    server.start()
    server.fix("after")
    [enter] = server.of("after", "enter")
    assert not enter["delayed"]
    assert abs(seconds(enter["received_at"]) - server.now()) < 60
    for vehicle in ("before", "after"):
        until_sync(partial(server.of, vehicle, "silent"), f"{vehicle} is silent", 20)


@pytest.mark.parametrize("by", [2 * HOUR, -2 * HOUR])
def test_doctor_tells_a_server_whose_clock_is_hours_off(board: Callable[[float], Board], by: float) -> None:
    server = board(by)
    command = [sys.executable, "-m", "tracker", "doctor", "--port", str(server.port), "--data", str(server.data)]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert told.returncode == 1
    [clock] = [line for line in told.stdout.splitlines() if line.split()[1] == "clock"]
    assert clock.startswith("FAIL")
    assert f"120 min {'ahead of' if by > 0 else 'behind'} it" in clock


def test_doctor_tells_a_clock_that_is_ahead_of_what_every_vehicle_reports(board: Callable[[float], Board]) -> None:
    server = board(2 * HOUR)
    assert server.send("PUT", "/api/v1/regions/yard", YARD).status == 201
    for vehicle in ("van-1", "van-2", "van-3"):
        text = datetime.now(UTC).isoformat(timespec="milliseconds")
        assert server.ping(vehicle, time=text).json()["accepted"] == 1
    server.stop()
    command = [*server.program, "doctor", "--port", "0", "--data", str(server.data)]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert "came 120 min after its own time, as if this clock were ahead" in told.stdout
    assert told.returncode == 1


def test_doctor_says_nothing_of_the_clock_where_a_recording_was_played(board: Callable[[float], Board]) -> None:
    server = board(0.0)
    assert server.send("PUT", "/api/v1/regions/yard", YARD).status == 201
    for hours, vehicle in enumerate(("van-1", "van-2", "van-3"), 2):
        text = datetime.fromtimestamp(time.time() - hours * HOUR, UTC).isoformat(timespec="milliseconds")
        assert server.ping(vehicle, time=text).json()["accepted"] == 1
    server.stop()
    command = [sys.executable, "-m", "tracker", "doctor", "--port", "0", "--data", str(server.data)]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    [clock] = [line for line in told.stdout.splitlines() if line.split()[1] == "clock"]
    assert clock.startswith("ok"), clock
