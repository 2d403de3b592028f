"""Whatever a client sends: pings that can be stored, or an error with a name; never anything else."""

from __future__ import annotations

import json
import math
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.requests import FIXTURES, INGEST, parse
from tracker.errors import TrackerError
from tracker.model.ping import AHEAD_MS, OLDEST, Ping, vehicle_id
from tracker.protocols import Outcome, Payload, Reading, Reply, Spoken

NOW = 1_795_424_430_000


def _requests() -> list[tuple[Spoken, Payload]]:
    """Of every protocol, each request that there is for an example."""
    found = []
    for path in sorted((FIXTURES / "payloads").glob("*/*.http")):
        scope, payload = parse(path.read_bytes())
        target = INGEST.at(scope)
        assert target is not None, path
        here = next(one for one in target.here.spoken if one.name == path.parent.name)
        found.append((here, payload._replace(rest=target.rest)))
    return found


REQUESTS = _requests()
ODD: st.SearchStrategy[Any] = st.sampled_from([
    None, True, False, 0, 1, -1, -0.0, 0.5, 360, 1e308, -1e308, math.nan, math.inf, 10**400, 2**63, -(2**63), 1e11, "",
    " ", "NaN", "inf", "1e999", "1_0", "-", "null", "true", "\x00", "\ud800", "é" * 300, "x" * 5000, "٣", "9" * 400,
    "2026-11-23T09:00:00Z", "2026-11-23 09:00:00", "0000-00-00T00:00:00Z", "9999-12-31T23:59:59-23:59", "+02:00", "/", ".", "..",
    "a/b/c", "$GPRMC,,,,,,,,,,,,", [], {}, [[]], [{}], {"": None}, [0, 0], ["a", 1], {"a": {"b": [1]}}, [1] * 50, [None],
])  # fmt: skip


def check(one: Spoken, payload: Payload) -> None:
    assert one.read
    fault: TrackerError | None = None
    reading = Reading()
    try:
        reading = one.read(payload, NOW)
    except TrackerError as refused:
        fault = refused
    if fault is not None:
        assert 400 <= fault.status < 500 and len(fault.detail) < 1000
        return
    assert len(reading.pings) + reading.rejected + reading.discarded == reading.items
    for ping in reading.pings:
        assert vehicle_id(ping.vehicle) == ping.vehicle
        assert OLDEST <= ping.time <= NOW + AHEAD_MS
        assert -90 <= ping.lat <= 90 and -180 <= ping.lon <= 180
        assert msgspec.json.decode(msgspec.json.encode(ping), type=Ping) == ping
    reply = reading.reply
    if callable(reply):
        reply = reply(Outcome(len(reading.pings), 0, reading.rejected, reading.errors))
    assert isinstance(reply, Reply) and reply.status in (200, 201)


@given(st.sampled_from(REQUESTS), st.data())
@settings(max_examples=400)
def test_odd_values_anywhere_in_what_a_client_says(request: tuple[Spoken, Payload], data: st.DataObject) -> None:
    one, payload = request
    try:
        document = json.loads(payload.body)
    except ValueError:
        document = None
    if document is None:
        check(one, payload._replace(query=_garbled(payload.query.encode(), data).decode("latin-1")))
        return
    for _ in range(data.draw(st.integers(1, 3))):
        document = _with(document, data)
    check(one, payload._replace(body=json.dumps(document).encode()))


@given(st.sampled_from(REQUESTS), st.data())
@settings(max_examples=200)
def test_any_damage_on_the_way(request: tuple[Spoken, Payload], data: st.DataObject) -> None:
    one, payload = request
    headers = {
        name: _garbled(value, data) if data.draw(st.booleans()) else value for name, value in payload.headers.items()
    }
    check(one, payload._replace(body=_garbled(payload.body, data), headers=headers))


@given(
    st.sampled_from(sorted({one.name: at for at, (one, _) in enumerate(REQUESTS)}.values())), st.binary(max_size=300)
)
def test_any_bytes(at: int, body: bytes) -> None:
    one, payload = REQUESTS[at]
    check(one, payload._replace(body=body))


def _with(document: Any, data: st.DataObject) -> Any:
    """The same with an odd value somewhere, or without something, or with it twice."""
    if isinstance(document, dict) and document and data.draw(st.integers(0, 9)):
        name = data.draw(st.sampled_from(sorted(document)))
        how = data.draw(st.integers(0, 3))
        if how == 0:
            return {key: value for key, value in document.items() if key != name}
        return document | {name: data.draw(ODD) if how == 1 else _with(document[name], data)}
    if isinstance(document, list) and document and data.draw(st.integers(0, 9)):
        at = data.draw(st.integers(0, len(document) - 1))
        return [*document[:at], _with(document[at], data), *document[at:]]
    return data.draw(ODD)


def _garbled(text: bytes, data: st.DataObject) -> bytes:
    """Cut, or with other bytes in the place of some."""
    if not text:
        return data.draw(st.binary(max_size=20))
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start, min(len(text), start + 20)))
    return text[:start] + data.draw(st.binary(max_size=8)) + text[end:]
