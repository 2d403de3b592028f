"""The windows of a schedule open and close once for each vehicle, whoever owns it by then."""

from __future__ import annotations

import random

import pytest

from tests.support.company import T0, Company, Node, depot, ping
from tracker.buses import Gap
from tracker.errors import TrackerError
from tracker.fleet.fleet import Fleet, FleetSettings
from tracker.fleet.step import Step
from tracker.regions.region import Region

NAMES = [f"van-{number}" for number in range(12)]
MINUTE_MS = 60_000
EDGES = [T0 + 100_000 + at * MINUTE_MS for at in range(4)]  # 14:15 to 14:18 on a Monday
RULES = {"schedule": {"zone": "UTC", "weekly": {"mon": [["14:15", "14:16"], ["14:17", "14:18"]]}}}
PASSED_MS = 6_000  #: after an edge: by then another owns what a node owned that hangs


async def reach(company: Company, time: int) -> None:
    await company.until(lambda: company.place.now >= time, "it is later", 20)


async def report(company: Company, chance: random.Random, second: int) -> None:
    """All of them, to any node, and again until it is taken."""
    while True:
        node = chance.choice([one for one in company.nodes if not one.hangs])
        try:
            await company.do(node.pipeline.submit([ping(name, second) for name in NAMES]))
            return
        except TrackerError:
            await company.go_on()


async def befall(company: Company, chance: random.Random) -> None:
    node = chance.choice(company.nodes[1:])
    match chance.choice(("kill", "leave", "hang", "deaf", "cannot commit")):
        case "kill":
            company.kill(node)
        case "leave":
            await company.leave(node)
        case "hang":
            node.hangs, node.store.fails["lease_round"] = True, 1_000_000
        case "deaf":
            node.bus.deaf = True
        case _:
            node.store.fails["commit"] = 3


async def recover(company: Company) -> None:
    for node in company.nodes:
        node.hangs = node.bus.deaf = False
        node.bus._listeners.miss(Gap(0))
        node.store.fails.clear()
    while len(company.nodes) < 3:
        node = Node(company, f"node-{company.place.now}", 0)
        await node.pipeline.start()
        company.nodes.append(node)
    await company.until(company.is_fair)


def alone(seconds: list[int]) -> dict[str, list[str]]:
    """Ids by vehicle, as one node tells them to which they reported at these seconds."""
    fleet, told = Fleet(FleetSettings(silence_s=1e6)), dict[str, list[str]]()

    def take(step: Step | None) -> None:
        for event in step.commit.events if step else ():
            told.setdefault(event.vehicle, []).append(event.id)

    region = Region.read_feature(depot(rules=RULES), id="depot", version=1, now=T0)
    take(fleet.save_regions([region], T0))
    for second in seconds:
        while (due := fleet.due_at()) is not None and due <= T0 + second * 1000:
            take(fleet.fire(due))
        take(fleet.apply([ping(name, second) for name in NAMES], T0 + second * 1000))
    while (due := fleet.due_at()) is not None and due <= EDGES[-1]:
        take(fleet.fire(due))
    return told


@pytest.mark.parametrize("seed", range(3))
async def test_windows_open_and_close_once_whatever_befalls_who_owns_the_vehicles(
    company: Company, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tracker.pipeline.shared.forwarding.PATIENCE_S", 0.05)
    monkeypatch.setattr("tracker.pipeline.shared.sharing.LEAVE_S", 0.05)
    monkeypatch.setattr("tracker.turns.lanes.PAUSE_S", 0.001)
    chance = random.Random(seed)
    company.settings = FleetSettings(silence_s=1e6)
    company.place.now = T0 + 80_000
    for name in "abc":
        await company.join(name)
    await company.do(company.nodes[0].pipeline.save_regions([depot(rules=RULES)]))
    seconds = [60, 130, 190, 250]
    for second, edge in zip(seconds, EDGES, strict=True):
        await reach(company, T0 + second * 1000)
        await report(company, chance, second)
        await reach(company, edge - chance.randrange(2000))
        await befall(company, chance)
        await reach(company, edge + PASSED_MS)
        await recover(company)
    wanted = alone(seconds)
    assert {len(ids) for ids in wanted.values()} == {4}
    kept = company.place.kept.events
    await company.until(lambda: len(kept) >= 4 * len(NAMES))
    assert {name: [event.id for event in kept if event.vehicle == name] for name in NAMES} == wanted
    assert {event.time for event in kept} == set(EDGES)
    await company.until(lambda: not any(node.picture.inside.get("depot") for node in company.nodes), "it is closed")
