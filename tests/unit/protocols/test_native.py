from __future__ import annotations

import gzip
import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.errors import BadRequest, TooLarge
from tracker.model.ping import Ping
from tracker.protocols import MAX_ERRORS, Reading, spoken
from tracker.protocols.native import MAX_ITEMS, WHOLE, read_document, read_json, read_lines

NOW = 1_795_424_400_000
GOOD = {"vehicle": "van-7", "time": "2026-11-23T09:00:00Z", "lat": 60.17, "lon": 24.94}
PING = Ping("van-7", NOW, 60.17, 24.94)


def read(document: Any) -> Reading:
    return read_json(json.dumps(document).encode(), NOW)


def codes(reading: Reading) -> list[tuple[int, str, str | None]]:
    return [(error["index"], error["code"], error["field"]) for error in reading.errors]


@pytest.mark.parametrize("document", [GOOD, [GOOD], {"positions": [GOOD]}])
def test_one_position_comes_in_three_shapes(document: Any) -> None:
    assert read(document) == Reading([PING], 1)


def test_nothing_is_fine_too() -> None:
    assert read([]) == Reading()
    assert read({"positions": []}) == Reading()


def test_a_bad_item_costs_only_itself() -> None:
    reading = read([GOOD, 5, GOOD | {"lat": 91}, {}, GOOD | {"time": NOW + 1}])
    assert [ping.time for ping in reading.pings] == [NOW, NOW + 1]
    assert codes(reading) == [(1, "not_an_object", None), (2, "lat_out_of_range", "lat"), (3, "missing", "vehicle")]
    assert (reading.items, reading.rejected) == (5, 3)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "9" * 10_000])
def test_a_number_json_does_not_have_costs_only_its_item(number: str) -> None:
    body = f'[{json.dumps(GOOD)}, {{"vehicle": "x", "time": {NOW}, "lat": {number}, "lon": 1}}]'
    reading = read_json(body.encode(), NOW)
    assert reading.pings == [PING]
    assert codes(reading)[0][0] == 1
    assert codes(reading)[0][1] in ("not_finite", "lat_out_of_range")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "empty"),
        (b" \n ", "empty"),
        (b"hello", "not_json"),
        (b"[1,", "not_json"),
        (b'{"vehicle": "x"', "not_json"),
        (json.dumps(GOOD).encode() + b"}", "not_json"),
        (b"[" * 10_000 + b"]" * 10_000, "too_deep"),
        (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, "too_deep"),
        (json.dumps(GOOD).encode("utf-16"), "not_utf8"),
        (json.dumps(GOOD).encode("utf-16-le"), "not_utf8"),
        (json.dumps(GOOD | {"driver": "Ä"}, ensure_ascii=False).encode("latin-1"), "not_utf8"),
        (b"5", "not_positions"),
        (b"null", "not_positions"),
        (b'"text"', "not_positions"),
        (b'{"positions": 5}', "not_positions"),
        (b'{"positions": [], "more": 1}', "not_positions"),
    ],
)
def test_what_holds_no_positions_at_all_is_refused_whole(body: bytes, code: str) -> None:
    with pytest.raises(BadRequest) as caught:
        read_json(body, NOW)
    assert caught.value.code == code
    assert caught.value.status == 400


@pytest.mark.parametrize("body", [b"[" + b"{}," * MAX_ITEMS + b"{}]", b"[" + b"[]," * 2_500_000 + b"[]]"])
def test_more_items_than_a_body_may_hold_are_refused_before_they_cost_memory(body: bytes) -> None:
    with pytest.raises(TooLarge):
        read_json(body, NOW)


@pytest.mark.parametrize(
    "rotten", [b"[" * 10_000 + b"]" * 10_000, b'{"a":' * 9999 + b"1" + b"}" * 9999, b'{"driver":"\xff"}']
)
@pytest.mark.parametrize("shape", [b"[%s]", b' {"positions": [%s] } '])
def test_an_item_no_parser_gets_through_costs_only_itself(rotten: bytes, shape: bytes) -> None:
    good = json.dumps(GOOD | {"driver": 'A "],[{" B\\'}).encode()
    reading = read_json(shape % b",".join([good, rotten, good]), NOW)
    assert len(reading.pings) == 2
    assert codes(reading) == [(1, "not_json", None)]


@pytest.mark.parametrize("body", [b"[%s, \xff", b"[%s]\xff]", b"[%s\xff,{]}", b'{"positions":[%s],"\xff":1}'])
def test_brackets_that_do_not_match_up_are_refused_whole(body: bytes) -> None:
    with pytest.raises(BadRequest):
        read_json(body % json.dumps(GOOD).encode(), NOW)


def test_a_byte_order_mark_is_forgiven() -> None:
    assert read_json(b"\xef\xbb\xbf" + json.dumps(GOOD).encode(), NOW).pings == [PING]


def test_at_most_a_hundred_errors_are_told_and_all_are_counted() -> None:
    reading = read([{}] * 250)
    assert reading.rejected == 250
    assert len(reading.errors) == MAX_ERRORS


def test_lines_are_items_and_blank_lines_are_nothing() -> None:
    line = json.dumps(GOOD).encode()
    reading = read_lines(line + b"\r\n\n  \n" + line, NOW)
    assert reading == Reading([PING, PING], 2)


def test_a_bad_line_costs_only_itself_and_is_counted_from_the_first_of_the_request() -> None:
    line = json.dumps(GOOD).encode()
    reading = read_lines(b"\n".join([line, b'{"vehicle":', b"[" * 5000, b"\xff", line]), NOW, first=10)
    assert reading.pings == [PING, PING]
    assert codes(reading) == [(11, "not_json", None), (12, "not_json", None), (13, "not_json", None)]


def test_a_document_with_nan_can_be_read_for_those_who_check_it() -> None:
    assert math.isnan(read_document(b'{"a": NaN}')["a"])


def test_the_protocols_have_names() -> None:
    names = [protocol.name for protocol in spoken()]
    assert {"json", "ndjson"} <= set(names) and len(names) == len(set(names))


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(), st.text(max_size=5), st.just([]), st.just({})
)
FIELDS = ["speed_mps", "speed_kmh", "heading", "altitude_m", "accuracy_m", "ignition", "battery_pct", "driver", "x"]


@given(
    st.fixed_dictionaries(
        {
            "vehicle": st.sampled_from(["v", "", "a/b", " "]) | VALUES,
            "time": st.sampled_from([NOW, "2026-11-23T09:00:00Z", "x"]) | VALUES,
            "lat": st.floats(-91, 91) | VALUES,
            "lon": st.floats(-181, 181) | VALUES,
        },
        optional={field: st.floats(0, 10) | VALUES for field in FIELDS},
    )
)
def test_the_fast_and_the_careful_way_agree(item: dict[str, Any]) -> None:
    """Beside a bad item everything goes the careful way; alone it goes the fast one."""
    try:
        text = json.dumps(item)
    except ValueError:
        return
    alone = read_json(text.encode(), NOW)
    beside = read_json(f'[{text}, {{"lat": NaN}}]'.encode(), NOW)
    assert alone.pings == beside.pings
    assert codes(alone) == codes(beside)[:-1]


@given(st.integers(-(2**40), 2**40), st.sampled_from([0.0, 0.25, 0.5, 0.75]), st.floats(-1e12, 1e12))
def test_a_number_is_made_whole_as_round_makes_it(whole: int, part: float, other: float) -> None:
    for number in (whole + part, other, math.nextafter(whole + part, 0)):
        assert number + WHOLE - WHOLE == round(number)


@pytest.mark.parametrize(
    ("told", "speed_mps"),
    [
        ({"speed_mps": 7.00049}, 7.0),
        ({"speed_kmh": 36}, 10.0),
        ({"speed_kn": 10.0}, 5.144),
        ({"speed_kmh": None}, None),
    ],
)
def test_a_speed_is_told_in_one_of_three_units(told: dict[str, Any], speed_mps: float | None) -> None:
    assert read(GOOD | told).pings[0].speed_mps == speed_mps


def test_of_two_speeds_neither_is_believed() -> None:
    assert codes(read([GOOD | {"speed_kmh": 36, "speed_kn": 10.0}])) == [(0, "two_speeds", "speed_kn")]


@given(st.binary(max_size=200))
def test_no_bytes_make_a_reader_fail_in_its_own_way(body: bytes) -> None:
    for read in (read_json, read_lines):
        try:
            reading = read(body, NOW)
        except BadRequest:
            continue
        assert len(reading.pings) + reading.rejected == reading.items


def test_a_gzip_without_its_header_is_named() -> None:
    with pytest.raises(BadRequest, match="Content-Encoding: gzip"):
        read_json(gzip.compress(json.dumps(GOOD).encode()), NOW)


@pytest.mark.parametrize(
    "said", [{"driver": "KEY"}, {"alarm": "KEY"}, {"token": "KEY"}, {"attributes": {"pass": "KEY"}}], ids=str
)
def test_a_token_beside_a_position_is_not_kept_with_it(said: dict[str, Any]) -> None:
    key = "trk_" + "a1B2-c3D4_e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9T0u"
    document = json.dumps([GOOD | said, GOOD]).replace("KEY", key)
    reading = read_json(document.encode(), NOW)
    assert (reading.pings, reading.ignored) == ([PING, PING], 1)
