"""Passing: what moves here is passed on to the nodes that need it, and to no other.

Of each of them is kept which vehicles it has to hear of; what is passed is how they are by then. So nothing piles up,
nothing gets lost, and one who cannot be asked just now hears of them later."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Set
from typing import NamedTuple

import msgspec

from tracker.buses import Asking, Failed, NoAnswer, NotAsked
from tracker.errors import Overloaded
from tracker.model.change import VehicleState
from tracker.model.picture import Picture
from tracker.nodes.audience import Audience, Within, is_rare, joining
from tracker.nodes.interest import NOTHING, Needs
from tracker.pipeline.shared.questions import Moved, Wanted, encode, names_of
from tracker.turns.slices import in_slices

AGAIN_S = 0.1  #: before what could not be passed is passed once more
ANSWER_S = 5.0  #: how long a node may take to answer
FLUSH_S = 1.0  #: for what was passed last, when this node stops
ROWS = 1000  #: vehicles looked at before others have their turn
MOST_BYTES = 256 * 1024  #: of states in one question
MOST_GONE = 16  #: nodes of which is remembered what they needed

NOT_PASSED = (NotAsked, NoAnswer, Failed)


class Picked(NamedTuple):
    """What all nodes are told, and what is passed on to some, or to none."""

    told: list[VehicleState]
    passed: list[VehicleState]
    to: list[int]  # who of the audience, for each of these
    audience: Audience  # as it was then


class _Target:
    """Another node, and what it has to hear of."""

    def __init__(self, node: str, needs: Needs, version: int) -> None:
        self.node = node
        self.needs = needs
        self.version = version  # of these needs
        self.finding = asyncio.Lock()  # what they are
        self.vehicles: dict[str, None] = {}
        self.waiting: list[asyncio.Future[None]] = []  # for all that was put down before them to be there
        self.more = asyncio.Event()
        self.task: asyncio.Task[None]
        self.is_gone = False

    def put_vehicles(self, vehicles: Iterable[str]) -> None:
        self.vehicles.update(dict.fromkeys(vehicles))
        if self.vehicles:
            self.more.set()

    def arrival(self) -> asyncio.Future[None]:
        """Done when all that was put down by now is there."""
        arrived: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self.is_gone:
            arrived.cancel()
        self.waiting.append(arrived)
        self.more.set()
        return arrived

    def end(self) -> None:
        self.is_gone = True
        for arrived in self.waiting:
            arrived.cancel()
        self.task.cancel()


class Passing:
    def __init__(
        self, asking: Asking, picture: Picture, has: Callable[[str], bool], partition_of: Callable[[str], int]
    ) -> None:
        """`has`: does no other node know better how this vehicle is?"""
        self._asking = asking
        self._picture = picture
        self._has = has
        self._partition_of = partition_of
        self.within: Within | None = None  # what finds the vehicles of cells, if there is something that does
        self._targets: dict[str, _Target] = {}
        self._gone: dict[str, tuple[Needs, int]] = {}  # what nodes that live no more needed, and its version
        self._audience = Audience({})
        self.passed = self.spared = 0  # states, each for each of the other nodes

    # -- who there is --------------------------------------------------------------------------------------------------

    def set_others(self, nodes: Set[str]) -> None:
        """The other nodes that live. One that comes back needs what it did: it may not know that it was given up, as
        when PostgreSQL forgot in a crash that it lives."""
        if nodes == self._targets.keys():
            return
        for node in self._targets.keys() - nodes:
            target = self._targets.pop(node)
            self._gone[node] = target.needs, target.version
            target.end()
        while len(self._gone) > MOST_GONE:
            del self._gone[next(iter(self._gone))]
        for node in sorted(nodes - self._targets.keys()):
            target = self._targets[node] = _Target(node, *self._gone.pop(node, (NOTHING, 0)))
            target.task = asyncio.create_task(self._pass_on(target), name="passing")
        self._count_needs()

    def _count_needs(self) -> None:
        self._audience = Audience({node: target.needs for node, target in self._targets.items()})

    async def take_needs(self, wanted: Wanted) -> None:
        """Returns when that node knows all it needs of what this one decides about. Raises Overloaded."""
        target = self._targets.get(wanted.node)
        if target is None:
            raise Overloaded(f"it is not known here yet that node {wanted.node} lives", code="no_owner")
        async with target.finding:  # who asks once more is not answered before
            await self._find(target, wanted)
        known = self._picture.vehicles if wanted.known is None else wanted.known
        target.put_vehicles(filter(self._has, known))
        await target.arrival()

    async def _find(self, target: _Target, wanted: Wanted) -> None:
        if wanted.version <= target.version:
            return
        before, target.needs, target.version = target.needs, wanted.needs, wanted.version
        self._count_needs()
        await self._put_needed(target, before, wanted.needs)

    async def _put_needed(self, target: _Target, before: Needs, now: Needs) -> None:
        async for vehicle in in_slices(joining(self._picture, before, now, self.within), ROWS):
            if vehicle is not None and self._has(vehicle):
                target.put_vehicles((vehicle,))

    def adopted(self, partitions: Collection[int]) -> None:
        """These are this node's now: whoever owned them may not have told all of it."""
        self._put_anew(name for name in self._picture.vehicles if self._partition_of(name) in partitions)

    # -- what is told, and what is passed ------------------------------------------------------------------------------

    def pick(self, moved: list[VehicleState], befell: Collection[str]) -> Picked:
        """`befell`: vehicles of which all nodes have to hear now."""
        audience, vehicles, group_of = self._audience, self._picture.vehicles, self._picture.group_of
        everybody = audience.all
        picked = Picked([], [], [], audience)
        for state in moved:
            vehicle = state.ping.vehicle
            last = vehicles.get(vehicle)
            if last is None or vehicle in befell or is_rare(last, state):
                picked.told.append(state)
                continue
            group = group_of(vehicle)
            bits = audience.who(state, group)
            if bits != everybody:
                bits |= audience.who(last, group)  # or nobody there would see it leave
            if bits == everybody:
                picked.told.append(state)
            else:
                picked.passed.append(state)
                picked.to.append(bits)
                self.spared += (everybody & ~bits).bit_count()
        return picked

    def put_picked(self, picked: Picked, regrouped: Iterable[str] = ()) -> None:
        """By now the picture shows how they are. `regrouped`: they may be needed by others than before."""
        for state, bits in zip(picked.passed, picked.to, strict=True):
            self._put(state.ping.vehicle, picked.audience.named(bits))
        anew = list(filter(self._has, regrouped))
        if picked.audience is not self._audience:  # others need it by now
            anew += (state.ping.vehicle for state in picked.passed)
        self._put_anew(anew)

    def _put_anew(self, vehicles: Iterable[str]) -> None:
        """For whoever needs them by now."""
        for vehicle in vehicles:
            if (known := self._picture.vehicles.get(vehicle)) is not None:
                self._put(vehicle, self._audience.named(self._audience.who(known, self._picture.group_of(vehicle))))

    def _put(self, vehicle: str, nodes: Iterable[str]) -> None:
        for node in nodes:
            if target := self._targets.get(node):
                target.put_vehicles((vehicle,))

    async def _pass_on(self, target: _Target) -> None:
        await self._put_needed(target, NOTHING, target.needs)
        while True:
            await target.more.wait()
            if self._asking.away:
                await asyncio.sleep(AGAIN_S)
                continue
            target.more.clear()
            left, target.vehicles = list(target.vehicles), {}
            waiting = target.waiting.copy()
            early: list[str] = []  # it has not heard yet what all are told of them
            try:
                while left:
                    states, rest = self._chunk(left)
                    early += await self._ask(target.node, states)
                    left = rest
            except NOT_PASSED:
                pass
            if left := early + left:
                target.vehicles = dict.fromkeys(left) | target.vehicles
                target.more.set()
                await asyncio.sleep(AGAIN_S)
                continue
            del target.waiting[: len(waiting)]
            for arrived in waiting:
                if not arrived.done():
                    arrived.set_result(None)

    def _chunk(self, names: list[str]) -> tuple[list[msgspec.Raw], list[str]]:
        """As many states as fit into one question, and whose are left."""
        states: list[msgspec.Raw] = []
        size = 0
        for at, name in enumerate(names):
            if size > MOST_BYTES:
                return states, names[at:]
            if (known := self._picture.vehicles.get(name)) is not None:
                states.append(msgspec.Raw(encode(known)))
                size += len(states[-1])
        return states, []

    async def _ask(self, node: str, states: list[msgspec.Raw]) -> list[str]:
        if not states:
            return []
        early = names_of(await self._asking.ask(node, encode(Moved(states)), ANSWER_S))
        self.passed += len(states) - len(early)
        return early

    # -- the end -------------------------------------------------------------------------------------------------------

    async def flush(self) -> None:
        """What was put down is passed, or there is no time for it."""
        if self._asking.away:
            return
        arrivals = [target.arrival() for target in self._targets.values() if target.vehicles]
        if arrivals:
            await asyncio.wait(arrivals, timeout=FLUSH_S)

    async def stop(self) -> None:
        await self.flush()
        tasks = [target.task for target in self._targets.values()]
        for target in self._targets.values():
            target.end()
        self._targets.clear()
        await asyncio.gather(*tasks, return_exceptions=True)
