"""`tracker users …` and `tracker token …`: on a folder, beside its server, and the lists from elsewhere."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.support.servers import Server
from tracker.access.console import FILE
from tracker.commands import office as rooms
from tracker.commands.cli import cli
from tracker.commands.office import office
from tracker.config import Settings
from tracker.errors import StoreLocked, TrackerError


def tracker(*arguments: str, given: str = "") -> Result:
    return CliRunner().invoke(cli, arguments, input=given)


def lines(*arguments: str) -> list[list[str]]:
    """What a command that goes well prints, by cells."""
    done = tracker(*arguments)
    assert done.exit_code == 0, done.output
    return [line.split("\t") for line in done.stdout.splitlines()]


def refusal(*arguments: str, given: str = "") -> str:
    done = tracker(*arguments, given=given)
    assert isinstance(done.exception, TrackerError), done.output
    return done.exception.detail


@pytest.fixture(params=[False, True], ids=["without its server", "beside its server"])
def folder(request: pytest.FixtureRequest, start_server: Callable[..., Server], tmp_path: Path) -> Path:
    if request.param:
        return start_server().data
    return tmp_path / "new"


def test_a_folder_of_a_killed_server_is_not_taken_for_that_of_who_has_its_port_now(
    start_server: Callable[..., Server], tmp_path: Path
) -> None:
    server, folder = start_server(), tmp_path / "killed"
    folder.mkdir()
    said = json.loads((server.data / FILE).read_text())
    (folder / FILE).write_text(json.dumps(said | {"secret": "of-another-folder"}))
    lines("users", "add", "ada", "--role", "administrator", "--data", str(folder))
    assert server.get("/api/v1/session").json()["open"] is True
    assert [name for name, *_ in lines("users", "list", "--data", str(folder))] == ["ada"]


def test_a_server_that_ends_while_it_is_asked_is_told_in_a_sentence(start_server: Callable[..., Server]) -> None:
    server = start_server()
    with office(Settings(data=str(server.data))) as ours:
        server.kill()
        with pytest.raises(TrackerError, match="the server of this folder ended"):
            ours.ask("GET", "/api/v1/store")


def test_people_and_tokens_of_a_folder_are_the_same_whether_its_server_runs(folder: Path) -> None:
    where = "--data", str(folder)
    assert lines("users", "group", "north", "--regions", "yards", "--may", "acknowledge", *where) == []
    [[link]] = lines("users", "add", "ada", "--role", "administrator", *where)
    assert link.startswith("/signin#trk_")
    ben = "users", "add", "ben", "--role", "dispatcher", "--group", "north", "--password-stdin", *where
    assert "first that are tried; take one" in refusal(*ben, given="password1\n")
    assert "at least 8 characters" in refusal(*ben, given="seven 7\n")
    assert tracker(*ben, given="two blue vans in may\n").exit_code == 0
    assert "already" in refusal(*ben, given="two blue vans in may\n")
    assert "no group 'south'" in refusal("users", "add", "cleo", "--role", "viewer", "--group", "south", *where)
    assert "only administrator" in refusal("users", "disable", "ada", *where)
    lines("users", "disable", "ben", *where)
    assert "'ben' is closed" in refusal("users", "link", "ben", *where)
    assert lines("users", "list", *where) == [
        ["ada", "administrator", "", "no password yet"], ["ben", "dispatcher", "north", "disabled"],
    ]  # fmt: skip
    lines("users", "disable", "ben", "--undo", *where)
    assert lines("users", "list", *where)[1] == ["ben", "dispatcher", "north"]
    assert lines("users", "link", "ada", *where) != [[link]]

    [[device]] = lines(
        "token", "create", "--vehicle", "van-*", "--group", "trucks", "--name", "phones", "--shows", "north", *where
    )
    [[script]] = lines("token", "create", "--user", "ada", *where)
    lines("token", "create", "--scrape", *where)
    assert device.startswith("trk_") and script.startswith("trk_")
    found = {one[2]: one for one in lines("token", "list", *where)}
    assert found["device"][1:] == ["phones", "device", "van-*,group trucks", "never used", "shows north"]
    assert found["person"][3] == "ada"
    lines("token", "revoke", found["device"][0], *where)
    assert "device" not in {one[2] for one in lines("token", "list", *where)}
    assert "no token" in refusal("token", "revoke", found["device"][0], *where)


def test_a_server_that_is_still_starting_is_waited_for_and_one_that_never_answers_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[int] = []

    class Held(rooms._Within):
        def __init__(self, *_: Any) -> None:
            tried.append(len(tried))
            if len(tried) < 3:
                raise StoreLocked("another server uses this store")

        def close(self) -> None:
            tried.clear()

    monkeypatch.setattr(rooms, "_Within", Held)
    monkeypatch.setattr(rooms, "AGAIN_S", 0.0)
    with office(Settings(data=str(tmp_path))) as ours:
        assert (type(ours), tried) == (Held, [0, 1, 2])
    assert tried == [], "and it is closed"
    monkeypatch.setattr(rooms, "STARTING_S", -1.0)
    with (
        pytest.raises(StoreLocked, match="again in a while where it is still starting"),
        office(Settings(data=str(tmp_path))),
    ):
        pass


def test_the_lists_are_read_from_a_server_by_who_administers_it(server: Server) -> None:
    where = "--data", str(server.data)
    lines("users", "add", "ada", "--role", "administrator", *where)
    [[script]] = lines("token", "create", "--user", "ada", *where)
    [[device]] = lines("token", "create", "--vehicle", "*", *where)
    there = "--from-server", server.url, "--token"
    assert server.ping("forgotten").status == 401
    assert lines("users", "list", *there, script) == lines("users", "list", *where)
    done = tracker("token", "list", *there, script)
    assert "without a token: 127.0.0.1, POST /api/v1/positions, times: 1" in done.stderr
    assert "may not administer" in refusal("users", "list", *there, device)
    assert "this token opens nothing" in refusal("token", "list", *there, "trk_wrong")
    assert tracker("users", "list", *there, script, *where).exit_code == 2, "one or the other"
    assert (server.data / FILE).stat().st_mode & 0o077 == 0, "what lets commands in is for its owner"
    server.stop()
    assert not (server.data / FILE).exists(), "and goes with the server"


@pytest.mark.parametrize(
    "command", ["users list", "users link ada", "users disable ada", "token list", "token revoke x"]
)
def test_a_folder_that_is_not_there_is_told_and_not_made(tmp_path: Path, command: str) -> None:
    missing = tmp_path / "missing"
    assert "there is no folder" in refusal(*command.split(), "--data", str(missing))
    assert not missing.exists()


@pytest.mark.parametrize("both", [["--scrape", "--vehicle", "*"], ["--user", "ada", "--scrape"]])
def test_a_token_is_for_one_thing(tmp_path: Path, both: list[str]) -> None:
    assert tracker("token", "create", *both, "--data", str(tmp_path)).exit_code == 2


def test_targets_are_added_tested_and_removed(folder: Path) -> None:
    where = "--data", str(folder)
    lines("users", "group", "north", "--regions", "yards", *where)
    [[secret]] = lines("targets", "add", "https://customer.example/hook", "--every", "30", "--group", "north", *where)
    assert secret.startswith("whsec_")
    [[id, name, url, state]] = lines("targets", "list", *where)
    assert (name, url, state) == ("", "https://customer.example/hook", "nothing sent yet")
    assert "public" in refusal("targets", "add", "https://127.0.0.1/", *where)
    given = tracker("targets", "add", "https://customer.example/", "--secret-stdin", *where, given=f"{secret}\n")
    assert (given.exit_code, given.stdout) == (0, ""), "who knows it need not be told"
    tested = tracker("targets", "test", id, *where)
    assert (tested.exit_code, secret in tested.output) == (1, False), "there is no such host"
    lines("targets", "disable", id, *where)
    assert [row[3] for row in lines("targets", "list", *where) if row[0] == id] == ["off"]
    lines("targets", "disable", id, "--undo", *where)
    lines("targets", "remove", id, *where)
    assert len(lines("targets", "list", *where)) == 1
    assert "no target" in refusal("targets", "test", id, *where)


def test_who_was_here_is_told_as_lines_csv_and_json(start_server: Callable[..., Server], tmp_path: Path) -> None:
    folder = start_server().data
    where = "--data", str(folder)
    times = [f"2026-11-23T09:0{minute}:00Z" for minute in range(3)]
    drive = [
        {"vehicle": vehicle, "time": time, "lat": lat, "lon": 24.944}
        for vehicle, lats in (("van-1", (60.16, 60.17, 60.18)), ("=2", (60.165, 60.175)))
        for time, lat in zip(times, lats, strict=False)
    ]
    with office(Settings(data=str(folder))) as ours:
        assert ours.ask("POST", "/api/v1/positions", drive)["accepted"] == 5
    drawn = tmp_path / "corner.geojson"
    circle = {"type": "Point", "coordinates": [24.944, 60.17]}
    drawn.write_text(json.dumps({"type": "Feature", "geometry": circle, "properties": {"radius_m": 300}}))
    asked = "inside", "--from", "2026-11-23T09:00:00Z", "--until", "2026-11-24T00:00:00Z", *where
    told = lines(*asked, "--shape", str(drawn))
    assert [(cells[0], cells[4]) for cells in told] == [("=2", "passed through"), ("van-1", "1 fix")]
    assert told[0][3] == "0:00:32"
    assert lines(*asked, "--at", "60.17,24.944", "--radius", "300") == told
    csv = tracker(*asked, "--shape", str(drawn), "--format", "csv").stdout.splitlines()
    assert [line.split(",")[0] for line in csv] == ["vehicle", "'=2", "van-1"]
    found = tracker(*asked, "--shape", str(drawn), "--format", "ndjson", "--vehicle", "van-*").stdout.splitlines()
    assert [json.loads(line)["vehicle"] for line in found] == ["van-1"]
    assert "no region 'depot'" in refusal(*asked, "--region", "depot")
    for wrong in ((), ("--at", "60.17,24.944"), ("--at", "here", "--radius", "9"), ("--at", "1,2", "--region", "x")):
        assert tracker(*asked, *wrong).exit_code == 2


@pytest.mark.parametrize(
    "arguments, option",
    [
        (("report", "--from", "2026-11-25", "--tz", "Foo"), "--tz"),
        (("report", "--from", "2026-11-25", "--tz", "localtime"), "--tz"),
        (("report", "--from", "2026-13-45", "--tz", "Europe/Berlin"), "--from"),
        (("report", "--from", "2026-11-25T00:00Z", "--until", "2026-11-24T00:00Z"), "--until is later than --from"),
        (("report", "--from", "soon"), "--from"),
        (("inside", "--at", "60,24", "--radius", "9", "--from", "20260101"), "--from"),
        (
            ("inside", "--at", "60,24", "--radius", "nan", "--from", "2026-11-25T00:00Z"),
            "--radius: nan is not a number",
        ),
        (("inside", "--at", "60,24", "--radius", "9", "--from", "2026-11-25T00:00Z", "--until", "0"), "--until"),
    ],
)
def test_what_is_asked_wrongly_is_said_of_its_option_and_ends_with_2(
    tmp_path: Path, arguments: tuple[str, ...], option: str
) -> None:
    out = (str(tmp_path / "day.html"),) if arguments[0] == "report" else ()
    done = tracker(*arguments, *out, "--data", str(tmp_path))
    assert done.exit_code == 2, done.output
    said = done.output.splitlines()[-1]
    assert option in said and "`" not in said
    assert not (tmp_path / "day.html").exists()
