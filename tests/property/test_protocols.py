"""Any bytes are pings or a named error, in every protocol there is or will be: requests of the fixtures, broken."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.requests import INGEST, parse
from tracker.errors import TrackerError
from tracker.protocols import Outcome, Payload, Reply, Spoken

ROOT = Path(__file__).parents[2]
NOW = 1_795_424_430_000
#: as the server prepares them, with their files
PROTOCOLS = [one for address in INGEST._names.values() for one in address.spoken if one.read]
TYPES = (b"", b"application/json", b"application/x-www-form-urlencoded", b"multipart/form-data; boundary=x")


def seeds(name: str) -> list[Payload]:
    found = [parse(path.read_bytes())[1] for path in sorted((ROOT / "fixtures/payloads" / name).glob("*.http"))]
    return found or [Payload(b"{}")]


def check(one: Spoken, payload: Payload) -> None:
    assert one.read
    try:
        reading = one.read(payload, NOW)
    except TrackerError as fault:
        if one.refusal:
            one.refusal(fault.status, fault.detail)
        return
    assert len(reading.pings) + reading.discarded + reading.rejected == reading.items
    if reading.reply is not None and not isinstance(reading.reply, Reply):
        assert reading.reply(Outcome(len(reading.pings), 0, reading.rejected, reading.errors)).status == 200


@pytest.mark.parametrize("one", PROTOCOLS, ids=lambda one: one.name)
@given(data=st.data())
def test_whatever_comes_is_read_or_refused_by_name(one: Spoken, data: st.DataObject) -> None:
    payload = data.draw(st.sampled_from(seeds(one.name)))
    body, query = payload.body, payload.query.encode()
    for _ in range(data.draw(st.integers(0, 3))):
        what = data.draw(st.sampled_from(["body", "query"]))
        text = body if what == "body" else query
        at, end = sorted((data.draw(st.integers(0, len(text))), data.draw(st.integers(0, len(text)))))
        new = data.draw(st.binary(max_size=6) | st.sampled_from([b"-1", b"null", b"[]", b"{}", b'"', b"1e999", b"%00"]))
        text = text[:at] + new + text[min(end, at + 12) :]
        body, query = (text, query) if what == "body" else (body, text)
    headers = dict(payload.headers)
    if data.draw(st.booleans()):
        headers[b"content-type"] = data.draw(st.sampled_from(TYPES))
    rest = data.draw(st.sampled_from([payload.rest, "", "van-7", "a/b"]))
    device = data.draw(st.sampled_from(["", "van-7"]))
    check(one, payload._replace(body=body, query=query.decode("latin-1"), headers=headers, rest=rest, device=device))


@pytest.mark.parametrize("one", PROTOCOLS, ids=lambda one: one.name)
@given(body=st.binary(max_size=400), query=st.text(max_size=60))
def test_so_is_what_has_no_likeness_to_anything(one: Spoken, body: bytes, query: str) -> None:
    check(one, Payload(body, query, {b"content-type": TYPES[len(body) % len(TYPES)]}))
