"""Whatever a client sends: pings that can be stored, or an error with a name; never anything else."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.property.mutations import EXAMPLES, ODD, mutated
from tracker.errors import TrackerError
from tracker.model.keys import blanked
from tracker.model.ping import AHEAD_MS, OLDEST, Ping, vehicle_id
from tracker.protocols import Outcome, Payload, Reading, Spoken
from tracker.protocols.explain import WARNINGS, explain

NOW = 1_795_424_430_000


MANY = int(os.environ.get("FUZZ", 0))  #: examples of each test; `make fuzz` sets it
SLOWEST: list[tuple[float, int]] = [(0.0, 0)]  #: CPU seconds of a request, and its seed

REQUESTS = [(one, payload) for one, payload in EXAMPLES if one.read]
ODD_VALUES = st.sampled_from(ODD)


@pytest.fixture(scope="module", autouse=True)
def slowest() -> Iterator[None]:
    yield
    if MANY:
        print(f"\nslowest: {SLOWEST[0][0]:.3f} s of CPU for the request of seed {SLOWEST[0][1]}")


def check(one: Spoken, payload: Payload) -> None:
    fault: TrackerError | None = None
    reading = Reading()
    try:
        reading = one.read(payload, NOW) if one.read else streamed(one, payload.body)
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
    assert reply is None or reply.status in (200, 201)


def streamed(one: Spoken, body: bytes) -> Reading:
    """Cut where it hurts: in the middle of whatever there is."""
    assert one.decoder
    decoder, whole = one.decoder(65_536), Reading()
    for piece in (body[: len(body) // 2], body[len(body) // 2 :]):
        for reading in decoder.feed(piece, NOW):
            whole.add_part(reading)
            whole.pings += reading.pings
    for reading in decoder.finish(NOW):
        whole.add_part(reading)
        whole.pings += reading.pings
    return whole


@given(st.integers(0, 2**64 - 1))
@settings(max_examples=MANY or 40)
def test_whatever_becomes_of_a_request_on_the_way(seed: int) -> None:
    """Ten of each seed: Hypothesis takes longer to draw one than it takes to read one."""
    for number in range(seed, seed + 10):
        one, payload = mutated(number)
        began = time.process_time()
        check(one, payload)
        if MANY:
            SLOWEST[0] = max(SLOWEST[0], (time.process_time() - began, number))


@given(st.integers(0, 2**64 - 1))
@settings(max_examples=MANY // 50 or 25)
def test_whatever_came_can_be_explained(seed: int) -> None:
    one, payload = mutated(seed)
    reading, told = explain(one, payload, NOW)
    assert {warning["kind"] for warning in told["warnings"]} <= WARNINGS.keys()
    assert ("error" in told) == isinstance(reading, TrackerError)
    assert len(blanked(msgspec.json.encode(told).decode())) < 2_000_000


@given(st.sampled_from(REQUESTS), st.data())
@settings(max_examples=MANY // 2 or 250)
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
@settings(max_examples=MANY // 2 or 120)
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
        return document | {name: data.draw(ODD_VALUES) if how == 1 else _with(document[name], data)}
    if isinstance(document, list) and document and data.draw(st.integers(0, 9)):
        at = data.draw(st.integers(0, len(document) - 1))
        return [*document[:at], _with(document[at], data), *document[at:]]
    return data.draw(ODD_VALUES)


def _garbled(text: bytes, data: st.DataObject) -> bytes:
    """Cut, or with other bytes in the place of some."""
    if not text:
        return data.draw(st.binary(max_size=20))
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start, min(len(text), start + 20)))
    return text[:start] + data.draw(st.binary(max_size=8)) + text[end:]
