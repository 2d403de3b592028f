"""The codec of a segment: what was packed comes back, whatever it was, and in how few bytes."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.errors import StoreUnusable
from tracker.model.columns import NO_ALTITUDE, NOT_SAID, TYPES, Columns
from tracker.stores import segments
from tracker.stores.segments import PCODEC, PLANES, PLANES_CODEC, decode, decode_extra, decode_only, encode

T0 = 1_790_000_000_000
CODECS = [segments.pcodec(), PLANES_CODEC]


def columns(count: int, **told: Any) -> Columns:
    """A vehicle that stands and says nothing, but for what is told."""
    values: dict[str, Any] = {
        "row": np.arange(count) + 1,
        "time": T0 + np.arange(count) * 5000,
        "lat": np.full(count, 601_234_560),
        "lon": np.full(count, -249_000_000),
        "speed": np.full(count, NOT_SAID),
        "heading": np.full(count, NOT_SAID),
        "altitude": np.full(count, NO_ALTITUDE),
        "accuracy": np.full(count, NOT_SAID),
        "received": T0 + np.arange(count) * 5000 + 300,
        "taken": np.zeros(count),
    } | told
    return Columns.from_arrays((np.asarray(values[name]).astype(kind) for name, kind in TYPES.items()), {})


def same(one: Columns, other: Columns) -> bool:
    return all(
        getattr(one, name).dtype == getattr(other, name).dtype
        and np.array_equal(getattr(one, name), getattr(other, name))
        for name in TYPES
    )


#: the least and the most of each column
EDGES: dict[str, tuple[int, int]] = {
    "row": (1, 1 << 62),
    "time": (946_684_800_000, 4_102_444_800_000),
    "lat": (-900_000_000, 900_000_000),
    "lon": (-1_800_000_000, 1_800_000_000),
    "speed": (-1, 1_000_000),
    "heading": (-1, 35_999),
    "altitude": (NO_ALTITUDE, 10_000_000),
    "accuracy": (-1, 1_000_000_000),
    "received": (0, 4_102_444_800_000),
    "taken": (0, 3),
}


@st.composite
def any_columns(draw: st.DrawFn) -> Columns:
    count = draw(st.integers(1, 40))
    told = {}
    for name, (low, high) in EDGES.items():
        near = draw(st.integers(low, high - 2))
        values = st.integers(near, near + 2) if draw(st.booleans()) else st.integers(low, high)
        told[name] = draw(st.lists(values, min_size=count, max_size=count))
    return columns(count, **told)


@pytest.mark.parametrize("codec", CODECS, ids=["pcodec", "planes"])
@given(told=any_columns())
def test_whatever_was_packed_comes_back(codec: segments.Codec, told: Columns) -> None:
    body = encode(told, codec)
    assert body[0] == codec.number
    assert same(decode(body), told)
    lon, received, speed = decode_only(body, "lon", "received", "speed")
    assert lon.tolist() == told.lon.tolist()
    assert received.tolist() == told.received.tolist()
    assert speed.tolist() == told.speed.tolist()


@pytest.mark.parametrize("codec", CODECS, ids=["pcodec", "planes"])
@pytest.mark.parametrize("per_unit", [1000 / 3.6, 447.04, 1852000 / 3600])
def test_speed_that_a_receiver_counts_in_its_own_unit_is_kept_in_it(codec: segments.Codec, per_unit: float) -> None:
    counted = np.random.default_rng(3).integers(0, 900, 2000)
    told = np.where(counted % 7 == 0, NOT_SAID, np.rint(counted * per_unit))
    as_told, off_by_one = columns(2000, speed=told), columns(2000, speed=np.where(counted % 7 == 1, told + 1, told))
    assert same(decode(encode(as_told, codec)), as_told)
    assert same(decode(encode(off_by_one, codec)), off_by_one)
    assert len(encode(as_told, codec)) < 0.8 * len(encode(off_by_one, codec))


def test_what_is_not_told_and_what_follows_something_else_costs_next_to_nothing() -> None:
    """Coarse degrees, whole seconds, receipts that follow their fixes and rows that follow each other."""
    walk = np.random.default_rng(5).integers(-200, 200, 4000).cumsum() * 10
    steps = np.random.default_rng(6).integers(100, 140, 4000).cumsum() * 1000
    told = columns(
        4000, lat=600_000_000 + walk, lon=-240_000_000 + walk[::-1], time=T0 + steps, received=T0 + steps + 90
    )
    assert len(encode(told)) / 4000 < 2 * 9 / 8 + 6 / 8, "two steps of 400, one of 40 seconds"
    jumps = np.where(np.arange(4000) % 50 == 0, 1 << 40, 0)
    assert len(encode(columns(4000, received=jumps + np.arange(4000)))) < 2000, "nor if receipts do not follow"


PLACES = np.random.default_rng(7).normal(0, 0.005, (2, 3000)).cumsum(1) + np.array([[30.2], [-97.7]])


@pytest.mark.parametrize("codec", CODECS, ids=["pcodec", "planes"])
def test_places_that_were_floats_of_32_bits_are_kept_as_these(codec: segments.Codec) -> None:
    floats = PLACES.astype(np.float32)
    shortest = np.array([[round(float(str(one)) * 1e7) for one in way] for way in floats])
    for lat, lon in (shortest, np.rint(floats.astype(np.float64) * 1e7)):
        told, beside = columns(3000, lat=lat, lon=lon), columns(3000, lat=lat + (np.arange(3000) == 7) * 3, lon=lon)
        assert same(decode(encode(told, codec)), told)
        assert same(decode(encode(beside, codec)), beside)
        assert len(encode(told, codec)) < 0.93 * len(encode(beside, codec))


@pytest.mark.parametrize("times", [1.0, 2.236936], ids=["of its unit", "of another"])
def test_speed_that_was_made_of_the_way_is_kept_as_what_differs(times: float) -> None:
    """Also where miles an hour were taken for metres a second."""
    lat, lon = np.rint(PLACES * 1e7)
    spent = np.random.default_rng(8).integers(90, 130, 3000) * 1000
    way = np.hypot(np.diff(lat), np.diff(lon) * np.cos(np.radians(30.2))) * 11.1195 / spent[1:] * 1000
    time = T0 + spent.cumsum()
    speed = np.rint(np.concatenate(([0.0], way)) * times / 10) * 10
    told, mixed = [columns(3000, lat=lat, lon=lon, time=time, speed=one) for one in (speed, np.roll(speed, 5))]
    silent = len(encode(columns(3000, lat=lat, lon=lon, time=time)))
    assert same(decode(encode(told)), told)
    assert decode_only(encode(told), "speed")[0].tolist() == told.speed.tolist()
    assert len(encode(told)) - silent < 0.4 * (len(encode(mixed)) - silent)


def test_the_order_of_arrival_is_about_that_of_the_times() -> None:
    spent = np.random.default_rng(9).integers(5, 200, 3000) * 1000
    time = T0 + spent.cumsum()
    told, beside = [columns(3000, time=time, row=np.arange(3000) + one.cumsum() // 37) for one in (spent, spent[::-1])]
    assert same(decode(encode(told)), told)
    assert decode_only(encode(told), "row")[0].tolist() == told.row.tolist()
    assert len(encode(told)) < len(encode(beside)) - 500


def test_what_nothing_is_said_of_is_a_byte() -> None:
    said = {name: np.full(2, 5) for name in ("speed", "heading", "accuracy", "altitude", "taken")}
    assert len(encode(columns(2, **said))) - len(encode(columns(2))) == len(said)


FIRST = (  # of these as the first program that had segments packed them
    "020680f2b0bd04ffc0bbed0100af01011000789c2b33dec9101d010200138303760080b083c5986888270c01789c6360"
    "0401000015000604000101011500789c637cc9709b8d918199818b810100123201da0401040104ffffffff0f0cd80400"
    "02010f00789c63e0e0e651d7000000f4006f"
)


def test_what_the_first_program_packed_is_read() -> None:
    told = columns(
        6,
        lat=601_234_560 + np.array([0, 30, -7, 90, 2, 5]),
        speed=[0, 1000, NOT_SAID, 2778, 5, 0],
        row=[1, 9, 12, 13, 40, 41],
    )
    assert same(decode(bytes.fromhex(FIRST)), told)


def test_it_is_packed_by_pcodec_and_read_by_whoever_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    told = columns(10)
    packed = encode(told)
    assert packed[0] == PCODEC
    segments.best_codec.cache_clear()
    segments.pcodec.cache_clear()
    monkeypatch.setitem(sys.modules, "pcodec", None)
    try:
        assert encode(told)[0] == PLANES
        assert same(decode(encode(told)), told)
        with pytest.raises(StoreUnusable, match="pip install pcodec"):
            decode(packed)
    finally:
        segments.best_codec.cache_clear()
        segments.pcodec.cache_clear()


def test_a_codec_nobody_knows_is_a_newer_programs() -> None:
    with pytest.raises(StoreUnusable, match="newer tracker"):
        decode(b"\x07" + encode(columns(3))[1:])
    with pytest.raises(StoreUnusable, match="newer tracker"):
        decode_extra(b"\x07")


def test_what_few_carry_is_packed_apart() -> None:
    extra = {0: b'{"alarm":"sos"}', 7: '{"driver":"Zo\u00eb","attributes":{"a b":"c\\n d"}}'.encode()}
    assert decode_extra(segments.encode_extra(extra)) == extra
    assert (segments.encode_extra({}), decode_extra(None)) == (None, {})
