"""The messages of the live channel, as the golden files have them."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.live import messages
from tracker.live.columns import Row, pack, unpack
from tracker.live.tables import pack_table, unpack_table
from tracker.model.change import Acked, Registered
from tracker.model.events import Ack, Event, erased
from tracker.model.states import STATES

GOLDEN = Path(__file__).parents[3] / "fixtures" / "wire"


def golden(name: str) -> Any:
    return json.loads((GOLDEN / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", ["update", "moved"])
def test_a_binary_message_says_what_the_json_one_says(name: str) -> None:
    binary, text = messages.read_binary((GOLDEN / f"{name}.bin").read_bytes()), golden(f"{name}.json")
    assert sorted(binary.pop("moved")) == sorted(text.pop("moved"))
    assert binary == text


@pytest.mark.parametrize("name", ["snapshot", "table"])
def test_a_binary_snapshot_says_what_the_json_one_says(name: str) -> None:
    data, text = (GOLDEN / f"{name}.bin").read_bytes(), golden(f"{name}.json")
    again = messages.table([list(row) for row in text["vehicles"]])
    assert data.endswith(again.numbers)
    assert again.texts in data
    binary = messages.read_binary(data)
    assert sorted(binary.pop("vehicles")) == sorted(text.pop("vehicles"))
    assert binary == text


names = st.text(st.characters(codec="utf-8"), max_size=12)
few = st.sampled_from([None, "North", "South", "Süd\x7f", ""])
small = st.integers(-(2**31), 2**31 - 1)
table_rows = st.lists(
    st.tuples(
        st.integers(0, 2**32 - 1), names, st.none() | names, st.integers(-(10**13), 10**13), st.integers(-90_000_000, 90_000_000),
        st.integers(-180_000_000, 180_000_000), st.integers(-1, 4094), st.integers(-1, 359), st.integers(0, 4),
        st.integers(-(10**13), 10**13), st.none() | st.integers(-(10**13), 10**13), few, few, st.integers(-1, 10**6),
        st.none() | st.lists(small, min_size=3, max_size=3), few,
    ).map(list),
    max_size=60,
)  # fmt: skip


@given(table_rows)
def test_a_table_reads_back_as_the_rows_it_was_made_from(rows: list[list[Any]]) -> None:
    texts, numbers = pack_table(messages.FIELDS, rows)
    texts = json.loads(messages.encode(texts))
    found = unpack_table(messages.FIELDS, texts, len(rows), numbers)
    assert sorted(found, key=repr) == sorted(rows, key=repr)


@given(st.binary(max_size=60), st.integers(0, 5))
def test_a_table_that_is_cut_off_is_an_error_of_its_own(data: bytes, count: int) -> None:
    with contextlib.suppress(ValueError):
        unpack_table(messages.FIELDS, {}, count, data)


def test_a_table_with_other_rows_than_it_says_is_an_error() -> None:
    rows = golden("table.json")["vehicles"]
    texts, numbers = pack_table(messages.FIELDS, rows)
    for count in (len(rows) - 1, len(rows) + 1):
        with pytest.raises(ValueError, match="table"):
            unpack_table(messages.FIELDS, texts, count, numbers)


def test_an_event_says_who_acknowledged_it_and_an_answer_repeats_its_question() -> None:
    happened = Event("e1", "enter", "v1", 0, 0, "moved", 60.0, 24.0, "a", ack=Ack("Ada", 1_000))
    assert messages.event(happened)["ack"] == {"by": "Ada", "at": "1970-01-01T00:00:01.000Z"}
    assert json.loads(messages.pong(12.5, 1_000)) == {"op": "pong", "t": 12.5, "now": 1_000}


def test_the_snapshot_of_20_000_vehicles_fits_600_kb() -> None:
    rows = [
        [n, f"van-{n:05d}", f"Van {n}", n * 911 % 60_000, 60_000_000 + n * 7919 % 500_000, 24_500_000 + n * 104_729 % 900_000, n % 300, n % 360, 1, n * 911 % 60_000 + n % 900, n * 31 % 3_600_000, ("North", "South")[n % 2], "van", 80, None, f"ABC-{n % 1000:03d}"]
        for n in range(20_000)
    ]  # fmt: skip
    parts = [rows[start : start + 500] for start in range(0, len(rows), 500)]
    size = sum(len(messages.binary_snapshot(b"c" * 36, True, 1, 40, messages.table(part), {})) for part in parts)
    assert size <= 600_000, size
    assert len(messages.encode(rows)) > 1_800_000


def test_columns_are_packed_as_the_golden_file_has_them() -> None:
    rows = [Row(*row) for row in golden("moved.json")["moved"]]
    assert (GOLDEN / "moved.bin").read_bytes().endswith(pack(rows))


def test_what_those_who_were_away_are_told_is_as_the_golden_files_have_it() -> None:
    assert json.loads(messages.EVENTS_GONE) == golden("events_gone.json")
    assert json.loads(messages.granted("5b1f0c9ad2e7")) == golden("granted.json")
    caught_up = golden("caught_up.json")
    happened = Event("erased43", "enter", "van", 1795424405000, 1795424405000, "moved", 60.0, 24.0, "depot", seq=43)
    assert [messages.event(erased(happened))] == caught_up["events"]
    acks = [Acked("kj3c2n5wq7y4p6x1", None, 1795424419000), Acked("event41", "Ann", 1795424409000)]
    assert [messages.acked(ack) for ack in acks] == caught_up["acked"]
    assert caught_up["fields"] == list(messages.FIELDS)


@pytest.mark.parametrize("name", ["snapshot", "update"])
def test_the_cursor_is_found_in_an_encoded_message(name: str) -> None:
    message = golden(f"{name}.json")
    text = json.dumps(message, separators=(",", ":")).encode()
    assert messages.cursor_of(text).decode() == message["cursor"]
    assert messages.cursor_of(messages.ping(1)) == b""


rows = st.builds(
    Row,
    n=st.integers(1, 2**32 - 1),
    when=st.integers(-(2**41), 2**41),
    lat_e6=st.integers(-90_000_000, 90_000_000),
    lon_e6=st.integers(-180_000_000, 180_000_000),
    speed_dmps=st.integers(-1, 4094),
    heading=st.integers(-1, 359),
    state=st.integers(0, 4),
)


@given(st.lists(rows, max_size=50))
def test_columns_give_back_every_row(some: list[Row]) -> None:
    assert sorted(unpack(pack(some))) == sorted(some)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_a_value_error(data: bytes) -> None:
    try:
        messages.read_binary(data)
    except ValueError:
        pass


def test_a_moved_vehicle_costs_at_most_12_bytes_binary_and_50_json() -> None:
    """200 vehicles of one city within the same second."""
    some = [
        Row(i * 7, i * 4, 60_100_000 + i * 733 % 150_000, 24_700_000 + i * 991 % 300_000, i, i, 1) for i in range(200)
    ]
    assert len(pack(some)) / 200 <= 12
    assert len(b",".join(map(messages.moved_text, some))) / 200 <= 50


def test_an_event_is_flat_outside_and_its_times_are_rfc_3339() -> None:
    event = Event(
        "id", "exit", "v", 0, 1000, "moved", 1.0, 2.0, "r", 3, detail={"entered_at": 0, "duration_s": 2}, seq=9
    )
    assert messages.event(event) == {
        "seq": 9,
        "id": "id",
        "kind": "exit",
        "vehicle": "v",
        "region": "r",
        "time": "1970-01-01T00:00:00.000Z",
        "received_at": "1970-01-01T00:00:01.000Z",
        "reason": "moved",
        "lat": 1.0,
        "lon": 2.0,
        "delayed": False,
        "version": 3,
        "entered_at": "1970-01-01T00:00:00.000Z",
        "duration_s": 2,
    }


def test_every_reason_and_column_is_documented() -> None:
    about = (GOLDEN.parents[1] / "docs" / "wire.md").read_text(encoding="utf-8")
    for word in (*messages.LEFT, *messages.FIELDS, *STATES, *messages.SUBPROTOCOLS):
        assert f"`{word}`" in about


@given(st.integers(0, 200))
def test_columns_that_are_cut_off_are_an_error(length: int) -> None:
    whole = pack([Row(n, 1000 + n, 60_000_000 + n, 24_000_000, 100, 90, 1) for n in range(1, 20)])
    part = whole[: length % len(whole)]
    if not part:
        assert unpack(part) == []
        return
    with pytest.raises(ValueError, match="cut off"):
        unpack(part)


def test_no_follower_is_told_a_secret_of_the_register() -> None:
    entry = Registered("v", attributes={"owntracks_secret": "seven herons", "depot": "east"})
    assert messages.register_entry(entry)["attributes"] == {"owntracks_secret": True, "depot": "east"}
