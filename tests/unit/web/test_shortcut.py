"""The shortcut: what it takes h11 reads the same, and what it does not take it leaves untouched."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
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
        self.reads = False  # and so nothing waits in our buffer
        self.taken: list[bytes] = []  # by what takes what is said again
        self.refuses = self.is_over = False
        self.tell: Callable[[Answered], None] | None = None
        self.shortcut: Shortcut | None = None

    def begun(self) -> None:
        self.under_way = 1

    def answered(self) -> None:
        self.under_way = 0

    def write(self, data: bytes) -> None:
        assert not self.under_way
        self.told += data

    def get_write_buffer_size(self) -> int:
        return 0 if self.reads else len(self.told)

    def is_closing(self) -> bool:
        return False

    async def drain(self) -> None:
        self.drained += 1

    async def answer(self, scope: Scope, body: bytes) -> Answered | None:
        self.asked.append((scope, body))
        return (200, {"Content-Type": "x/y"}, body) if scope["path"] == "/a" else None

    def take(self, body: bytes, tell: Callable[[Answered], None]) -> bool:
        if self.refuses:
            return False
        self.taken.append(body)
        self.tell = tell
        return True

    def say(self, data: bytes) -> None:
        """As it comes from the network."""
        writer: Any = self
        if self.shortcut is None or not self.shortcut.take(data, writer, self.reader.feed_eof):
            self.reader.feed_data(data)

    async def left(self) -> bytes | None:
        writer: Any = self
        hardening, common = ((b"content-type", b"no"), (b"x", b"y")), common_scope(None, None, False, {})
        self.shortcut = Shortcut(self, self.answer, hardening, common, lambda _scope: self)
        return await self.shortcut.answer_plain(self.reader, writer)


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


async def again_and_again(peer: Peer) -> asyncio.Future[bytes | None]:
    """Its head was said twice and is known by now."""
    peer.reads = True
    running = asyncio.ensure_future(peer.left())
    for body in (b"1", b"22"):
        await turns()
        peer.say(post(b"/a", body))
    await turns()
    assert len(peer.asked) == 2
    return running


async def turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_what_is_said_again_and_again_is_taken_without_its_head() -> None:
    peer = Peer()
    running = await again_and_again(peer)
    for body in (b"", b"333"):
        peer.say(post(b"/a", body))
        assert peer.taken[-1] == body
        assert peer.under_way
        assert peer.tell
        peer.tell((200, {}, b"taken " + body))
        assert peer.told.endswith(b"\r\n\r\ntaken " + body)
    peer.reader.feed_eof()
    assert await running == b""
    assert len(peer.asked) == 2


@pytest.mark.parametrize(
    "said",
    [
        post(b"/a", b"333")[:-1], post(b"/a", b"333") + b"P", post(b"/a?", b"333"), post(b"/a", b"333").replace(b"x", b"y", 1),
        post(b"/a", b"333").replace(b": 3", b":3"), post(b"/a", b"333").replace(b"\r\n\r\n", b"\r\nx:y\r\n\r\n"),
        post(b"/a", b"333").replace(b": 3", b": x"), post(b"/a", b"333").replace(b": 3", b": 3 "), b"P",
    ],
)  # fmt: skip
async def test_what_is_not_the_same_takes_the_way_all_take(said: bytes) -> None:
    peer = Peer()
    running = await again_and_again(peer)
    peer.say(said)
    assert not peer.taken
    peer.reader.feed_eof()
    await running


@pytest.mark.parametrize("why", ["refuses", "is_over"])
async def test_what_is_not_taken_is_answered_as_ever(why: str) -> None:
    peer = Peer()
    running = await again_and_again(peer)
    setattr(peer, why, True)
    peer.say(post(b"/a", b"333"))
    peer.say(post(b"/a", b"4"))
    peer.reader.feed_eof()
    assert await running == b""
    assert [body for _, body in peer.asked[2:]] == [b"333", b"4"]


async def test_what_comes_before_an_answer_is_answered_after_it() -> None:
    peer = Peer()
    running = await again_and_again(peer)
    peer.say(post(b"/a", b"333"))
    peer.say(post(b"/a", b"4"))
    peer.reader.feed_eof()
    await turns()
    assert len(peer.asked) == 2
    assert peer.tell
    peer.tell((200, {}, b"333"))
    assert await running == b""
    assert peer.told.index(b"\r\n\r\n333") < peer.told.index(b"\r\n\r\n4")


async def test_the_last_answer_of_what_was_taken_says_so() -> None:
    peer = Peer()
    running = await again_and_again(peer)
    peer.say(post(b"/a", b"333"))
    peer.ends = True
    assert peer.tell
    peer.tell((200, {}, b"333"))
    assert await running == b""
    assert peer.told.count(b"connection: close\r\n") == 1
