"""A plain handshake: what is taken h11 and Hypercorn read the same, and what is not is left to them."""

from __future__ import annotations

import h11
import pytest
from hypercorn.protocol.ws_stream import Handshake
from hypothesis import example, given
from hypothesis import strategies as st

from tests.support import hostile
from tracker.web.server.parser import Parser, teach_h11
from tracker.web.server.shortcut import common_scope
from tracker.web.server.upgrade import Upgrade, accepted, recognised, scope_of

teach_h11()
KEY = b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
PLAIN = (
    b"GET /live?ticket=a HTTP/1.1\r\nHost: x\r\nUpgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: a, b\r\nSec-WebSocket-Extensions: permessage-deflate\r\n"
    + KEY
    + b"\r\n"
)


def test_a_plain_handshake() -> None:
    asked = recognised(PLAIN + b"rest")
    assert asked is not None
    assert (asked.path, asked.query, asked.end) == (b"/live", b"ticket=a", len(PLAIN))
    assert asked.subprotocols == ["a", "b"]
    assert b"sec-websocket-extensions" not in dict(asked.headers)
    scope = scope_of(asked, common_scope(("::1", 1), ("::1", 2), True, {"x": 1}))
    assert (scope["type"], scope["scheme"], scope["path"]) == ("websocket", "wss", "/live")
    assert scope_of(asked, common_scope(None, None, False, {}))["scheme"] == "ws"


def test_the_answer_is_the_one_of_the_rfc() -> None:
    answer = accepted(b"dGhlIHNhbXBsZSBub25jZQ==", "a").split(b"\r\n")
    assert answer[:5] == [
        b"HTTP/1.1 101 ",
        b"sec-websocket-protocol: a",
        b"sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
        b"upgrade: WebSocket",
        b"connection: Upgrade",
    ]
    assert b"protocol" not in accepted(b"", None)


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        (b"GET", b"POST"),
        (b"?ticket=a", b"?%41"),
        (b"Upgrade: WebSocket", b"Upgrade: h2c"),
        (b"Upgrade: WebSocket\r\n", b""),
        (b"keep-alive, Upgrade", b"keep-alive"),
        (b"keep-alive, Upgrade", b"close, Upgrade"),
        (b"Connection: keep-alive, Upgrade\r\n", b""),
        (b"Version: 13", b"Version: 8"),
        (b"Key: d", b"Key: dd"),
        (KEY, b""),
        (b"a, b", b"\xff"),
        (b"Host: x\r\n", b""),
        (KEY, KEY * 2),
        (KEY, KEY + b"Content-Length: 0\r\n"),
        (KEY, KEY + b"Transfer-Encoding: chunked\r\n"),
        (KEY, KEY + b"X: " + b"y" * 4096 + b"\r\n"),
        (b"\r\n\r\n", b"\r\n"),
    ],
)
def test_what_is_not_plain(was: bytes, becomes: bytes) -> None:
    assert was in PLAIN
    assert recognised(PLAIN.replace(was, becomes)) is None


def test_of_hostile_requests_none_is_plain() -> None:
    for said, _ in hostile.REFUSED:
        assert recognised(said) is None


PIECES = [
    b"/", b"?q", b"#", b" HTTP/1.1", b"\r\n", b"\n", b"Host: x", b"host:y", b"Content-Length: 0", b"Connection: upgrade",
    b"Upgrade: websocket", b"Upgrade:h2c", b"Sec-WebSocket-Version: 13", KEY, b"Cookie: a=b; c", b"Sec-WebSocket-Protocol: x",
    b"Sec-WebSocket-Protocol:", b"X:", b":", b" ", b"\t", b"\0", b"\xff", b"_",
]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=10).map(b"".join))
@example(b"")
@example(b"Sec-WebSocket-Protocol: x")
@example(b"Cookie: a=b; c")
def test_what_is_taken_hypercorn_reads_the_same(more: bytes) -> None:
    said = PLAIN.replace(b"\r\n\r\n", b"\r\n" + more + b"\r\n\r\n").replace(b"Sec-WebSocket-Protocol: a, b\r\n", b"")
    asked = recognised(said)
    if asked is None:
        return
    parser = Parser(h11.SERVER)
    parser.receive_data(said[: asked.end])
    request = parser.next_event()
    assert isinstance(request, h11.Request)
    theirs = Handshake(list(request.headers), "1.1")
    assert theirs.is_valid()
    path, _, query = request.target.partition(b"?")
    headers = [pair for pair in request.headers if pair[0] != b"sec-websocket-extensions"]
    assert theirs.key is not None
    assert asked == Upgrade(path, query, headers, theirs.key, theirs.subprotocols or [], asked.end)
    assert isinstance(parser.next_event(), h11.EndOfMessage)
