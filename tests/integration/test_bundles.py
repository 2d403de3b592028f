"""Bundles as they are asked for, and played again on a machine that has none of it."""

from __future__ import annotations

import http.client
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.support.servers import Server, circle
from tracker.bundles.archive import NAMES, unpack
from tracker.bundles.members import read
from tracker.commands.cli import cli

PATH = "/api/v1/history/bundle"
NOON = 1_795_608_000  # 2026-11-25T12:00Z, s


def tracker(*arguments: object) -> Result:
    return CliRunner().invoke(cli, [str(one) for one in arguments])


def drive(vehicle: str, count: int = 60) -> list[dict[str, Any]]:
    return [
        {"vehicle": vehicle, "time": NOON + 10 * at, "lat": 60.16 + 0.001 * at, "lon": 24.94, "speed_mps": 11}
        for at in range(count)
    ]


def patience(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long each connection waits for its answers."""
    waits: list[float] = []

    class Watched(http.client.HTTPConnection):
        def connect(self) -> None:
            super().connect()
            waits.append(self.sock.gettimeout() or 1e9)

    monkeypatch.setattr(http.client, "HTTPConnection", Watched)
    return waits


def says(done: Result) -> str:
    return f"{done.output} {done.exception}"


def test_what_decided_an_event_goes_from_a_server_to_a_machine_that_has_none_of_it(
    start_server: Callable[..., Server], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = start_server()
    rules = {"speed_limit_mps": 9, "dwell_s": 60}
    assert (
        server.send("PUT", "/api/v1/regions/depot", circle(60.18, 24.94, 1500, name="Depot", rules=rules)).status == 201
    )
    assert server.post("/api/v1/positions", [*drive("van-1"), *drive("van-2"), *drive("gone", 40)]).status == 200
    late = {"vehicle": "van-1", "time": NOON + 5, "lat": 60.1605, "lon": 24.94}
    sos = {"vehicle": "van-1", "time": NOON + 300, "lat": 0, "lon": 0, "alarm": "sos"}
    assert server.post("/api/v1/positions", [late, sos]).status == 200
    wider = circle(60.18, 24.94, 1600, name="Depot", rules=rules)
    assert server.send("PUT", "/api/v1/regions/depot", wider).status == 200
    told = server.events(limit=1000)
    alarm = next(one["id"] for one in told if one["kind"] == "alarm")
    theirs = next(one["id"] for one in told if one["vehicle"] == "gone")

    out, other = tmp_path / "evidence.zip", tmp_path / "other.zip"
    waits = patience(monkeypatch)
    done = tracker("bundle", "--event", alarm, out, "--data", server.data)
    assert waits[-1] >= 1800, "half a million messages take longer to play than other answers"
    assert done.exit_code == 0, says(done)
    opened = unpack(out.read_bytes())
    contents = read(opened.contents)
    assert done.stdout == f"hash: {opened.hash}\n"
    assert (contents.manifest.event, contents.manifest.messages) == (alarm, 62)
    mine = {one["id"] for one in told if one["vehicle"] == "van-1"}
    assert {one.id for one in contents.events} <= mine and len(contents.events) > 3
    assert not list(tmp_path.glob(".*")), "no draft is left"

    assert tracker("bundle", "--event", alarm, other, "--from-server", server.url).exit_code == 0
    assert waits[-1] >= 1800
    assert other.read_bytes() == out.read_bytes()
    over = server.get(f"{PATH}?event={alarm}")
    assert over.body == out.read_bytes()
    assert over.headers["content-disposition"] == f'attachment; filename="event-{alarm}.zip"'
    assert "is a bundle: --verify" in says(tracker("replay", out, "--dry-run"))

    verified = tracker("replay", out, "--verify")
    assert tracker("verify", out).stdout == verified.stdout
    assert verified.exit_code == 0, says(verified)
    assert f"event {alarm}, " in verified.stdout and verified.stdout.endswith(f"\nhash: {opened.hash}\n")
    assert f"\nevents: {len(contents.events)}\n" in verified.stdout
    for name in NAMES:
        changed = bytearray(out.read_bytes())
        changed[changed.rindex(name.encode()) - 5] ^= 1
        other.write_bytes(changed)
        done = tracker("replay", other, "--verify")
        assert done.exit_code == 1 and name in done.stderr and "hash:" not in done.output, says(done)

    days = [tmp_path / f"{name}.fleetday" for name in ("theirs", "ours")]
    for file, where in zip(days, (("--from-server", server.url), ("--data", server.data)), strict=True):
        done = tracker("export", "day", "2026-11-25", file, "--tz", "Europe/Helsinki", *where)
        assert done.exit_code == 0 and tracker("verify", file).stdout == done.stdout, says(done)
    assert days[0].read_bytes() == days[1].read_bytes()
    over = server.get("/api/v1/history/day?date=2026-11-25&tz=Europe/Helsinki")
    assert (over.body, over.headers["content-length"]) == (days[0].read_bytes(), str(len(over.body)))
    assert over.headers["content-disposition"] == 'attachment; filename="2026-11-25.fleetday"'
    for query in (
        "",
        "date=20261125",
        "date=2026-11-31",
        "date=9999-12-31",
        "date=2026-11-25&tz=Mars",
        "date=2026-11-25&x=1",
    ):
        assert server.get(f"/api/v1/history/day?{query}").status == 422, query
    begun = tracker("export", "day", "2999-01-01", days[1], "--from-server", server.url)
    assert (begun.exit_code, "YYYY-MM-DD" in begun.stderr and "has not begun" in begun.stderr) == (2, True), says(begun)

    day = ["--from", "2026-11-25T12:00Z", "--until", "2026-11-25T13:00Z"]
    done = tracker("bundle", *day, "--vehicle", "van-*", other, "--data", server.data)
    assert done.exit_code == 0 and "122 messages" in done.stderr, says(done)
    assert {one.ping.vehicle for one in read(unpack(other.read_bytes()).contents).pings} == {"van-1", "van-2"}

    assert server.request("DELETE", "/api/v1/vehicles/gone?history=true").status == 204
    assert "was erased" in says(tracker("bundle", "--event", theirs, other, "--data", server.data))
    assert "no event 'nobody-s'" in says(tracker("bundle", "--event", "nobody-s", other, "--data", server.data))
    assert tracker("bundle", other, "--data", server.data).exit_code == 2
    assert tracker("bundle", "--event", alarm, *day[:1], day[3], other, "--data", server.data).exit_code == 2
    empty = tracker(
        "bundle", "--from", "2026-11-20T12:00Z", "--until", day[1], other, "--vehicle", "no", "--data", server.data
    )
    assert "there is no message" in says(empty)
    for query in ("", "from=2026-11-25T12:00Z", "from=2026-01-01T00:00Z&until=2026-11-25T12:00Z", f"event={alarm}&x=1"):
        assert server.get(f"{PATH}?{query}").status == 422

    assert server.stop() == 0
    alone = tracker("bundle", "--event", alarm, other, "--data", server.data)
    assert alone.exit_code == 0, says(alone)
    assert other.read_bytes() == out.read_bytes(), "the same question, the same bytes, also without a server"
