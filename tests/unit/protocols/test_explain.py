"""How a payload is read is explained for every protocol by what its own reader does; the payloads are in fixtures/."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.requests import FIXTURES, INGEST, parse
from tracker.errors import TrackerError
from tracker.model.ping import has_place
from tracker.protocols import Payload, Reading, Spoken
from tracker.protocols.explain import WARNINGS, explain

NOW = 1_795_424_430_000
FILES = sorted((FIXTURES / "payloads").glob("*/*.http"))
#: what two protocols read alike: fields in a form, and Traccar's app, which Traccar passes on
ALIKE = {"osmand", "phonetrack", "traccar"}


def told(path: Path, **more: Any) -> tuple[Spoken, Reading | TrackerError, dict[str, Any]]:
    scope, payload = parse(path.read_bytes())
    target = INGEST.at(scope)
    assert target
    one = next(one for one in target.here.spoken if one.name == path.parent.name)
    reading, shown = explain(one, payload._replace(rest=target.rest, **more), NOW)
    return one, reading, shown


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_every_payload_is_explained_and_those_with_a_place_are_recognised(path: Path) -> None:
    one, reading, shown = told(path)
    json.dumps(shown)
    assert {warning["kind"] for warning in shown["warnings"]} <= WARNINGS.keys()
    if isinstance(reading, TrackerError):
        assert shown["error"]["do"] and shown["pings"] == []
        return
    assert len(shown["pings"]) == len(reading.pings)
    if any(map(has_place, reading.pings)):
        assert one.name == "webhook" or shown["looks_like"] == one.name or {shown["looks_like"], one.name} <= ALIKE
        reads = {name for field in shown["fields"] for name in field["read_as"]}
        signed = one.name == "webhook" or path.stem.startswith("encrypted")
        assert {"lat", "lon"} <= reads or signed, shown["fields"]


def fields(shown: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {field["name"]: field for field in shown["fields"]}


def kinds(shown: dict[str, Any]) -> dict[str, str]:
    return {warning.get("field", warning["kind"]): warning["message"] for warning in shown["warnings"]}


def test_each_part_is_told_with_what_it_becomes() -> None:
    _, _, shown = told(FIXTURES / "payloads/owntracks/location-ios.http")
    found = fields(shown)
    assert (found["tst"]["read_as"], found["tst"]["becomes"]) == (["time"], 1_795_424_400_000)
    assert (found["vel"]["read_as"], found["vel"]["counts"]) == (["speed_mps"], False)
    assert (found["conn"]["read_as"], found["_id"]["read_as"]) == (["attributes.conn"], [])
    warnings = kinds(shown)
    assert warnings["vel"] == "`vel` is -1: not known"
    assert "is read from `_id`" in warnings["_id"]
    assert warnings["device"] == "the vehicle is 'jane-phone': `u` of the address and `d` of the address says so"
    assert shown["pings"][0]["time"] == "2026-11-23T09:00:00.000Z"


def test_clocks_heartbeats_duplicates_and_values_that_cannot_be_are_warned_of() -> None:
    _, _, shown = told(FIXTURES / "payloads/owntracks/location-1024-weeks-behind.http")
    assert [one["repair"] for one in shown["warnings"] if one["kind"] == "clock_repaired"] == ["week_rollover"]
    _, reading, _ = told(FIXTURES / "payloads/overland/batch.http")
    assert isinstance(reading, Reading)
    message = {"_type": "location", "tid": "an", "batt": 400, "lat": 60, "lon": 24, "tst": NOW // 1000 - 7200}
    one, _, _ = told(FIXTURES / "payloads/owntracks/location.http")
    _, shown = explain(one, Payload(json.dumps([message, message, {"_type": "lwt"}]).encode()), NOW)
    assert {"clock_behind", "old", "duplicate", "device"} <= {warning["kind"] for warning in shown["warnings"]}
    assert ("ignored", "battery_pct") in {(warning["kind"], warning.get("field")) for warning in shown["warnings"]}


def test_what_came_to_the_wrong_protocol_is_told_so_and_no_secret_is_shown() -> None:
    _, payload = parse((FIXTURES / "payloads/owntracks/location.http").read_bytes())
    overland = next(one for one, *_ in [told(FIXTURES / "payloads/overland/batch.http")])
    _, shown = explain(overland, payload, NOW)
    assert shown["looks_like"] == "owntracks" and "/ingest/owntracks/TOKEN" in kinds(shown)["looks_like"]
    secret = Payload(query="id=v&lat=1&lon=2&password=hidden&note=trk_abcdef", method="GET")
    osmand = next(one for one, *_ in [told(FIXTURES / "payloads/osmand/locus.http")])
    _, shown = explain(osmand, secret, NOW)
    assert "hidden" not in json.dumps(shown["fields"]) and "trk_abcdef" not in json.dumps(shown["fields"])


def test_a_webhook_with_a_wrong_signature_is_not_sent_to_an_address_that_asks_for_none() -> None:
    _, reading, shown = told(FIXTURES / "payloads/webhook/motive_wrong.http")
    assert isinstance(reading, TrackerError) and shown["error"]["code"] == "wrong_signature"
    assert shown["warnings"] == []


def test_a_long_batch_is_explained_by_one_of_its_items() -> None:
    overland, _, _ = told(FIXTURES / "payloads/overland/batch.http")
    _, payload = parse((FIXTURES / "payloads/overland/batch.http").read_bytes())
    document = json.loads(payload.body)
    document["locations"] = [{"type": "Feature", "properties": {"action": "visit"}}, *document["locations"] * 300]
    _, shown = explain(overland, payload._replace(body=json.dumps(document).encode()), NOW)
    assert len(shown["pings"]) == 100 and shown["more"] == 500
    assert {"lat", "lon", "time"} <= {name for field in shown["fields"] for name in field["read_as"]}
