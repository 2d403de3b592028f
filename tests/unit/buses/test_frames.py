from __future__ import annotations

import msgspec
import pytest

from tracker.buses import frames
from tracker.model.change import Acked, Change, Registered, VehicleState
from tracker.model.events import Event
from tracker.model.ping import Ping
from tracker.model.records import Record

NODE = b"12345678"


def test_a_change_comes_out_as_it_went_in() -> None:
    ping = Ping(vehicle="van-1", time=1_790_000_000_123, lat=60.17, lon=24.94, attributes={"cargo": "milk", "t": 4.5})
    event = Event(
        id="X", kind="enter", vehicle="van-1", time=1, received_at=2, reason="moved", seq=7, region="yard", lat=1, lon=2
    )
    change = Change(
        moved=[VehicleState(n=3, ping=ping, received_at=5, regions={"yard": 4}, held=ping, beyond=("yard",))],
        events=[event],
        unnumbered=[event],
        regions=[{"type": "Feature", "id": "yard", "geometry": {"coordinates": [[[1.5, 2], [3, None]]]}}],
        regions_deleted=["old"],
        registered=[Registered("van-1", name="Van", attributes={"pin_secret": "1"})],
        removed=["van-2"],
        acked=[Acked("X", None, 9)],
        erased=["van-3"],
        records=[Record("user", "eve", 2, None, lasting=False)],
    )
    assert frames.decode(frames.encode(change)) == change


def test_an_older_program_reads_past_what_a_newer_one_adds() -> None:
    newer = msgspec.msgpack.encode({"removed": ["van-2"], "towed": [1]})
    assert frames.decode(newer) == Change(removed=["van-2"])


@pytest.mark.parametrize("size, parts", [(0, 1), (99, 1), (100, 1), (101, 2), (250, 3)])
def test_a_change_is_split_into_what_the_server_takes(size: int, parts: int) -> None:
    body = bytes(range(256))[:size]
    made = [frames.unpack(frame) for frame in frames.split(body, frames.HEAD + 100, NODE, 10)]
    assert [(one.seq, one.part, one.parts) for one in made] == [(11 + part, part, parts) for part in range(parts)]
    assert b"".join(one.body for one in made) == body
    assert {one.node for one in made} == {NODE}


def test_a_head_says_who_said_what_and_how_much() -> None:
    assert frames.unpack(frames.pack(frames.BEAT, NODE, 5)) == (frames.VERSION, frames.BEAT, NODE, 5, 0, 1, b"")


@pytest.mark.parametrize("data", [b"", b"fm", b"xx" + bytes(frames.HEAD)])
def test_what_is_no_frame_is_none(data: bytes) -> None:
    with pytest.raises(ValueError):
        frames.unpack(data)
