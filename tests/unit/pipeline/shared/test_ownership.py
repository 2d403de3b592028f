"""Whose vehicles are whose: taken, loaded, handed over, and decided by nobody else."""

from __future__ import annotations

from typing import Any

from tests.support.company import Company, Node
from tracker.model.ping import Ping

T0 = 1_790_000_000_000


def ping(vehicle: str, second: float = 0, lat: float = 60.0, lon: float = 25.0, **more: Any) -> Ping:
    return Ping(vehicle, T0 + int(second * 1000), lat, lon, **more)


async def test_nodes_share_the_fleet_fairly(company: Company, a: Node, b: Node) -> None:
    assert len(a.serves) == len(b.serves) == 32
    assert a.serves.isdisjoint(b.serves)
    c = await company.join("c")
    assert sorted(len(node.serves) for node in (a, b, c)) == [21, 21, 22]


async def test_a_ping_given_to_any_node_is_stored_by_its_owner(company: Company, a: Node, b: Node) -> None:
    name = company.vehicle_of(b)
    answer = await a.pipeline.submit([ping(name)])
    assert answer.accepted == 1
    assert name in b.fleet.vehicles and name not in a.fleet.vehicles
    assert a.picture.vehicles[name] == b.picture.vehicles[name]
    assert (await b.pipeline.submit([ping(name)])).duplicates == 1
