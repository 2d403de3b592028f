from __future__ import annotations

import asyncio
import gzip
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.errors import BadRequest, Overloaded, TooLarge, Unsupported
from tracker.turns.buffer import Buffer, Share
from tracker.web.ingest.bodies import Body, Gone, Whole
from tracker.web.ingest.inflate import PIECE, Gzip, Plain, inflater


@given(st.binary(max_size=3000), st.integers(1, 500))
def test_gzip_comes_out_as_it_went_in_whatever_the_pieces(data: bytes, size: int) -> None:
    packed = gzip.compress(data[:1000]) + gzip.compress(data[1000:]) + b"\0\0"
    inflate = Gzip()
    out = b"".join(p for at in range(0, len(packed), size) for p in inflate.feed(packed[at : at + size]))
    inflate.finish()
    assert out == data


def test_a_bomb_comes_out_in_small_pieces() -> None:
    bomb = zlib.compress(b"0" * 30_000_000)
    packed = gzip.compress(b"0" * 30_000_000)
    assert len(packed) < 40_000 + len(bomb)
    sizes = [len(piece) for piece in Gzip().feed(packed)]
    assert max(sizes) <= PIECE
    assert sum(sizes) == 30_000_000


@given(st.binary(max_size=200))
def test_what_is_not_gzip_is_refused(data: bytes) -> None:
    inflate = Gzip()
    with pytest.raises(BadRequest):
        list(inflate.feed(b"\x1f\x8c" + data))


@pytest.mark.parametrize("name", ["br", "deflate", "gzip, gzip", "x" * 1000])
def test_an_encoding_nobody_speaks_is_unsupported(name: str) -> None:
    with pytest.raises(Unsupported) as caught:
        inflater(name.encode())
    assert "gzip" in caught.value.detail


def body(*messages: dict[str, Any]) -> Body:
    waiting = list(messages)

    async def receive() -> dict[str, Any]:
        return waiting.pop(0)

    return Body(receive, 5)


def part(data: bytes, more: bool = True) -> dict[str, Any]:
    return {"type": "http.request", "body": data, "more_body": more}


async def test_a_body_is_joined() -> None:
    assert await body(part(b"a"), part(b""), part(b"b", False)).whole(Plain(), 10, 10, Share(Buffer(10))) == b"ab"


async def test_a_body_that_is_too_large_is_refused_before_its_end() -> None:
    with pytest.raises(TooLarge):
        await body(part(b"a" * 6), part(b"b" * 6)).whole(Plain(), 10, 100, Share(Buffer(100)))


async def test_a_body_sent_in_chunks_is_refused_before_its_end() -> None:
    whole = body(part(b"a" * 6), part(b"b" * 6), part(b"c", False)).whole(Plain(), 10, 100, Share(Buffer(100)))
    [refused] = await asyncio.gather(whole, return_exceptions=True)
    assert isinstance(refused, TooLarge)


def test_all_bodies_together_are_bounded_but_one_alone_is_taken() -> None:
    buffer = Buffer(10)
    with Share(buffer) as large:
        large.take_bytes(50)
        with Share(buffer) as other, pytest.raises(Overloaded):
            other.take_bytes(1)
    assert buffer.held == 0
    with Share(buffer) as first, Share(buffer) as second:
        first.take_bytes(5)
        second.take_bytes(5)
        with pytest.raises(Overloaded):
            second.take_bytes(1)
    assert buffer.held == 0


async def test_a_client_that_goes_away_is_noticed() -> None:
    with pytest.raises(Gone):
        await body(part(b"a"), {"type": "http.disconnect"}).whole(Plain(), 10, 10, Share(Buffer(10)))


async def test_a_refused_body_is_dropped_to_its_end() -> None:
    long = body(part(b"a"), part(b"b"), part(b"c", False))
    await long.drain()
    assert long.complete
    assert long.received == 3


@pytest.mark.parametrize("data", [b"", b"[]"])
async def test_a_body_that_has_come_is_read_once(data: bytes) -> None:
    one = Whole(data)
    assert await one.whole(Plain(), 10, 10, Share(Buffer(10))) == data
    assert (one.complete, one.received) == (True, len(data))
    assert [piece async for piece in one.chunks()] == []
    with pytest.raises(Gone):
        await one._receive()
