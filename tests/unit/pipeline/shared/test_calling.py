"""Nodes ask each other for what only one of them has."""

from __future__ import annotations

import msgspec
import pytest

from tests.support.company import Company, Node
from tracker.errors import NotFound, Overloaded, TrackerError
from tracker.pipeline.shared.calling import Calling


def answering(node: Node) -> None:
    """It says hello to whoever it knows, and knows nobody whose name is short."""

    async def hello(given: msgspec.Raw) -> str:
        name = msgspec.msgpack.decode(given, type=str)
        if len(name) < 3:
            raise NotFound("unknown_report", f"there is no {name}")
        return f"hello {name}, here is {node.name}"

    node.sharing.calling.answers["hello"] = hello


async def said(company: Company, node: Node, to: str, name: str) -> object:
    return msgspec.msgpack.decode(await company.do(node.sharing.calling.call(to, "hello", name)))


async def test_a_node_is_answered_by_the_one_it_asks(company: Company, a: Node, b: Node) -> None:
    answering(b)
    assert await said(company, a, "b", "ann") == "hello ann, here is b"
    assert (a.sharing.calling.me, a.sharing.calling.lives("b"), a.sharing.calling.lives("c")) == ("a", True, False)


async def test_what_another_node_refuses_is_refused_here_in_its_words(company: Company, a: Node, b: Node) -> None:
    answering(b)
    with pytest.raises(TrackerError) as caught:
        await said(company, a, "b", "x")
    assert (caught.value.code, caught.value.status, caught.value.detail) == ("unknown_report", 404, "there is no x")


async def test_a_node_that_does_not_answer_is_to_be_asked_again(company: Company, a: Node, b: Node) -> None:
    for to in (b.name, "c"):  # it does not know the question, or is not there
        with pytest.raises(Overloaded, match="try again") as caught:
            await said(company, a, to, "ann")
        assert caught.value.code == "cut_off"


async def test_of_all_those_count_that_answer(company: Company, a: Node, b: Node) -> None:
    c = await company.join("c")
    answering(b)
    answering(c)
    told = await company.do(a.sharing.calling.call_all("hello", "ann"))
    assert {node: msgspec.msgpack.decode(one) for node, one in told.items()} == {
        "b": "hello ann, here is b",
        "c": "hello ann, here is c",
    }
    assert await company.do(a.sharing.calling.call_all("hello", "x")) == {}
    del b.sharing.calling.answers["hello"]
    assert (await company.do(a.sharing.calling.call_all("hello", "ann"))).keys() == {"c"}
    a.asking.away = "it is away"
    assert await a.sharing.calling.call_all("hello", "ann") == {}


async def test_a_server_by_itself_asks_nobody() -> None:
    alone = Calling()
    assert alone.me == "" and not alone.lives("a")
    assert await alone.call_all("hello", "ann") == {}
