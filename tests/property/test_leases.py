"""Nodes hang, come back, join, leave and die, messages are late, lost and in any order: nobody owns what another does.

The database is a simulated one (tests/support/leasing.py); every node has a clock of its own, fast or slow.
"""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.leasing import Database
from tracker.nodes.leases import Leases, Round, Row, Terms, View

PARTITIONS = 10
TERMS = Terms()
STEP = 10  #: ms


class Node:
    def __init__(self, name: str, dice: random.Random) -> None:
        self.name = name
        self.leases = Leases(name, TERMS)
        self._rate = 1 + dice.uniform(-TERMS.drift, TERMS.drift) / 2
        self._offset = dice.uniform(-1e9, 1e9)
        self.hangs = False
        self.loads: list[tuple[int, int]] = []
        self.drains: list[int] = []

    def now(self, time: float) -> float:
        return self._offset + self._rate * time

    def hear(self, asked: Round, view: View) -> None:
        turn = self.leases.take_view(asked, view)
        self.loads += turn.gained
        self.drains += turn.stops

    def work(self) -> None:
        for place, epoch in self.loads:
            self.leases.ready(place, epoch)
        for place in self.drains:
            self.leases.drained(place)
        self.loads, self.drains = [], []

    def served(self, time: float) -> dict[int, int]:
        found = ((place, self.leases.epoch_of(place, self.now(time))) for place in range(PARTITIONS))
        return {place: epoch for place, epoch in found if epoch is not None}


class World:
    def __init__(self, seed: int = 0) -> None:
        self.dice = random.Random(seed)
        self.time = 0.0
        self.database = Database(PARTITIONS, TERMS.lease_ms)
        self.nodes: dict[str, Node] = {}
        self.asked: list[Round] = []
        self.answers: list[tuple[Round, View]] = []
        self.commits: list[tuple[str, int, int]] = []  # under way
        self.stored: dict[tuple[int, int], str] = {}  # (partition, epoch) → who committed by it
        self.newest: dict[int, int] = {}
        self.made = 0
        for _ in range(3):
            self.join()

    def join(self) -> None:
        self.made += 1
        self.nodes[f"n{self.made}"] = Node(f"n{self.made}", self.dice)

    def node(self, i: int) -> Node | None:
        return list(self.nodes.values())[i % len(self.nodes)] if self.nodes else None

    def ask(self, node: Node) -> None:
        if not node.hangs:
            self.asked.append(node.leases.ask(node.now(self.time)))

    def execute(self, k: int) -> None:
        if self.asked:
            asked = self.asked.pop(k % len(self.asked))
            self.answers.append((asked, self.database.take_round(asked, self.time)))

    def answer(self, k: int) -> None:
        if self.answers:
            asked, view = self.answers.pop(k % len(self.answers))
            node = self.nodes.get(asked.node)
            if node is not None and node.hangs:
                self.answers.append((asked, view))
            elif node is not None:
                node.hear(asked, view)

    def commit(self, k: int) -> None:
        """One that is under way arrives, however long its node was stopped meanwhile."""
        if self.commits:
            name, place, epoch = self.commits.pop(k % len(self.commits))
            if self.database.commits(name, place, epoch):
                assert self.stored.setdefault((place, epoch), name) == name
                assert self.newest.get(place, 0) <= epoch
                self.newest[place] = epoch

    def check(self) -> None:
        """At no moment do two go by what they own, and the database says so too."""
        seen: dict[int, str] = {}
        for name, node in self.nodes.items():
            for place, epoch in node.served(self.time).items():
                assert seen.setdefault(place, name) == name
                assert self.database.rows[place] == (name, epoch)
                assert self.database.until[name] > self.time

    def play(self, step: tuple[Any, ...]) -> None:
        what, k = step
        node = self.node(k)
        match what:
            case "wait":
                self.time += k
            case "execute":
                self.execute(k)
            case "answer":
                self.answer(k)
            case "arrive":
                self.commit(k)
            case "lose" if self.asked:
                self.asked.pop(k % len(self.asked))
            case "lose an answer" if self.answers:
                self.answers.pop(k % len(self.answers))
            case "join" if len(self.nodes) < PARTITIONS // 2:
                self.join()
        if node is None:
            return
        match what:
            case "ask":
                self.ask(node)
            case "round":  # all of it, at once
                self.ask(node)
                self.execute(-1)
                self.answer(-1)
                node.work()
            case "work":
                node.work()
            case "hang":
                node.hangs = not node.hangs
            case "kill":
                del self.nodes[node.name]
            case "leave":
                node.drains += node.leases.give_up().stops
            case "begin a commit":
                self.commits += [(node.name, place, epoch) for place, epoch in node.served(self.time).items()]

    def calm(self, ms: float) -> None:
        """Everything goes as it should, for so long."""
        for node in self.nodes.values():
            node.hangs = False
        end = self.time + ms
        while self.time < end:
            self.time += STEP
            for node in list(self.nodes.values()):
                if node.leases.has_left:
                    del self.nodes[node.name]
                elif node.leases.due <= node.now(self.time):
                    self.play(("round", list(self.nodes).index(node.name)))
            self.check()

    def compare(self) -> None:
        """Whatever happened: in a lease and a few rounds all is owned, fairly, and from then on nothing moves."""
        self.asked.clear()
        self.answers.clear()
        self.calm(TERMS.lease_ms + 5 * TERMS.round_ms)
        if not self.nodes:
            return
        rows = list(self.database.rows)
        assert sorted(place for node in self.nodes.values() for place in node.served(self.time)) == [*range(PARTITIONS)]
        counts = Counter(row.owner for row in rows)
        assert max(counts.values()) - min(counts[name] for name in self.nodes) <= 1
        self.calm(3 * TERMS.lease_ms)
        assert self.database.rows == rows, "nothing changed, and something moved"


KINDS = ["ask", "execute", "answer", "work", "begin a commit", "arrive", "wait", "round", "round"]
SLOW = [*(kind for kind in KINDS if kind != "round"), "ask", "execute", "answer", "lose", "lose an answer"]
RARE = ["hang", "hang", "kill", "leave", "join", "lose", "lose an answer"]


@given(
    st.integers(0, 99),
    st.lists(st.tuples(st.sampled_from(KINDS * 2 + RARE), st.integers(0, 300)), max_size=80),
)
def test_no_two_nodes_ever_own_the_same_and_all_is_owned_again(seed: int, plan: list[tuple[str, int]]) -> None:
    world = World(seed)
    for step in plan:
        world.play(step)
        world.check()
    world.compare()


@pytest.mark.parametrize("seed", range(8))
def test_it_stays_so_through_a_long_day(seed: int) -> None:
    world = World(seed)
    for at in range(2000):
        if at % 40 == 0:  # now and then nothing goes at once
            kinds, most_ms = world.dice.choice([(KINDS, 100), (SLOW, 100), (SLOW, 400)])
        world.play((world.dice.choice(kinds * 8 + RARE), world.dice.randrange(most_ms)))
        world.check()
    world.compare()


@pytest.mark.parametrize("what", ["join", "kill", "leave", "hang"])
def test_only_what_has_to_moves_and_in_less_than_a_second(what: str) -> None:
    world = World()
    world.calm(2000)
    before = list(world.database.rows)
    first = before[0].owner
    began = world.time
    while world.node(0) is not None and world.nodes.get(first or "") is not world.node(0):
        world.nodes = dict(list(world.nodes.items())[1:] + list(world.nodes.items())[:1])
    world.play((what, 0))
    stopped = {first: world.nodes.pop(first)} if what == "hang" and first is not None else {}
    while sum(len(node.served(world.time)) for node in world.nodes.values()) < PARTITIONS or world.time == began:
        world.calm(STEP)
        assert world.time - began < 1000
    while what == "join" and not world.nodes["n4"].served(world.time):
        world.calm(STEP)
        assert world.time - began < 1000
    world.calm(500)
    moved = [place for place in range(PARTITIONS) if world.database.rows[place].owner != before[place].owner]
    if what == "join":
        assert len(moved) == PARTITIONS // 4
    else:
        assert moved == [place for place in range(PARTITIONS) if before[place].owner == first]
    assert all(world.database.rows[place] == before[place] for place in range(PARTITIONS) if place not in moved)
    assert all(world.database.rows[place].epoch == before[place].epoch + 1 for place in moved)
    world.nodes |= stopped
    world.compare()


def test_a_commit_of_an_old_epoch_is_refused() -> None:
    world = World()
    world.calm(2000)
    world.play(("begin a commit", 0))
    late = [(name, place, epoch) for name, place, epoch in world.commits if world.database.rows[place] == (name, epoch)]
    world.play(("kill", 0))
    world.calm(1500)
    assert late
    assert not any(world.database.commits(*one) for one in late)


def test_an_empty_database_is_shared_by_those_who_come_together() -> None:
    world = World()
    world.calm(500)
    assert sorted(Counter(row.owner for row in world.database.rows).values()) == [3, 3, 4]
    assert Row(None, 0) not in world.database.rows
