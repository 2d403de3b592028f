"""One ping a request through a real server, as phones and gateways send them: what it costs from the socket to the disk.

32 senders on kept-alive connections that wait for their answers, a token in the address, a vehicle of a thousand and a
newer fix each. CPU is that of the server, over all its threads; a ping counts when its 200 has come. Beside them stands
the same position as our own JSON.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

from bench import Row, cpu_seconds, json_loop, report
from clients import Http, Server

ROUNDS = 5
COUNT = 1_500  #: pings a round
SENDERS = 32
FORM, JSON = "application/x-www-form-urlencoded", "application/json"

Ask = Callable[[str, int], tuple[str, bytes, str]]  # vehicle, time in s → target, body and its type


def said(document: Any) -> tuple[bytes, str]:
    return json.dumps(document, separators=(",", ":")).encode(), JSON


def ways(token: str) -> dict[str, Ask]:
    at = f"/ingest/{{}}/{token}".format
    place = {"lat": 60.1712, "lon": 24.944}
    query = "lat=60.1712&lon=24.944"

    def overland(vehicle: str, when: int) -> Any:
        told = {"timestamp": when, "speed": 12, "course": 90, "horizontal_accuracy": 5, "battery_level": 0.8}
        geometry = {"type": "Point", "coordinates": [24.944, 60.1712]}
        return {"locations": [{"type": "Feature", "geometry": geometry, "properties": told | {"device_id": vehicle}}]}

    def traccar(vehicle: str, when: int) -> Any:
        position = {"latitude": 60.1712, "longitude": 24.944, "speed": 21.6, "course": 90, "valid": True}
        return {"position": position | {"fixTime": when * 1000}, "device": {"uniqueId": vehicle}}

    return {
        "our own JSON": lambda v, t: ("/api/v1/positions", *said(place | {"vehicle": v, "time": t, "speed_mps": 12.3})),
        "osmand": lambda v, t: (
            at("osmand") + f"?id={v}&{query}&timestamp={t}&speed=12.3&bearing=90&accuracy=5&batt=80",
            *(b"", FORM),
        ),
        "owntracks": lambda v, t: (
            at("owntracks"),
            *said(place | {"_type": "location", "topic": f"owntracks/{v}", "tst": t, "vel": 44, "cog": 90, "batt": 80}),
        ),
        "overland": lambda v, t: (at("overland"), *said(overland(v, t))),
        "phonetrack": lambda v, t: (at("phonetrack") + f"/{v}?{query}&timestamp={t}&speed=12&bat=80", b"", FORM),
        "ulogger": lambda v, t: (
            at("ulogger") + "/client/index.php",
            f"action=addpos&{query}&time={t}&speed=12&trackid=1".encode(),
            f"{FORM}\r\nCookie: ulogger={v.encode().hex()}",
        ),
        "homeassistant": lambda v, _now: (
            at("homeassistant") + f"/{v}",
            *said({"type": "update_location", "data": {"gps": [60.1712, 24.944], "battery": 80}}),
        ),
        "traccar": lambda v, t: (at("traccar"), *said(traccar(v, t))),
        "flespi": lambda v, t: (
            at("flespi"),
            *said([{"ident": v, "timestamp": t, "position.latitude": 60.1712, "position.longitude": 24.944}]),
        ),
    }


def raw(ask: Ask, number: int, when: int, token: str) -> bytes:
    target, body, kind = ask(f"van-{number % 1000}", when)
    head = f"POST {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\nContent-Type: {kind}\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


async def send(port: int, requests: list[bytes]) -> None:
    queue = iter(requests)

    async def sender() -> None:
        client = await Http.connect(port)
        for request in queue:
            status, body = await client.request(request)
            if status != 200:
                raise SystemExit(f"{status} {body[:300]!r} to {request[:300]!r}")
        client.transport.close()

    await asyncio.gather(*(sender() for _ in range(SENDERS)))


def main() -> None:
    rows: list[Row] = []
    with Server() as server:
        token = server.tracker("token", "create", "--vehicle", "*")
        began = when = int(time.time()) - 86_400
        for name, ask in ways(token).items():
            costs, references = [], []
            for number in range(ROUNDS + 1):
                requests = []
                for one in range(COUNT):
                    when = began + (one // 1000) + 2 * number + 60 * len(rows)
                    requests.append(raw(ask, one, when, token))
                references.append(json_loop(b'{"lat":60.17,"lon":24.94,"tst":1795424400,"vel":36,"tid":"ne"}'))
                cpu = cpu_seconds(server.pid)
                asyncio.run(send(server.port, requests))
                if number:  # the first round only warms up
                    costs.append((cpu_seconds(server.pid) - cpu) / COUNT)
            rate = f"{1 / sorted(costs)[ROUNDS // 2]:,.0f} pings/s of one core"
            rows.append(
                Row(name, "µs CPU a ping", [1e6 * one for one in costs], [1e6 * one for one in references], rate)
            )
    report("One ping a request, from the socket to the disk, by protocol", rows, "bare json of one location")


if __name__ == "__main__":
    main()
