"""A fleet day: what is written is read back by both readers, and not one byte of it may be another."""

from __future__ import annotations

import importlib.util
import struct
import zlib
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import numpy as np
import pytest

from tests.support.fleetday import BEGIN, DAY, HOUR, SAMPLE, SeededStore, made, opened, sample_store
from tests.support.servers import ROOT
from tracker.bundles.chain import START, link
from tracker.bundles.day import blocks
from tracker.bundles.day.layout import DETAILS, TRACK, VEHICLES, footer, packed
from tracker.bundles.day.reading import Day
from tracker.formats import Unreadable
from tracker.model.commit import HELD

HASH = "6d75c00c28939b46663b1888bd1c942dddab8b4b19bbc3d4c8d2a0e23e174450"


def example() -> ModuleType:
    spec = importlib.util.spec_from_file_location("read_fleetday", ROOT / "examples" / "read_fleetday.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def reader() -> ModuleType:
    return example()


@pytest.fixture(scope="module")
def tiny() -> bytes:
    """Two vehicles that said little, so that each byte can be changed."""
    return made(SeededStore(2, 1_200_000, BEGIN + HOUR, BEGIN + 3 * HOUR))[0]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the sample is, written now."""
    file = tmp_path_factory.mktemp("day") / "whole.fleetday"
    file.write_bytes(made(sample_store())[0])
    return file


def fixes_of(day: Day) -> set[tuple[str, int, int, int, bool]]:
    names = [one["vehicle"] for one in day.rows(VEHICLES)]
    found: list[tuple[str, int, int, int, bool]] = []
    for entry in day.directory.parts:
        if entry.kind == TRACK and entry.hour is not None:
            block, begins = day.block(entry), day.directory.since + entry.hour * HOUR
            numbers = np.repeat(block.head.vehicles, block.head.counts).tolist()
            columns = (block.columns[name].tolist() for name in blocks.TRACK_COLUMNS)
            rows = zip(numbers, *columns, strict=True)
            mine = [row for row in rows if begins <= row[1] < begins + HOUR]
            found += [(names[n], time, lat, lon, taken == HELD) for n, time, lat, lon, taken in mine]
    assert len(found) == len(set(found)) == day.directory.fixes
    return set(found)


def kept_by(store: SeededStore) -> set[tuple[str, int, int, int, bool]]:
    found = set()
    for name, n in store.names.items():
        of_day = store.kept[n].cut(BEGIN, BEGIN + DAY)
        columns = (getattr(of_day, one).tolist() for one in blocks.TRACK_COLUMNS)
        found |= {(name, *row[:3], row[3] == HELD) for row in zip(*columns, strict=True)}
    return found


def test_both_readers_read_what_was_kept(reader: ModuleType, whole: Path) -> None:
    kept = kept_by(sample_store())
    sample = reader.opened(str(SAMPLE))
    assert opened(SAMPLE.read_bytes()).hash == sample.hash == HASH
    assert fixes_of(opened(SAMPLE.read_bytes())) == kept
    day, other = opened(whole.read_bytes()), reader.opened(str(whole))
    day.verify()
    assert day.hash == other.hash
    assert fixes_of(day) == kept
    told = [fix for hour in range(24) for fix in other.fixes(hour)]
    assert {(fix.vehicle, fix.time, round(fix.lat * 1e7), round(fix.lon * 1e7), fix.held) for fix in told} == kept
    assert len(told) == len(kept)


def test_a_file_has_what_a_page_needs_and_says_what_is_not_kept(reader: ModuleType, whole: Path) -> None:
    day = reader.opened(str(whole))
    assert (day.directory["day"], day.zone, day.directory["from"], day.directory["until"]) == (
        "2026-11-23", "Europe/Helsinki", BEGIN, BEGIN + DAY
    )  # fmt: skip
    vehicles = {one["vehicle"]: one for one in day.vehicles()}
    assert vehicles["van-001"] == {
        "vehicle": "van-001", "name": "Väinö", "plate": "ABC-1", "group": "north", "kind": "lorry"
    }  # fmt: skip
    assert "never" not in vehicles
    assert vehicles["van-004"].get("thinned") == ["2026-11-23"]
    assert (day.directory["thinned"], day.directory["gone"]) == (1, {"2026-11-23": 25})
    versions = [(one["id"], one["version"], one["feature"]["properties"]["name"]) for one in day.lines("regions")]
    assert versions == [("yard", 1, "Home yard"), ("yard", 2, "Home yard")]
    assert [one["id"] for one in day.lines("events", 8)] == ["e-enter"]
    assert [one["id"] for one in day.lines("events")] == ["e-enter", "e-exit"]


def test_details_have_the_rest_of_what_was_said(whole: Path) -> None:
    store, day = sample_store(), opened(whole.read_bytes())
    names = [one["vehicle"] for one in day.rows(VEHICLES)]
    entry = next(one for one in day.directory.parts if one.kind == DETAILS and one.hour == 7)
    block = day.block(entry)
    at = block.head.vehicles.index(names.index("van-001"))
    begin, end = sum(block.head.counts[:at]), sum(block.head.counts[: at + 1])
    kept = store.kept[1].cut(BEGIN + 7 * HOUR, BEGIN + 8 * HOUR)
    for name in blocks.DETAIL_COLUMNS[:-1]:
        assert block.columns[name][begin:end].tolist() == getattr(kept, name).tolist(), name
    assert block.columns["delay"][begin:end].tolist() == (kept.received - kept.time).tolist()
    [place] = kept.extra
    assert block.head.extra[str(begin + place)] == {"ignition": True, "attributes": {"door": "open"}}


def test_an_hour_knows_the_fixes_it_is_drawn_from(whole: Path) -> None:
    """The last place before it, a day old at most; the first after it, if the line to it says something."""
    day = opened(whole.read_bytes())
    names = [one["vehicle"] for one in day.rows(VEHICLES)]

    def rows(hour: int, vehicle: str) -> list[int]:
        block = day.block(next(one for one in day.directory.parts if (one.kind, one.hour) == (TRACK, hour)))
        at = block.head.vehicles.index(names.index(vehicle))
        begin = sum(block.head.counts[:at])
        return [int(one) for one in block.columns["time"][begin : begin + block.head.counts[at]]]

    begins = BEGIN + 8 * HOUR
    before, *_, after = rows(8, "van-001")
    assert 0 < begins - before <= 75_000
    assert 0 <= after - begins - HOUR <= 75_000
    silent = sample_store().kept[3].time.tolist()[-1]
    assert rows(8, "van-003") == rows(23, "van-003") == [silent]
    assert min(one.hour for one in day.directory.parts if one.hour is not None) == 6  # nothing is known before


def test_an_hour_does_not_begin_with_a_jump() -> None:
    """Nor with a message that knows no place: what is drawn begins where it was known to be."""
    store = SeededStore(1, 600_000, BEGIN, BEGIN + 2 * HOUR)
    store.kept[1].taken[5] = HELD
    day = opened(made(store)[0])
    block = day.block(next(one for one in day.directory.parts if (one.kind, one.hour) == (TRACK, 1)))
    assert block.columns["time"][0] == store.kept[1].time[4]


def read_all(day: Any) -> None:
    for part in day.directory["parts"]:
        day.content(part)


def test_columns_of_any_numbers_come_back() -> None:
    wild = np.array([-(1 << 31), 1_799_999_999, -1_800_000_000, 0, 5, 1_799_999_999, -1])
    still = np.full(7, 1_795_384_800_000)
    block = blocks.unpack(blocks.pack([4, 9], [3, 4], {"lon": wild, "time": still}, {6: b'{"driver":"A"}'}), "x")
    assert (block.head.vehicles, block.head.counts, block.head.extra) == ([4, 9], [3, 4], {"6": {"driver": "A"}})
    assert [block.columns["lon"].tolist(), block.columns["time"].tolist()] == [wild.tolist(), still.tolist()]


def test_a_block_of_too_many_fixes_is_neither_written_nor_read(monkeypatch: pytest.MonkeyPatch) -> None:
    column = {"time": np.arange(9)}
    content = blocks.pack([0], [9], column)
    monkeypatch.setattr(blocks, "MOST_ROWS", 8)
    with pytest.raises(Unreadable, match="more than 8 fixes"):
        blocks.pack([0], [9], column)
    with pytest.raises(Unreadable, match="columns are not as long"):
        blocks.unpack(content, "x")


def test_a_tile_is_the_smallest_that_holds_all_of_a_box() -> None:
    assert blocks.tile_of([24.94, 60.17, 24.9401, 60.1701]) == "19/298465/151756"
    assert blocks.tile_of([-10.0, 50.0, 10.0, 60.0]) == blocks.tile_of(None) == "0/0/0"
    assert blocks.box_of(np.array([0, 10_000_000]), np.array([0, -20_000_000])) == [-2.0, 1.0, -2.0, 1.0]


def test_vehicles_near_one_another_are_in_one_group(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tracker.bundles.day.gathering.TOGETHER", 3)
    store = SeededStore(6, 600_000, BEGIN, BEGIN + HOUR)
    for n in (2, 4, 6):
        store.kept[n].lat -= 300_000_000
    file, _ = made(store)
    day = opened(file)
    day.verify()
    assert fixes_of(day) == kept_by(store)
    boxes = [one.box for one in day.directory.parts if (one.kind, one.hour) == (TRACK, 0)]
    assert sorted(box[1] > 50 for box in boxes if box) == [False, True]
    assert sorted(one["vehicle"] for one in list(day.rows(VEHICLES))[:3]) == ["van-002", "van-004", "van-006"]


def test_the_chain_is_as_the_page_tells() -> None:
    first, second = sha256(b"one").digest(), sha256(b"two").digest()
    before = link(START, "header", first)
    assert before == sha256(bytes(32) + b"header" + first).digest()
    assert link(before, "track 00.0", second) == sha256(before + b"track 00.0" + second).digest()


def test_the_same_day_is_the_same_file(tiny: bytes) -> None:
    again, written = made(SeededStore(2, 1_200_000, BEGIN + HOUR, BEGIN + 3 * HOUR))
    assert again == tiny
    assert written.hash == opened(tiny).hash


def test_a_vehicle_that_is_erased_meanwhile_is_in_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    store = SeededStore(2, 1_200_000)

    async def gone() -> dict[int, int]:
        del store.names["van-002"]
        return {}

    monkeypatch.setattr(store, "gone", gone)
    with pytest.raises(Exception, match="erased while"):
        made(store)


def test_each_changed_byte_is_found_by_its_part(tiny: bytes, reader: ModuleType, tmp_path: Path) -> None:
    parts = [("header", 0, 64), *((one.name, one.offset, one.bytes) for one in opened(tiny).directory.parts)]
    end = parts[-1][1] + parts[-1][2]
    parts += [("directory", end, len(tiny) - 64 - end), ("footer", len(tiny) - 64, 64)]
    assert sum(size for *_, size in parts) == len(tiny)
    for name, offset, size in parts:
        for at in (*range(offset, offset + size, 13), offset + size - 1):
            damaged = bytearray(tiny)
            damaged[at] ^= 1 << at % 8
            with pytest.raises(Unreadable) as told:
                opened(bytes(damaged)).verify()
            assert told.value.detail.startswith(f"{name}: "), (at, told.value.detail)
        (tmp_path / "damaged").write_bytes(damaged)
        with pytest.raises(reader.Damaged, match=rf"^{name}"):
            read_all(reader.opened(str(tmp_path / "damaged")))


def test_a_file_that_is_cut_or_goes_on_is_refused(tiny: bytes, reader: ModuleType, tmp_path: Path) -> None:
    for file in (b"", tiny[:63], tiny[:64], tiny[:-1], tiny[: len(tiny) // 2], tiny + b"x", tiny + tiny[-64:]):
        with pytest.raises(Unreadable):
            opened(file)
        (tmp_path / "cut").write_bytes(file)
        with pytest.raises((reader.Damaged, *reader.CONFUSED)):
            reader.opened(str(tmp_path / "cut"))


def test_another_version_is_named(tiny: bytes) -> None:
    with pytest.raises(Unreadable, match="version 2 of the format; this tracker reads 1"):
        opened(tiny[:8] + struct.pack("<H", 2) + tiny[10:])


def forged(file: bytes, change: str) -> bytes:
    """With another directory, and a footer that is right."""
    day = opened(file)
    parts, end = day.directory.parts, day.directory.parts[-1].offset + day.directory.parts[-1].bytes
    body, first = file[:end], parts[0]
    if change == "overlap":
        parts[1].offset = first.offset
    elif change == "negative":
        first.unpacked = -1
    elif change == "twice":
        parts[1].name = first.name
    elif change == "huge":
        first.unpacked = 1 << 40
    elif change == "endless":
        first.bytes = 1 << 40
    elif change == "no part":
        parts.clear()
    elif change == "no hash":
        first.sha256 = "zz"
    elif change == "bomb":
        body, first.sha256 = _bomb(file, day)
    directory = packed(msgspec.json.encode(day.directory) if change != "nested" else b"[" * 100_000)
    return body + directory + footer(directory, len(body))


def _bomb(file: bytes, day: Day) -> tuple[bytes, str]:
    """The first part unpacks to much more than is told; the rest follows."""
    first, rest = day.directory.parts[0], file[day.directory.parts[1].offset : -64]
    bomb = packed(bytes(50_000_000))
    moved = len(bomb) - first.bytes
    first.bytes = len(bomb)
    end = day.directory.parts[-1].offset + day.directory.parts[-1].bytes
    for one in day.directory.parts[1:]:
        one.offset += moved
    body = file[:64] + bomb + rest[: end - first.offset - (first.bytes - moved)]
    chain = sha256(bytes(32) + b"header" + sha256(file[:64]).digest()).digest()
    for one in day.directory.parts:
        one.sha256 = sha256(body[one.offset : one.offset + one.bytes]).hexdigest()
        chain = sha256(chain + one.name.encode() + bytes.fromhex(one.sha256)).digest()
    day.directory.chain = chain.hex()
    return body, first.sha256


@pytest.mark.parametrize(
    "change", ["overlap", "negative", "twice", "huge", "endless", "no part", "no hash", "nested", "bomb"]
)
def test_a_forged_file_is_one_clear_error(tiny: bytes, change: str, reader: ModuleType, tmp_path: Path) -> None:
    file = forged(tiny, change)
    named = "track 01.0: it unpacks to another length" if change == "bomb" else "directory: "
    with pytest.raises(Unreadable, match=f"^{named}"):
        opened(file).verify()
    (tmp_path / "forged").write_bytes(file)
    if change != "twice":
        with pytest.raises((reader.Damaged, *reader.CONFUSED)):
            list(reader.opened(str(tmp_path / "forged")).fixes(1))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xff\xff\xff{}",
        b"\x02\0\0\0{}",
        struct.pack("<I", 57) + b'{"vehicles":[0],"counts":[-1],"columns":[["time",1,0]]}  ',
        struct.pack("<I", 58) + b'{"vehicles":[0],"counts":[1],"columns":[["time",99,0]]}   ' + bytes(99),
        struct.pack("<I", 61) + b'{"vehicles":[0],"counts":[900000000],"columns":[["time",1,0]]}',
    ],
)
def test_a_block_that_is_none_is_refused(content: bytes) -> None:
    with pytest.raises(Unreadable, match=r"^some part: its"):
        blocks.unpack(content, "some part")


def test_the_check_sum_of_the_footer_is_as_the_page_says(tiny: bytes) -> None:
    last = tiny[-64:]
    assert zlib.crc32(last[:12] + bytes(4) + last[16:]) == struct.unpack_from("<I", last, 12)[0]
