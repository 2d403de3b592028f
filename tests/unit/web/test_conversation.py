"""Who sends positions by a WebSocket: in order, durable before it is told, and read no faster than it may be."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.waiting import until
from tracker.access.grants import EVERYTHING
from tracker.config import Settings
from tracker.errors import NotSignedIn, StoreError
from tracker.live.close_codes import SIGNED_OUT
from tracker.node import Node
from tracker.protocols import spoken
from tracker.web.app import create_app
from tracker.web.ingest.socket import FAULT, GATHER, TRY_AGAIN, UNREAD, Conversation, Conversations

T0 = 1_790_000_000_000
SCOPE = {"path": "/api/v1/positions", "query_string": b"", "headers": [], "client": ("10.0.0.1", 1)}


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    app = create_app(Settings(data=str(tmp_path)))
    async with app.test_app():
        yield app.extensions["node"]


class Peer:
    """A transport that hands on what is said while it is not paused."""

    def __init__(self, node: Node) -> None:
        self.told: list[dict[str, Any]] = []
        self.code = 0
        self.unread: Callable[[], int] = lambda: 0
        self.is_paused = False
        self.unheard: deque[str] = deque()
        (one,) = (one for one in spoken() if one.socket)
        transport: Any = self
        self.listener: Any = Conversations(node, one).listen_to(transport, SCOPE, EVERYTHING, None)
        assert isinstance(self.listener, Conversation)

    @property
    def pending(self) -> int:
        return self.unread()

    def say(self, *messages: Any) -> None:
        self.unheard += [one if isinstance(one, str) else json.dumps(one) for one in messages]
        while self.unheard and not self.is_paused and not self.code:
            self.listener.hear_message(self.unheard.popleft())

    def pause(self) -> None:
        self.is_paused = True

    def resume(self) -> None:
        self.is_paused = False
        self.say()

    def send(self, payload: bytes, text: bool = True) -> None:
        assert text
        self.told.append(json.loads(payload))

    def close(self, code: int, _reason: str = "") -> None:
        self.code = self.code or code
        self.listener.hear_end()

    @property
    def upto(self) -> list[int]:
        return [answer["upto"] for answer in self.told]

    async def hears(self, upto: int) -> None:
        await until(lambda: self.upto[-1:] == [upto], f"message {upto} is answered")


@pytest.fixture
async def peer(node: Node) -> Peer:
    return Peer(node)


class Disk:
    """Writes nothing before it is let."""

    def __init__(self, node: Node) -> None:
        self.is_free = asyncio.Event()
        self.asked = 0
        commit = node.store.commit

        async def held(*args: Any) -> Any:
            self.asked += 1
            await self.is_free.wait()
            return await commit(*args)

        node.store.commit = held  # type: ignore[assignment]


def fix(seconds: int) -> dict[str, Any]:
    return {"vehicle": "v", "time": T0 // 1000 + seconds, "lat": 60 + seconds / 1e5, "lon": 24}


def long(seconds: int, count: int) -> list[dict[str, Any]]:
    """Too many to be read at once."""
    return [fix(seconds + number) for number in range(count)]


async def test_nothing_is_told_before_it_is_durable(node: Node, peer: Peer) -> None:
    disk = Disk(node)
    peer.say(fix(1))
    await until(lambda: disk.asked, "it is being written")
    assert not peer.told
    disk.is_free.set()
    await peer.hears(1)


async def test_messages_are_taken_and_answered_in_their_order_a_long_one_among_them(node: Node, peer: Peer) -> None:
    peer.say(fix(1), "nonsense", long(2, 1100), fix(2000), fix(2001))
    assert peer.is_paused
    assert len(peer.unheard) == 2
    await peer.hears(5)
    assert peer.upto == sorted(peer.upto)
    assert [error["n"] for answer in peer.told for error in answer["errors"]] == [2]
    assert not any("late" in answer for answer in peer.told)
    assert node.picture.vehicles["v"].ping.time == T0 + 2_001_000


async def test_whoever_is_too_fast_is_heard_when_it_is_time_and_loses_nothing(peer: Peer) -> None:
    waits = [0.0, 0.01, 0.01, 0.0, 0.0]
    peer.listener._sender.spend = lambda _positions, _cost: waits.pop(0) if waits else 0.0
    peer.say(fix(1), fix(2), fix(3), fix(4))
    assert len(peer.unheard) == 2
    await peer.hears(4)
    assert not waits


async def test_what_waits_to_be_stored_is_bounded(node: Node, peer: Peer) -> None:
    disk = Disk(node)
    messages = [[fix(100 * number + second) for second in range(100)] for number in range(120)]
    peer.say(*messages)
    await until(lambda: disk.asked, "it is being written")
    assert peer.is_paused
    assert (len(messages) - len(peer.unheard) - 1) * 100 <= GATHER
    disk.is_free.set()
    await peer.hears(120)
    assert not peer.is_paused


async def test_one_that_reads_no_answers_has_nothing_more_stored(node: Node, peer: Peer) -> None:
    disk, looks = Disk(node), list[int]()
    disk.is_free.set()

    def unread() -> int:
        """Commits so far, each time it is asked how much is unread."""
        looks.append(disk.asked)
        return UNREAD + 1 if len(looks) < 4 else 0

    peer.unread = unread
    peer.say(fix(1))
    await peer.hears(1)
    peer.say(fix(2))
    await peer.hears(2)
    assert looks == [1, 1, 1, 1, 2]


async def test_what_came_before_the_end_is_stored_be_it_long(node: Node, peer: Peer) -> None:
    seen = node.picture.vehicles
    peer.say(long(2, 1100))
    peer.listener.hear_end()
    await until(lambda: "v" in seen and seen["v"].ping.time == T0 + 1_101_000, "all of it is stored")
    await until(lambda: not peer.is_paused, "nothing is held any more")


@pytest.mark.parametrize(("fault", "code"), [(StoreError("no room"), TRY_AGAIN), (ZeroDivisionError(), FAULT)])
async def test_a_fault_of_the_store_or_of_ours_ends_it_with_a_reason(peer: Peer, fault: Exception, code: int) -> None:
    async def submit(_pings: Any) -> Any:
        raise fault

    peer.listener._sender.submit = submit
    peer.say(fix(1))
    await until(lambda: peer.code, "it is closed")
    assert (peer.code, peer.told) == (code, [])


@pytest.mark.parametrize("message", [fix(1), long(1, 1100)])
@pytest.mark.parametrize(
    ("fault", "code"), [(NotSignedIn("not_signed_in", "it is no more"), SIGNED_OUT), (ZeroDivisionError(), FAULT)]
)
async def test_whoever_may_send_no_more_is_shown_out_and_a_fault_of_ours_is_said(
    peer: Peer, message: Any, fault: Exception, code: int
) -> None:
    def admit(_reading: Any) -> None:
        raise fault

    peer.listener._sender.admit = admit
    peer.say(message)
    await until(lambda: peer.code, "it is closed")
    assert (peer.code, peer.told) == (code, [])
