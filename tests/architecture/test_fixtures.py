"""What strangers build on is shown by example: every protocol has payloads, every message a file, and all can be read."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.support.requests import read_request
from tracker.protocols import Payload, Reading, Spoken, spoken
from tracker.regions.region import Region

ROOT = Path(__file__).parents[2]
FIXTURES = ROOT / "fixtures"
NOW = 1_795_424_430_000  # 2026-11-23T09:00:30Z, when every payload is received

#: payload file → what it reads as; a payload without the file beside it fails and prints what to put there.
#: A file that ends with .http is a whole request, and its reply stands in what it reads as.
PAYLOADS = [
    (one, path)
    for one in spoken()
    for path in sorted((FIXTURES / "payloads" / one.name).glob("*"))
    if not path.name.endswith(".expected.json")
]


def told(reading: Reading) -> dict[str, Any]:
    pings = msgspec.to_builtins(reading.pings)
    return {"items": reading.items, "rejected": reading.rejected, "pings": pings, "errors": reading.errors}


def read_all(protocol: Spoken, body: bytes) -> Reading:
    if protocol.read:
        return protocol.read(Payload(body), NOW)
    assert protocol.decoder
    decoder, whole = protocol.decoder(2**20), Reading()
    for reading in (*decoder.feed(body, NOW), *decoder.finish(NOW)):
        whole.add_part(reading)
        whole.pings += reading.pings
    return whole


@pytest.mark.parametrize(("protocol", "path"), PAYLOADS, ids=lambda one: getattr(one, "name", None))
def test_a_payload_reads_as_expected(protocol: Any, path: Path) -> None:
    if path.suffix == ".http":
        reading = read_request(protocol, path.read_bytes(), NOW)
    else:
        reading = told(read_all(protocol, path.read_bytes()))
    expected = path.with_suffix(".expected.json")
    assert expected.exists(), f"{expected.relative_to(ROOT)} should hold:\n{json.dumps(reading, indent=1)}"
    assert reading == json.loads(expected.read_text())


@pytest.mark.parametrize("name", [one.name for one in spoken()])
def test_every_protocol_has_payloads(name: str) -> None:
    assert [one for one, _ in PAYLOADS if one.name == name], f"fixtures/payloads/{name}/ is empty"


def test_every_message_has_a_file() -> None:
    source = "".join((ROOT / "tracker" / "live" / name).read_text() for name in ("requests.py", "messages.py"))
    ops = set(re.findall(r'"op": ?"(\w+)"', source)) | set(re.findall(r'tag_field="op", tag="(\w+)"', source))
    shown: set[str] = set()
    for path in (FIXTURES / "wire").glob("*.json"):
        content = json.loads(path.read_text())
        messages = content if isinstance(content, list) else [content, *content.values()]
        shown |= {message["op"] for message in messages if isinstance(message, dict) and "op" in message}
    assert len(ops) > 8
    assert not ops - shown, f"fixtures/wire/ shows no {ops - shown}"


@pytest.mark.parametrize("path", sorted(FIXTURES.rglob("*.*json")), ids=lambda path: path.name)
def test_every_file_is_what_its_name_says(path: Path) -> None:
    text = path.read_text()
    if path.suffix == ".ndjson":
        assert text.splitlines()
    elif path.suffix == ".geojson":
        assert json.loads(text)["type"] in ("FeatureCollection", "Feature")
    else:
        json.loads(text)


@pytest.mark.parametrize("path", sorted(FIXTURES.rglob("regions*.geojson")), ids=lambda path: path.name)
def test_regions_that_are_shipped_are_regions(path: Path) -> None:
    for number, feature in enumerate(json.loads(path.read_text())["features"]):
        assert Region.read_feature(feature, id=f"r{number}", version=1, now=NOW).shape.area_m2 > 0
