"""Node: what it does by itself, who may make the first administrator, and what it forgets when things change."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.servers import circle
from tracker.access.people import User
from tracker.access.tokens import hash_of
from tracker.config import Settings
from tracker.model.records import Actor, Audit, Record
from tracker.node import Node

ANYBODY = Actor("ada", "127.0.0.1", lambda: None)
T0 = 1_790_000_000_000


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    node = Node(Settings(data=str(tmp_path), retention=["*:30"]), clock=lambda: T0)
    await node.start()
    yield node
    await node.stop()


async def keep(node: Node, *records: Record) -> None:
    plan: tuple[list[Record], list[Audit]] = (list(records), [])
    await node.pipeline.keep_records(lambda: plan)


def administrator() -> Record:
    return Record("user", "ada", 1, {"name": "ada", "role": "administrator", "password": "x"})


async def test_the_link_of_the_first_administrator_is_good_while_there_is_none(
    node: Node, caplog: pytest.LogCaptureFixture
) -> None:
    assert node.first_link(hash_of("guess")) is None
    secret = node.give_first_link()
    link = node.first_link(hash_of(secret))
    assert link is not None and link.ends_at == T0 + 15 * 60_000
    assert node.first_link(hash_of("guess")) is None
    assert node.statistics["access"]().open is True
    with caplog.at_level(logging.WARNING):
        await keep(node, administrator())
    assert "from now on people sign in" in caplog.text
    assert node.first_link(hash_of(secret)) is None
    told = node.statistics["access"]()
    assert (told.open, told.users, told.sessions, told.tokens) == (False, 1, 0, 0)
    assert isinstance(node.directory.users["ada"], User)


async def test_who_may_see_is_asked_anew_when_people_or_regions_change(node: Node) -> None:
    asked: list[bool] = []
    node.on_regrant = lambda: asked.append(True)
    await keep(node, administrator())
    assert len(asked) == 1
    yard = circle(60.17, 24.94, 300, name="Yard", group="yards") | {"id": "yard"}
    await node.pipeline.save_regions([yard])
    assert len(asked) == 2
    assert node._regions_in(frozenset({"yards", "none"})) == {"yard"}
    assert node.is_near("yard", 60.17, 24.94) and not node.is_near("yard", 61.0, 24.94)
    await node.pipeline.save_regions([yard | {"properties": yard["properties"] | {"group": "quarries"}}])
    assert node._regions_in(frozenset({"yards"})) == frozenset()
    assert node._regions_in(frozenset({"quarries"})) == {"yard"}


async def test_the_folder_has_a_name_of_its_own_that_stays(tmp_path: Path) -> None:
    names = []
    for _ in range(2):
        node = Node(Settings(data=str(tmp_path)))
        await node.start()
        names.append(node.directory.folder)
        await node.stop()
    assert names[0] and names[0] == names[1]


async def test_what_it_does_by_itself_can_be_done_at_any_time(node: Node) -> None:
    await node._keep_uses(T0)
    await node._forget_slow(T0)
    await node._show_out(T0)
    assert node.statistics["jobs"]().faults == 0
    assert node.ready
    await node.leave()
    assert not node.ready


async def test_its_parts_are_ended_before_its_store_is_closed(tmp_path: Path) -> None:
    node = Node(Settings(data=str(tmp_path)))
    await node.start()
    seen: list[int] = []

    async def end() -> None:
        seen.append(await node.store.last_seq())

    node.closing.append(end)
    await node.stop()
    assert seen == [0]
