"""A link passes everything on, in both directions, until it is held up or cut; and then again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.support.waiting import deadline, until
from tests.torture.links import DOWN, UP, Link


class Far:
    """A server that answers each line, and keeps what it heard."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self.link: Link

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            self.heard.append(line)
            writer.write(b"heard " + line)
        writer.close()

    async def dial(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.link.port)


@pytest.fixture
async def far() -> AsyncIterator[Far]:
    made = Far()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.link = Link(server.sockets[0].getsockname()[1])
    await made.link.open()
    yield made
    await made.link.close()
    server.close()


async def answer(reader: asyncio.StreamReader) -> bytes:
    async with asyncio.timeout(deadline(10)):
        return await reader.readline()


async def ends(reader: asyncio.StreamReader) -> bool:
    """With nothing said any more, and in whichever way."""
    try:
        return await answer(reader) == b""
    except ConnectionError:
        return True


async def test_what_is_said_and_answered_passes(far: Far) -> None:
    reader, writer = await far.dial()
    writer.write(b"one\n")
    assert await answer(reader) == b"heard one\n"
    writer.close()


async def test_what_is_held_up_is_delivered_when_it_is_mended_although_who_sent_it_has_hung_up(far: Far) -> None:
    reader, writer = await far.dial()
    writer.write(b"one\n")
    assert await answer(reader) == b"heard one\n"
    far.link.hold(UP)
    writer.write(b"two\n")
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    other, others = await far.dial()
    assert far.heard == [b"one\n"]
    far.link.mend()
    await until(lambda: far.heard == [b"one\n", b"two\n"], "it came")
    others.write(b"three\n")
    assert await answer(other) == b"heard three\n"
    others.close()


async def test_an_answer_that_is_held_up_comes_later_and_what_was_said_has_arrived(far: Far) -> None:
    reader, writer = await far.dial()
    far.link.hold(DOWN)
    writer.write(b"one\n")
    await until(lambda: far.heard, "it arrived")
    waiting = asyncio.create_task(answer(reader))
    assert not waiting.done()
    far.link.mend()
    assert await waiting == b"heard one\n"
    writer.close()


async def test_a_cut_breaks_every_connection_and_lets_nobody_in_until_it_is_mended(far: Far) -> None:
    reader, writer = await far.dial()
    writer.write(b"one\n")
    assert await answer(reader) == b"heard one\n"
    far.link.cut()
    assert await ends(reader)
    again, refused = await far.dial()
    assert await ends(again)
    far.link.mend()
    reader, last = await far.dial()
    last.write(b"two\n")
    assert await answer(reader) == b"heard two\n"
    for one in (writer, refused, last):
        one.close()
