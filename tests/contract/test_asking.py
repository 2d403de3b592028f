"""What every way of asking guarantees (tracker/buses/__init__.py), checked against each there is."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from tests.support import nats
from tests.support.waiting import until
from tracker.buses import Asking, Failed, NoAnswer, NotAsked, open_asking
from tracker.buses.answering import MOST, Answering
from tracker.buses.memory_asking import MemoryAsking
from tracker.errors import StoreError

Make = Callable[[str], Asking]
LONG_S = 60.0  #: nobody waits so long


@pytest.fixture(scope="module")
def server() -> Iterator[nats.Server]:
    with nats.server() as server:
        yield server


@pytest.fixture(params=["memory", "nats"])
def make(request: pytest.FixtureRequest) -> Make:
    """Nodes that can ask each other."""
    if request.param == "memory":
        nodes: dict[str, Answering] = {}
        return lambda me: MemoryAsking(me, nodes)
    url = f"{request.getfixturevalue('server').url}/{secrets.token_hex(8)}"
    return lambda me: open_asking(url, me)


class Owner:
    """Answers what it was asked, backwards; or when it may, or not at all."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []
        self.may = asyncio.Event()
        self.may.set()

    async def __call__(self, question: bytes) -> bytes:
        self.asked.append(question)
        if question == b"fail":
            raise StoreError("there is no such thing")
        if question == b"break":
            raise RuntimeError("planted")
        if question == b"wait":
            await self.may.wait()
        return question[::-1]


@pytest.fixture
async def owner() -> Owner:
    return Owner()


@pytest.fixture
async def eve(make: Make, owner: Owner) -> AsyncIterator[Asking]:
    """Who asks; "bob" answers as `owner` does."""
    eve, bob = make("eve"), make("bob")
    await eve.open(Owner())
    await bob.open(owner)
    assert not eve.away and not bob.away
    yield eve
    owner.may.set()
    await eve.close()
    await bob.close()


@pytest.mark.parametrize("question", [b"", b"abc", bytes(range(256)), b"x" * 500_000])
async def test_a_node_is_asked_and_answers(eve: Asking, question: bytes) -> None:
    assert await eve.ask("bob", question, LONG_S) == question[::-1]


async def test_questions_are_begun_in_their_order_and_answered_in_any(eve: Asking, owner: Owner) -> None:
    owner.may.clear()
    waiting = asyncio.create_task(eve.ask("bob", b"wait", LONG_S))
    await until(lambda: owner.asked == [b"wait"], "it was asked")
    questions = [str(number).encode() for number in range(200)]
    answers = await asyncio.gather(*(eve.ask("bob", one, LONG_S) for one in questions))
    assert answers == [one[::-1] for one in questions]
    assert owner.asked == [b"wait", *questions]
    owner.may.set()
    assert await waiting == b"tiaw"


async def test_a_node_may_ask_itself(eve: Asking) -> None:
    assert await eve.ask("eve", b"abc", LONG_S) == b"cba"


async def test_nobody_is_there_is_said_at_once(eve: Asking) -> None:
    with pytest.raises((NotAsked, NoAnswer)) as told:
        await eve.ask("zoe", b"abc", LONG_S)
    assert str(told.value) == "no node zoe is there"


async def test_a_node_that_left_is_not_there(make: Make, eve: Asking) -> None:
    zoe = make("zoe")
    await zoe.open(Owner())
    assert await eve.ask("zoe", b"abc", LONG_S) == b"cba"
    await zoe.close()
    with pytest.raises(NotAsked, match="no node zoe is there"):
        await eve.ask("zoe", b"abc", LONG_S)


async def test_an_answer_that_does_not_come_is_not_waited_for(eve: Asking, owner: Owner) -> None:
    owner.may.clear()
    with pytest.raises(NoAnswer, match=r"node bob did not answer in 0\.05 s"):
        await eve.ask("bob", b"wait", 0.05)
    owner.may.set()
    assert await eve.ask("bob", b"abc", LONG_S) == b"cba"


async def test_what_fails_there_is_told_here(eve: Asking, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(Failed, match="there is no such thing"):
        await eve.ask("bob", b"fail", LONG_S)
    assert not caplog.records
    with pytest.raises(Failed, match="RuntimeError: planted"):
        await eve.ask("bob", b"break", LONG_S)
    assert "could not answer another node" in caplog.text
    assert await eve.ask("bob", b"abc", LONG_S) == b"cba"


async def test_a_node_with_too_much_to_do_begins_nothing_more(eve: Asking, owner: Owner) -> None:
    owner.may.clear()
    waiting = [asyncio.create_task(eve.ask("bob", b"wait", LONG_S)) for _ in range(MOST)]
    await until(lambda: len(owner.asked) == MOST, "it was asked")
    with pytest.raises(NotAsked, match=f"{MOST} questions wait there already"):
        await eve.ask("bob", b"one more", LONG_S)
    assert len(owner.asked) == MOST
    owner.may.set()
    assert await asyncio.gather(*waiting) == [b"tiaw"] * MOST


async def test_what_is_under_way_is_answered_before_a_node_closes(make: Make, eve: Asking) -> None:
    slow = Owner()
    slow.may.clear()
    zoe = make("zoe")
    await zoe.open(slow)
    waiting = asyncio.create_task(eve.ask("zoe", b"wait", LONG_S))
    await until(lambda: slow.asked, "it was asked")
    closing = asyncio.create_task(zoe.close())

    async def is_gone() -> bool:
        try:
            await eve.ask("zoe", b"abc", LONG_S)
        except (NotAsked, NoAnswer) as fault:
            return isinstance(fault, NotAsked)
        return False

    await until(is_gone, "nothing is begun any more")
    slow.may.set()
    (answer,) = await asyncio.gather(waiting, return_exceptions=True)
    assert answer == b"tiaw"
    await closing


@pytest.mark.usefixtures("eve")
async def test_who_has_closed_asks_nobody(make: Make) -> None:
    zoe = make("zoe")
    await zoe.open(Owner())
    await zoe.close()
    for node in ("bob", "zoe"):
        with pytest.raises(NotAsked):
            await zoe.ask(node, b"abc", LONG_S)


def test_a_single_node_asks_itself() -> None:
    assert isinstance(open_asking("memory:", "me"), MemoryAsking)
