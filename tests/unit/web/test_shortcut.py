"""The shortcut: what it takes h11 reads the same, and what it does not take it leaves untouched."""

from __future__ import annotations

import asyncio
from typing import Any

import h11
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.support import hostile
from tracker.web.server.answers import Answered, Scope
from tracker.web.server.parser import Parser, teach_h11
from tracker.web.server.shortcut import MOST_BODY, MOST_HEAD, Shortcut, common_scope, recognised, written

teach_h11()
PLAIN = b"POST /a?b=%20c HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nX-Y:  a b \t\r\n\r\n"
ODD = b"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"


def test_a_plain_head() -> None:
    head = recognised(PLAIN.replace(b"%20", b""))
    assert head is not None
    assert (head.path, head.query, head.length) == (b"/a", b"b=c", 2)
    assert head.headers == [(b"host", b"x"), (b"content-length", b"2"), (b"x-y", b"a b")]


@pytest.mark.parametrize(
    "head",
    [
        PLAIN,  # others unquote it
        ODD,
        PLAIN.replace(b"POST", b"PUT").replace(b"%20", b""),
        *(
            PLAIN.replace(b"%20", b"").replace(b"X-Y:  a b \t", line)
            for line in (
                b"Connection: close", b"Connection: Upgrade", b"Expect: 100-continue", b"Upgrade: h2c", b"host: y",
                b"Content-Length: 2", b"X : y", b"X: \x7f", b" X: y",
            )
        ),
        *(
            PLAIN.replace(b"%20", b"").replace(b": 2", length)
            for length in (b": +2", b":", b": 2, 2", b": 12345678", b": %d" % (MOST_BODY + 1))
        ),
        PLAIN.replace(b"%20", b"").replace(b"Host: x\r\n", b""),
    ],
)  # fmt: skip
def test_what_is_not_plain(head: bytes) -> None:
    assert recognised(head) is None


def test_of_hostile_requests_none_is_plain() -> None:
    for said, _ in hostile.REFUSED:
        assert recognised(said[: said.find(b"\r\n\r\n") + 4]) is None


PIECES = [
    b"POST ", b"PUT ", b"/", b"/a", b"*", b"http://x/", b"?q=1", b"%41", b"#", b" HTTP/1.1", b" HTTP/1.0", b"\r\n", b"\n", b"\r",
    b"Host: x", b"host:y", b"Content-Length: 0", b"Content-Length: 2", b"content-length:02", b"Connection: keep-alive",
    b"Connection: close", b"Transfer-Encoding: chunked", b"X: y", b"X:", b":", b" ", b"\t", b"\0", b"\xff", b"\x7f", b"_",
]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=14).map(b"".join))
@example(b"")
def test_what_is_taken_h11_reads_the_same(more: bytes) -> None:
    for said in (more, b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n" + more + b"\r\n\r\n"):
        end = said.find(b"\r\n\r\n") + 4
        head = recognised(said[:end]) if end > 3 else None
        if head is None:
            continue
        parser = Parser(h11.SERVER)
        parser.receive_data(said[:end] + b"x" * head.length)
        request = parser.next_event()
        assert isinstance(request, h11.Request)
        assert request.target == head.path + (b"?" + head.query if head.query or request.target[-1:] == b"?" else b"")
        assert list(request.headers) == head.headers
        if head.length:
            body = parser.next_event()
            assert isinstance(body, h11.Data)
            assert len(body.data) == head.length
        assert isinstance(parser.next_event(), h11.EndOfMessage)
        assert not parser.trailing_data[0]


class Peer:
    """A connection without a network: what is answered is kept."""

    def __init__(self, ends: bool = False) -> None:
        self.reader = asyncio.StreamReader()
        self.asked: list[tuple[Scope, bytes]] = []
        self.told = b""
        self.under_way = 0
        self.drained = 0
        self.ends = ends
        self.transport = self

    def begun(self) -> None:
        self.under_way = 1

    def answered(self) -> None:
        self.under_way = 0

    def write(self, data: bytes) -> None:
        assert not self.under_way
        self.told += data

    def get_write_buffer_size(self) -> int:
        return len(self.told)

    async def drain(self) -> None:
        self.drained += 1

    async def answer(self, scope: Scope, body: bytes) -> Answered | None:
        self.asked.append((scope, body))
        return (200, {"Content-Type": "x/y"}, body) if scope["path"] == "/a" else None

    async def left(self) -> bytes | None:
        writer: Any = self
        shortcut = Shortcut(
            self, self.answer, ((b"content-type", b"no"), (b"x", b"y")), common_scope(None, None, False, {})
        )
        return await shortcut.answer_plain(self.reader, writer)


def post(path: bytes, body: bytes) -> bytes:
    return b"POST %b HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%b" % (path, len(body), body)


async def test_requests_are_answered_one_after_the_other_until_one_is_not_plain() -> None:
    peer = Peer()
    peer.reader.feed_data(post(b"/a", b"1") + post(b"/a?q", b"22") + ODD + b"0\r\n\r\n")
    assert await peer.left() == ODD + b"0\r\n\r\n"
    assert [(scope["query_string"], body) for scope, body in peer.asked] == [(b"", b"1"), (b"q", b"22")]
    assert peer.told.count(b"HTTP/1.1 200 \r\ncontent-type: x/y\r\nx: y\r\ncontent-length: ") == peer.drained == 2


async def test_what_others_answer_is_left_to_them_whole() -> None:
    peer = Peer()
    peer.reader.feed_data(post(b"/a", b"1") + post(b"/b", b"2"))
    assert await peer.left() == post(b"/b", b"2")


@pytest.mark.parametrize("at", [3, 30, -1])
async def test_a_request_in_pieces_is_waited_for(at: int) -> None:
    peer = Peer()
    said = post(b"/a", b"12")
    peer.reader.feed_data(said[:at])
    running = asyncio.ensure_future(peer.left())
    await asyncio.sleep(0)
    peer.reader.feed_data(said[at:])
    peer.reader.feed_eof()
    assert await running == b""
    assert [body for _, body in peer.asked] == [b"12"]


@pytest.mark.parametrize("rest", [b"POST /a", post(b"/a", b"12")[:-1]])
async def test_half_a_request_is_left_to_others(rest: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """When its sender hangs up, and when it is slow."""
    peer = Peer()
    peer.reader.feed_data(rest)
    peer.reader.feed_eof()
    assert await peer.left() == rest
    monkeypatch.setattr("tracker.web.server.shortcut.PATIENCE_S", 0.0)
    peer = Peer()
    peer.reader.feed_data(rest)
    assert await peer.left() == rest
    assert peer.under_way == (b"\r\n\r\n" in rest)


@pytest.mark.parametrize("said", [b"GET / HTTP/1.1\r\n", b"\r\nPOST /", b"POST /" + b"a" * MOST_HEAD])
async def test_what_cannot_become_plain_is_not_waited_for(said: bytes) -> None:
    peer = Peer()
    peer.reader.feed_data(said)
    assert await peer.left() == said


async def test_the_last_answer_says_so_and_what_follows_it_is_nobodys() -> None:
    peer = Peer(ends=True)
    peer.reader.feed_data(post(b"/a", b"1") + post(b"/a", b"2"))
    peer.reader.feed_eof()
    assert await peer.left() is None
    assert (peer.told.count(b"connection: close\r\n"), len(peer.asked)) == (1, 1)


def test_an_answer_says_when_it_was_made() -> None:
    assert b"\r\ndate: " in written((204, {}, b""), (), last=False)
