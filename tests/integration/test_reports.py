"""Reports as they are asked for: by the command, over HTTP, and by nobody, daily."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.support.granted import Town, town
from tests.support.reports import read_report
from tests.support.servers import Server, circle
from tests.support.waiting import until
from tracker.commands.cli import cli
from tracker.config import Settings
from tracker.errors import TrackerError
from tracker.node import Node
from tracker.web.app import create_app
from tracker.web.reports import desk as desks
from tracker.web.reports.gathering import Gathering
from tracker.web.reports.schedule import make_due

NOON = 1_795_608_000  # 2026-11-25T12:00Z, s
MIDNIGHT_MS = 1_795_564_800_000
PATH = "/api/v1/reports"


def drive(vehicle: str, first: int = NOON, count: int = 30) -> list[dict[str, Any]]:
    return [
        {"vehicle": vehicle, "time": first + 10 * at, "lat": 60.17 + 0.001 * at, "lon": 24.94, "speed_mps": 11}
        for at in range(count)
    ]


def tracker(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments)


def refusal(*arguments: str) -> TrackerError:
    done = tracker(*arguments)
    assert isinstance(done.exception, TrackerError), done.output
    return done.exception


@pytest.fixture
def server(start_server: Callable[..., Server]) -> Server:
    server = start_server()
    assert server.send("PUT", "/api/v1/regions/depot", circle(60.17, 24.94, 500, name="Depot")).status == 201
    sent = [*drive("van-1"), *drive("van-2"), *drive("truck")]
    assert server.post("/api/v1/positions", sent).status == 200
    assert server.send("PUT", "/api/v1/vehicles/van-2", {"name": "Second", "group": "north"}).status == 200
    return server


def test_a_day_is_written_by_its_server_by_another_and_without_one(server: Server, tmp_path: Path) -> None:
    day = ["--from", "2026-11-25T00:00:00Z", "--until", "2026-11-26T00:00:00Z"]
    out = str(tmp_path / "day.html")
    done = tracker(
        "report",
        "--from",
        "2026-11-25",
        "--until",
        "2026-11-26",
        "--tz",
        "Europe/Helsinki",
        "--data",
        str(server.data),
        out,
    )
    assert done.exit_code == 0, done.output
    assert done.stdout == "", "progress is not a result"
    made = read_report(Path(out).read_text())
    assert made.vehicles == ["truck", "van-1", "van-2"]
    assert (made.head["zone"], made.head["fixes"]) == ("Europe/Helsinki", 90)
    assert made.track("van-1")[0] == (6_017_000, 2_494_000, 50_400), "since midnight in Helsinki"
    assert {made.head["kinds"][one[1]] for one in made.head["events"]} >= {"enter", "exit"}
    told = made.head["vehicles"][2]
    assert (told["name"], told["group"]) == ("Second", "north")
    assert 3_000 < told["summary"]["distance_m"] < 3_500
    assert [one["region"] for one in told["summary"]["regions"]] == ["depot"]
    assert not list(tmp_path.glob(".*")), "no draft is left"
    elsewhere = tracker("report", *day, "--vehicle", "van-*", "--group", "north", "--from-server", server.url, out)
    assert elsewhere.exit_code == 0, elsewhere.output
    made = read_report(Path(out).read_text())
    assert (made.vehicles, made.head["about"], made.head["zone"]) == (["van-2"], "van-* · north", None)
    assert server.stop() == 0
    alone = tracker("report", *day, "--vehicle", "truck", "--units", "imperial", "--data", str(server.data), out)
    assert alone.exit_code == 0, alone.output
    made = read_report(Path(out).read_text())
    assert (made.vehicles, made.head["units"], made.head["fixes"]) == (["truck"], "imperial", 30)


def test_a_command_that_cannot_write_one_says_why(tmp_path: Path) -> None:
    day = ["report", "--from", "2026-11-25T00:00:00Z", "--data", str(tmp_path / "data")]
    (tmp_path / "data").mkdir()
    assert refusal(*day, str(tmp_path / "no" / "day.html")).code == "report_target"
    assert tracker(*day, str(tmp_path)).exit_code == 2
    assert "--tz" in tracker("report", "--from", "2026-11-25", "x.html").output
    longer = tracker(*day[:2], "2026-01-01T00:00:00Z", *day[3:], str(tmp_path / "day.html"))
    assert "31 days" in longer.output and longer.exit_code == 2
    assert refusal(*day[:3], "--data", str(tmp_path / "none"), "x.html").code == "no_data"
    assert list(tmp_path.glob("*.html")) == []


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Town]:
    async with town(tmp_path / "data") as made:
        yield made


async def test_one_is_watched_fetched_and_given_up(place: Town) -> None:
    asked = {"from": place.node.clock() // 1000 - 86_400, "vehicles": ["resident"]}
    begun = await place.ask("all", "POST", PATH, json=asked)
    told = await begun.get_json()
    assert (begun.status_code, begun.headers["location"]) == (202, f"{PATH}/{told['id']}")
    early = await place.ask("all", "GET", f"{PATH}/{told['id']}/file")
    assert (early.status_code, (await early.get_json())["code"]) == (409, "report_not_ready")
    seen = [told["progress"]]
    while told["state"] in ("waiting", "working"):
        told = await (await place.ask("all", "GET", f"{PATH}/{told['id']}?wait_s=20")).get_json()
        seen.append(told["progress"])
    assert seen == sorted(seen) and seen[-1] == 1 and told["state"] == "done"
    file = await place.ask("all", "GET", f"{PATH}/{told['id']}/file")
    body = await file.get_data()
    assert len(body) == told["bytes"] and "attachment" in file.headers["content-disposition"]
    assert read_report(body.decode()).vehicles == ["resident"]
    assert (await place.ask("all", "DELETE", f"{PATH}/{told['id']}")).status_code == 204
    gone = await place.ask("all", "GET", f"{PATH}/{told['id']}")
    assert (gone.status_code, (await gone.get_json())["code"]) == (404, "unknown_report")


async def test_who_gives_one_up_ends_the_process_that_draws_it(place: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    children: list[asyncio.subprocess.Process] = []
    started = asyncio.create_subprocess_exec

    async def start(*arguments: Any, **how: Any) -> asyncio.subprocess.Process:
        children.append(await started(*arguments, **how))
        return children[-1]

    never = asyncio.Event()

    async def stands(*_: Any) -> None:
        await never.wait()

    monkeypatch.setattr(asyncio, "create_subprocess_exec", start)
    monkeypatch.setattr(Gathering, "tell", stands)
    ids = []
    for _ in range(2):
        told = await (await place.ask("all", "POST", PATH, json={"from": 1_795_000_000})).get_json()
        ids.append(told["id"])
    await until(lambda: bool(children), "the first is begun")
    states = [(await (await place.ask("all", "GET", f"{PATH}/{id}")).get_json())["state"] for id in ids]
    assert states == ["working", "waiting"], "one at a time"
    for id in reversed(ids):
        assert (await place.ask("all", "DELETE", f"{PATH}/{id}")).status_code == 204
    assert [child.returncode for child in children] == [-9]


async def test_what_a_killed_server_drew_goes(tmp_path: Path) -> None:
    left = tmp_path / "data" / desks.FOLDER / "left.html"
    left.parent.mkdir(parents=True)
    left.write_text("positions")
    async with town(tmp_path / "data"):
        await until(lambda: not left.exists(), "the file is gone")
    assert not left.parent.exists(), "a server that stops leaves none"


@pytest.mark.parametrize(
    "asked, field",
    [
        ([], None),
        ({}, "from"),
        ({"from": "noon"}, "from"),
        ({"from": 1_795_000_000, "until": 1_795_000_000}, "until"),
        ({"from": 1_795_000_000, "until": 1_799_000_000}, "until"),
        ({"from": "0001-01-01T00:00:00Z", "until": "0001-01-02T00:00:00Z"}, "from"),  # in New York there is no such day
        ({"from": "9999-12-29T12:00:00Z", "until": "9999-12-31T23:59:59Z"}, "until"),
        ({"from": 1_795_000_000, "to": 1}, "to"),
        ({"from": 1_795_000_000, "vehicles": "van"}, "vehicles"),
        ({"from": 1_795_000_000, "zone": "Mars"}, "zone"),
        ({"from": 1_795_000_000, "zone": 5}, "zone"),
        ({"from": 1_795_000_000, "zone": "localtime"}, "zone"),
        ({"from": "2026-13-45", "zone": "Europe/Berlin"}, "from"),
        ({"from": "2026-11-24", "until": "2026-11-25T24:30", "zone": "Europe/Berlin"}, "until"),
        ({"from": 1_795_000_000, "units": "furlongs"}, "units"),
    ],
)
async def test_what_cannot_be_is_refused_and_named(place: Town, asked: Any, field: str | None) -> None:
    answer = await place.ask("all", "POST", PATH, json=asked)
    told = await answer.get_json()
    assert answer.status_code == 422
    assert field is None or told["errors"][0]["field"] == field


async def test_a_server_writes_the_day_that_ended_once_and_keeps_as_many_as_it_should(tmp_path: Path) -> None:
    folder = tmp_path / "reports"
    settings = Settings(data=str(tmp_path / "data"), report_folder=str(folder), report_weekly=False, report_keep=2)
    app = create_app(settings)
    node: Node = app.extensions["node"]
    async with app.test_app():
        sent = drive("van", NOON - 86_400)
        answer = await app.test_client().post("/api/v1/positions", json=sent)
        assert answer.status_code == 200
        desk = desks.Desk(node)
        morning = MIDNIGHT_MS + 6 * 3_600_000
        await make_due(node, desk, morning)
        [file] = folder.iterdir()
        assert file.name == "daily-2026-11-24.html"
        made = read_report(file.read_text())
        assert (made.vehicles, made.head["zone"], len(made.track("van"))) == (["van"], "UTC", 2)
        file.write_text("as it was")
        await make_due(node, desk, morning)
        assert file.read_text() == "as it was", "never written again"
        await make_due(node, desk, morning + 2 * 86_400_000)
        assert sorted(path.name for path in folder.iterdir()) == ["daily-2026-11-25.html", "daily-2026-11-26.html"]
        assert read_report((folder / "daily-2026-11-25.html").read_text()).vehicles == []
        assert desk.statistics().drawn == 3
        await desk.close()


async def test_a_report_that_fails_leaves_no_file_and_is_counted(place: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    async def breaks(*_: Any) -> None:
        raise OSError("the store went away")

    monkeypatch.setattr(Gathering, "tell", breaks)
    told = await (await place.ask("all", "POST", PATH, json={"from": 1_795_000_000})).get_json()
    while told["state"] in ("waiting", "working"):
        told = await (await place.ask("all", "GET", f"{PATH}/{told['id']}?wait_s=20")).get_json()
    assert told["error"]["code"] == "report_failed"
    assert place.node.statistics["reports"]().failed == 1
    assert json.dumps(told).find("went away") < 0, "the log says it"
