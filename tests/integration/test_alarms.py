"""An alarm reaches the log by every way in, however its fix was taken, once."""

from __future__ import annotations

import asyncio
import io
import json
from typing import Any

from websockets.asyncio.client import connect

from tests.support.servers import Server, now
from tracker.formats import Point
from tracker.replay.offline import Offline
from tracker.times import parse_time

PATH = "/api/v1/positions"


def messages() -> list[dict[str, Any]]:
    """A van, and its alarms: new, late, again with an alarm, held, without a place."""
    fix = now(-200)  # told twice: to the millisecond the same
    return [
        {"time": now(-600), "lat": 60.17, "lon": 24.94},
        {"time": now(-300), "lat": 60.17, "lon": 24.94},
        {"time": now(-400), "lat": 60.17, "lon": 24.94, "alarm": "late"},
        {"time": fix, "lat": 60.17, "lon": 24.94},
        {"time": fix, "lat": 60.17, "lon": 24.94, "alarm": "again"},
        {"time": now(-190), "lat": 61.17, "lon": 24.94, "alarm": "held"},
        {"time": now(-180), "lat": 0, "lon": 0, "alarm": "nowhere"},
        {"time": now(-7200), "lat": 60.17, "lon": 24.94, "alarm": "old"},
    ]


WANTED = ["late", "again", "held", "nowhere", "old"]


def test_over_http_and_a_restart(server: Server) -> None:
    sent = [{"vehicle": "van"} | message for message in messages()]
    for message in sent:
        answer = server.post(PATH, message)
        assert answer.status == 200, answer.body
    server.kill()
    server.start()
    for message in sent:
        assert server.post(PATH, message).status == 200
    events = server.events(kind="alarm")
    assert [event["alarm"] for event in events] == WANTED
    assert [event.get("placed", True) for event in events] == [True, True, True, False, True]
    assert [event["delayed"] for event in events] == [True, False, False, False, True]
    assert (events[3]["lat"], events[3]["lon"]) == (60.17, 24.94)
    track = server.get("/api/v1/vehicles/van/track").json()["positions"]
    assert len(track) == 6, "no message without a place, and no fix twice"


def test_over_a_websocket(shared_server: Server) -> None:
    async def send() -> None:
        async with connect(shared_server.ws + PATH) as socket:
            for message in messages():
                await socket.send(json.dumps({"vehicle": "pressed over ws"} | message))
                await socket.recv()

    asyncio.run(send())
    assert [event["alarm"] for event in shared_server.events(vehicle="pressed%20over%20ws", kind="alarm")] == WANTED


def test_in_a_dry_run() -> None:
    told = io.StringIO()
    offline = Offline(told, [], parse_time(messages()[0]["time"]))
    for line, message in enumerate(messages(), 1):
        offline.send([Point(parse_time(message.pop("time")), {"vehicle": "van"} | message, line=line)])
    events = [json.loads(line) for line in told.getvalue().splitlines()]
    assert [event["alarm"] for event in events if event["kind"] == "alarm"] == WANTED
