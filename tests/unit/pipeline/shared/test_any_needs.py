"""Whatever is looked at where, and whoever owns what: nodes show what is stored of all they were answered to hear of.
Days by a seed: needs widen and narrow, nodes join, leave and die, and words, questions and answers get lost."""

from __future__ import annotations

import asyncio
import random
from functools import partial

import pytest

from tests.support.company import Company, Node, depot, ping
from tracker.buses import Gap, NoAnswer, NotAsked
from tracker.errors import NotFound, TrackerError
from tracker.fleet.fleet import FleetSettings
from tracker.geometry.earth import tile
from tracker.model.change import Registered, VehicleState
from tracker.model.ping import Ping
from tracker.nodes.audience import Audience
from tracker.nodes.interest import ALL, NOTHING, Needs, united
from tracker.pipeline.missed import as_stored
from tracker.pipeline.shared import watching

NAMES = [f"van-{number}" for number in range(16)]
GROUPS = ("vans", "cars", None)
LATS = (60.0, 60.003, 60.01, 59.0, 58.5)  #: in the depot, beside it, and in other cells
SINGLE = [
    *(Needs(cells=frozenset({(zoom, *tile(lat, 25.0, zoom))})) for zoom in (5, 8, 10) for lat in LATS[2:]),
    *(Needs(vehicles=frozenset({name})) for name in NAMES[::3]),
    *(Needs(groups=frozenset({group})) for group in GROUPS if group),
    Needs(regions=frozenset({"depot"})),
]


class Day:
    def __init__(self, company: Company, seed: int) -> None:
        self.company = company
        self.chance = random.Random(seed)
        self.joined = self.second = 0
        self.loses = 0.1  # of questions, and of answers
        self.fresh = 0  # looks
        self.moves: list[asyncio.Task[None]] = []  # under way

    async def join(self) -> None:
        self.joined += 1
        joins = Node(self.company, f"node-{self.joined}", 0)
        ask = joins.asking.ask

        async def lossy(node: str, question: bytes, seconds: float) -> bytes:
            if self.chance.random() < self.loses:
                raise NotAsked("the question got lost")
            answer = await ask(node, question, seconds)
            if self.chance.random() < self.loses:
                raise NoAnswer("the answer got lost")
            return answer

        joins.asking.ask = lossy  # type: ignore[method-assign]
        await joins.pipeline.start()
        self.company.nodes.append(joins)

    # -- what happens --------------------------------------------------------------------------------------------------

    async def move(self) -> None:
        self.second += 600
        if self.chance.random() < 0.2:
            self.chance.choice(self.company.nodes).bus.deaf = True
        some = self.chance.sample(NAMES, self.chance.randint(1, 8))
        pings = [ping(name, self.second, self.chance.choice(LATS)) for name in some]
        self.moves.append(asyncio.create_task(self._submit(pings)))
        if self.chance.random() < 0.7:
            await self.rest()

    async def _submit(self, pings: list[Ping]) -> None:
        while True:
            try:
                await self.chance.choice(self.company.nodes).pipeline.submit(pings)
                return
            except TrackerError:
                await asyncio.sleep(0)

    async def rest(self) -> None:
        """Nothing moves."""
        await self.company.until(lambda: all(one.done() for one in self.moves), "all is stored", 20)
        for one in self.moves:
            one.result()
        self.moves.clear()

    async def edit(self) -> None:
        node, name = self.chance.choice(self.company.nodes), self.chance.choice(NAMES)
        try:
            if self.chance.random() < 0.8:
                await self.company.do(node.pipeline.register(Registered(name, group=self.chance.choice(GROUPS))))
            else:
                await self.rest()  # who comes while it is removed is shown when it comes again
                await self.company.do(node.pipeline.remove_vehicle(name))
        except (NotFound, TrackerError):
            pass

    async def befall(self) -> None:
        await self.rest()
        nodes = self.company.nodes
        what = self.chance.choice(("join", "leave", "kill"))
        if what == "join" or len(nodes) < 3:
            if len(nodes) < 4:
                await self.join()
        elif what == "leave":
            await self.company.leave(self.chance.choice(nodes))
        else:
            self.company.kill(self.chance.choice(nodes))

    def hears_again(self, node: Node) -> None:
        if node.bus.deaf:
            node.bus.deaf = False
            node.bus._listeners.miss(Gap(0))

    async def look(self) -> None:
        """Somebody looks at something more, or at something else; and knows all of it when that is answered."""
        node = self.chance.choice(self.company.nodes)
        self.hears_again(node)
        watches = node.sharing.watching
        needs = united(self.chance.sample(SINGLE, self.chance.randint(1, 3))) if self.chance.random() < 0.9 else ALL
        if self.chance.random() < 0.5:
            watches.viewers = list
            watches.look_again()
            await self.company.until(lambda: watches._needs == NOTHING)
        is_fresh = not (self.moves or watches._needs.covers(needs))
        before = list(watches.viewers())
        watches.viewers = lambda: [*before, needs]
        await self.company.do(node.pipeline.hear_of(needs))
        if is_fresh:  # else something may be on its way
            self.fresh += 1
            assert await self.wrong(node, needs) == {}

    # -- what has to be ------------------------------------------------------------------------------------------------

    async def stored(self) -> dict[str, VehicleState]:
        loaded = await self.company.nodes[0].store.load()
        moved = as_stored(loaded, self.company.settings, self.company.place.now).moved
        return {state.ping.vehicle: state for state in moved}

    async def wrong(self, node: Node, needs: Needs) -> dict[str, tuple[float | None, float]]:
        """Where vehicles that are needed are shown, and are, if that is not the same."""
        audience, picture = Audience({"it": needs}), node.picture
        return {
            name: (shown.ping.lat if (shown := picture.vehicles.get(name)) else None, state.ping.lat)
            for name, state in (await self.stored()).items()
            if audience.who(state, picture.group_of(name)) and picture.vehicles.get(name) != state
        }


def members(node: Node) -> dict[str, dict[str, int]]:
    return {name: dict(state.regions) for name, state in node.picture.vehicles.items()}


@pytest.mark.parametrize("seed", range(4))
async def test_nodes_show_what_is_stored_of_all_they_hear_of(
    company: Company, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, seconds in {
        "forwarding.PATIENCE_S": 0.02, "forwarding.LOOK_S": 0.002, "following.SEEN_S": 0.3, "following.LOOK_S": 0.002,
        "sharing.LEAVE_S": 0.05, "telling.WORD_S": 0.002, "ownership.AGAIN_S": 0.002, "ownership.LOADED_S": 0.05,
        "passing.AGAIN_S": 0.002, "passing.FLUSH_S": 0.01, "watching.AGAIN_S": 0.002, "watching.EVERY_S": 0,
        "watching.HEAR_S": 1000,
    }.items():  # fmt: skip
        monkeypatch.setattr(f"tracker.pipeline.shared.{name}", seconds)
    monkeypatch.setattr(watching, "MOST_KNOWN", 3)
    company.settings = FleetSettings(silence_s=1e6)
    day = Day(company, seed)
    for _ in range(3):
        await day.join()
    await company.until(company.is_fair)
    await company.do(company.nodes[0].pipeline.save_regions([depot(radius_m=200)]))
    await day.move()
    for _ in range(100):
        await day.chance.choices((day.move, day.look, day.edit, day.befall), (50, 30, 15, 5))[0]()
    assert day.fresh > 5
    await day.rest()
    day.loses = 0
    for node in company.nodes:
        day.hears_again(node)
    await company.until(company.is_fair)
    for node in company.nodes:
        needs = united(node.sharing.watching.viewers())
        await company.do(node.pipeline.hear_of(needs))
        for _ in range(200):  # something may be on its way
            if not (wrong := await day.wrong(node, needs)):
                break
            await company.go_on()
        assert not wrong
    for node in company.nodes:
        await company.until(partial(lambda one: members(one) == members(company.nodes[0]), node), "the same members")
        assert node.picture.inside.get("depot", set()) == company.nodes[0].picture.inside.get("depot", set())
    for node in company.nodes:
        await company.do(node.pipeline.hear_of(ALL))
        assert node.picture.vehicles == await day.stored()
