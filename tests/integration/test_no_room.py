"""No room: on a real disk of 4 MiB and under a limit of the process nothing hangs, nothing is half done, and it mends
itself."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.disks import mounted
from tests.support.servers import Server, circle, now
from tests.support.waiting import until_sync

PAGE = 4096
VANS = 60


class Tight:
    """A server, and how much more it may write."""

    def __init__(self, server: Server, tighten: Callable[[int], None], loosen: Callable[[], None]) -> None:
        self.server, self.tighten, self.loosen = server, tighten, loosen


@contextmanager
def on_a_small_disk(place: Path) -> Iterator[Tight]:
    with mounted(place, megabytes=4) as disk:
        server = Server(disk / "data").start()

        def tighten(leave: int) -> None:
            descriptor = os.open(disk / "ballast", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
            while os.statvfs(disk).f_bavail * PAGE > leave:
                os.write(descriptor, bytes(PAGE))
            os.close(descriptor)

        try:
            yield Tight(server, tighten, (disk / "ballast").unlink)
        finally:
            server.kill()


@contextmanager
def under_a_limit(place: Path) -> Iterator[Tight]:
    """RLIMIT_FSIZE: no file may grow beyond it."""
    place.mkdir()
    server = Server(place / "data").start()
    prlimit = shutil.which("prlimit") or pytest.skip("prlimit (util-linux) is not installed")

    def limit(size: int | str) -> None:
        subprocess.run([prlimit, "--pid", str(server.pid), f"--fsize={size}:unlimited"], check=True)

    try:
        log = server.data / "tracker.db-wal"
        yield Tight(server, lambda leave: limit(log.stat().st_size + leave), lambda: limit("unlimited"))
    finally:
        server.kill()


KINDS = {"a disk of 4 MiB": on_a_small_disk, "RLIMIT_FSIZE": under_a_limit}


@pytest.fixture(params=KINDS)
def tight(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Tight]:
    with KINDS[request.param](tmp_path / "place") as tight:
        for number in range(VANS):
            assert tight.server.ping(f"van-{number}", lat=60.0, lon=25.0).status == 200
        assert tight.server.send("PUT", "/api/v1/regions/old", circle(60.0, 25.0, 200, name="Old")).status == 201
        yield tight


def everything(server: Server) -> tuple[Any, ...]:
    """What anybody can read of it."""
    vehicles = server.get("/api/v1/vehicles?limit=1000").json()["vehicles"]
    regions = server.get("/api/v1/regions").json()["regions"]
    return server.events(after=0), vehicles, regions


@pytest.mark.parametrize("leave", [0, 4 * PAGE, 10 * PAGE, 30 * PAGE])
def test_a_region_without_room_for_its_events_is_507_and_was_never_there(tight: Tight, leave: int) -> None:
    server = tight.server
    tight.tighten(leave)
    before = everything(server)
    answer = server.send("PUT", "/api/v1/regions/depot", circle(60.0, 25.0, 300, name="Depot"))
    if leave <= 10 * PAGE:
        assert (answer.status, answer.json()["code"]) == (507, "store_full")
    if answer.status == 507:
        assert server.get("/api/v1/regions/depot").status == 404
        assert everything(server) == before
        assert server.get("/readyz").status == 503
    tight.loosen()
    until_sync(lambda: server.get("/readyz").status == 200, "there is room again")
    assert server.send("PUT", "/api/v1/regions/depot", circle(60.0, 25.0, 300, name="Depot")).status in (200, 201)
    entered = [event for event in server.events(after=0) if event.get("region") == "depot"]
    assert {event["vehicle"] for event in entered} == {f"van-{number}" for number in range(VANS)}


def test_without_any_room_every_kind_of_change_is_507_and_changes_nothing(tight: Tight) -> None:
    server = tight.server
    event = server.events(after=0)[0]["id"]
    tight.tighten(0)
    before = everything(server)
    changes: list[tuple[str, str, Any]] = [
        ("POST", "/api/v1/positions", {"vehicle": "new", "time": now(), "lat": 60.0, "lon": 25.0}),
        ("PUT", "/api/v1/regions/depot", circle(60.0, 25.0, 300)),
        ("PUT", "/api/v1/regions/old", circle(60.0, 25.0, 900)),
        ("PATCH", "/api/v1/regions/old", {"properties": {"name": "New"}}),
        ("POST", "/api/v1/regions", circle(60.0, 25.0, 300)),
        ("DELETE", "/api/v1/regions/old", None),
        ("PUT", "/api/v1/vehicles/van-1", {"name": "One"}),
        ("PATCH", "/api/v1/vehicles/van-1", {"name": "One"}),
        ("DELETE", "/api/v1/vehicles/van-1", None),
        ("POST", f"/api/v1/events/{event}/ack", {"by": "Ann"}),
    ]
    for change in changes * 2:
        answer = server.send(*change)
        assert (answer.status, change) == (507, change)
        assert answer.json()["code"] == "store_full"
        assert "free some space" in answer.json()["detail"]
        assert server.get("/readyz").status == 503
    assert everything(server) == before
    tight.loosen()
    until_sync(lambda: server.get("/readyz").status == 200, "there is room again")
    for change in changes:
        assert server.send(*change).status in (200, 201, 204)
    server.kill()
    if server.data.exists():
        server.start()
        assert server.get("/api/v1/regions/old").status == 404
        assert server.get("/api/v1/vehicles/new").status == 200


def test_a_server_starts_on_a_disk_without_room_and_is_read(tmp_path: Path) -> None:
    with on_a_small_disk(tmp_path / "place") as tight:
        server = tight.server
        assert server.ping("van-1").status == 200
        before = everything(server)
        tight.tighten(0)
        server.kill()
        server.start(wait=False)
        until_sync(lambda: can_be_asked(server), "it answers")
        assert everything(server) == before
        assert server.ping("van-1").status == 507


def can_be_asked(server: Server) -> bool:
    assert server.process is not None and server.process.poll() is None, server.log.read_text()
    try:
        return server.get("/api/v1/vehicles").status == 200
    except OSError:
        return False
