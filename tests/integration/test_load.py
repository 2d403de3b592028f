"""Bodies and answers of any size: limits by route, a shared buffer, a pool with a queue; nobody else is held up."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable

import pytest

from tests.support.servers import Server, circle
from tests.support.waiting import deadline, until_sync

V, R = "/api/v1/vehicles", "/api/v1/regions"
JSON = {"content-type": "application/json"}
KML = {"content-type": "application/vnd.google-earth.kml+xml"}
MB = 2**20


@pytest.mark.parametrize(
    ("method", "path", "most"),
    [
        ("PUT", f"{V}/van", 64 * 1024),
        ("PATCH", f"{V}/van", 64 * 1024),
        ("POST", "/api/v1/events/{event}/ack", 64 * 1024),
        ("PUT", f"{R}/yard", 2 * MB),
        ("PATCH", f"{R}/yard", 2 * MB),
        ("POST", f"{R}/preview", 2 * MB),
        ("POST", R, 64 * MB),
    ],
)
def test_each_route_has_a_limit_of_its_own(shared_server: Server, method: str, path: str, most: int) -> None:
    shared_server.send("PUT", f"{V}/van", {})
    shared_server.send("PUT", f"{R}/yard", circle(60.17, 24.94, 500))
    if "{event}" in path:
        shared_server.ping("limit-van")
        event = shared_server.events(vehicle="limit-van")[0]["id"]
        path = path.replace("{event}", event)
    document = json.dumps(circle(60.17, 24.94, 500) if path.startswith(R) else {"by": "Ada", "name": "Van"})
    if path.startswith(V):
        document = '{"name":"Van"}'
    if path == R:  # a single one may have what a PUT may have; many fill the whole
        features = [document] * 10
        document = '{"type":"FeatureCollection","features":[' + ",".join(features) + "]}"
        assert shared_server.request(method, path, document + " " * MB, JSON).status in (200, 201)
    else:
        assert shared_server.request(method, path, document.ljust(most), JSON).status in (200, 201)
    answer = shared_server.request(method, path, document.ljust(most + 1), JSON)
    assert answer.status == 413
    assert answer.json()["code"] == "body_too_large"


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        (f"{R}/preview", "[" + "{}," * 600_000 + "{}]", "too_many_items"),
        (R, '{"type":"FeatureCollection","features":[' + "{}," * 600_000 + "{}]}", "too_many_items"),
        (R, '{"type":"FeatureCollection","other":[' + "{}," * 900_000 + "{}]}", "body_too_large"),
        (R, '{"type":"FeatureCollection","features":[{"a":[' + "[]," * 600_000 + "[]]}]}", "too_many_items"),
        (R, '{"type":"FeatureCollection","features":[{"a":"' + "x" * 3 * MB + '"}]}', "body_too_large"),
        (R, '{"type":"FeatureCollection","features":[ ]}', "no_features"),
        (R, '{"type":"Feature","features":[' + "{}," * 20_000 + "{}]}", "too_many_items"),
    ],
)
def test_a_body_of_brackets_is_refused(shared_server: Server, path: str, body: str, code: str) -> None:
    answer = shared_server.request("POST", path, body, JSON)
    assert answer.json()["code"] == code
    assert answer.status in (413, 422)


@pytest.mark.parametrize(
    "inside",
    [
        "<a/>" * 2_100_000,
        "<Placemark>" + "<a/>" * 60_000 + "</Placemark>",
        "<Placemark><name>" + "x" * 3 * MB + "</name></Placemark>",
        f'<a b="{"x" * 5 * MB}"/>',
    ],
    ids=["elements", "parts", "text", "attribute"],
)
def test_a_kml_of_too_much_is_refused(shared_server: Server, inside: str) -> None:
    answer = shared_server.request("POST", R, f"<kml>{inside}</kml>", KML)
    assert answer.status == 413
    assert answer.json()["code"] in ("too_many_items", "body_too_large")


def test_all_bodies_share_one_buffer_whatever_their_route(start_server: Callable[..., Server]) -> None:
    server = start_server(max_buffered=2 * MB)
    held = http.client.HTTPConnection("127.0.0.1", server.port, timeout=deadline(30))
    held.putrequest("PUT", f"{R}/held")
    held.putheader("content-type", "application/json")
    held.putheader("content-length", str(2 * MB))
    held.endheaders()
    held.send(b" " * (MB + MB // 2))
    until_sync(lambda: measured(server, "bodies_held_bytes") > MB, "the server holds it")
    for method, path in (("POST", f"{R}/preview"), ("POST", R), ("POST", "/api/v1/positions")):
        answer = server.request(method, path, b" " * MB, JSON)
        assert (answer.status, answer.json()["code"]) == (503, "overloaded")
        assert int(answer.headers["retry-after"]) >= 1
    held.close()
    until_sync(lambda: measured(server, "bodies_held_bytes") == 0, "it is given back")


def test_heavy_requests_wait_in_a_queue_that_can_be_full(start_server: Callable[..., Server]) -> None:
    server = start_server(heavy_at_once=1, heavy_waiting=1)
    lines = "\n".join(
        json.dumps({"vehicle": f"v{n % 50}", "time": 1_790_000_000 + n, "lat": 60.0 + n % 97 / 1e3, "lon": 25.0})
        for n in range(3000)
    )
    server.request("POST", "/api/v1/positions", lines, {"content-type": "application/x-ndjson"})
    preview = json.dumps(circle(60.05, 25.0, 2000))
    asking = [http.client.HTTPConnection("127.0.0.1", server.port, timeout=deadline(60)) for _ in range(12)]
    for connection in asking:  # all before any answer is read
        connection.request("POST", f"{R}/preview", preview, JSON)
    answers = []
    for connection in asking:
        answer = connection.getresponse()
        answers.append((answer.status, answer.headers.get("retry-after", "")))
        connection.close()
    statuses = [status for status, _ in answers]
    assert statuses.count(200) >= 2
    assert statuses.count(503) >= 1
    assert statuses.count(200) + statuses.count(503) == 12
    assert all(retry for status, retry in answers if status == 503)
    assert measured(server, "heavy_refused_total") == statuses.count(503)
    assert measured(server, "heavy_waiting") == 0


def measured(server: Server, name: str) -> float:
    lines = dict(line.rsplit(" ", 1) for line in server.get("/metrics").body.decode().splitlines() if line[0] != "#")
    return float(lines[f"tracker_{name}"])
