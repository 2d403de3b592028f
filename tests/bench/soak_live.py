"""Break connections for a long time and compare what every client heard with the store: missed 0, doubled 0.

    python tests/bench/soak_live.py [seconds]          also: make soak
    PLANT=dropped|cursor|doubled python …              a fault in the clients: the run must fail

Vehicles drive in and out of regions; clients are closed, stall, vanish without a word and come back; the server is
killed and started again. At the end every client must have heard exactly the events of the store, in order, each once,
and know the very positions the API has.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))  # tests.support.servers, when run as a script

from tests.support.servers import Server, circle, now
from tests.support.waiting import until
from tracker.client import Live, Update
from tracker.live.cursor import read_cursor

VEHICLES, CLIENTS = 20, 16
ENOUGH = 10  #: faults to plant, however slow the machine: one alone may be mended by what comes next
CENTRES = [(60.0, 24.0), (60.0, 24.02), (60.01, 24.01)]
FOLLOWS: list[dict[str, Any]] = [
    {"all": True},
    {"regions": ["r0"]},
    {"regions": ["r1", "r2"]},
    {"all": True, "window": 1},
]


class Client:
    """One client, what it heard, and the fault that was planted in it."""

    def __init__(self, url: str, number: int, plant: str, dice: random.Random) -> None:
        self.follow = FOLLOWS[number % len(FOLLOWS)]
        self.live = Live(url, binary=number % 2 == 1, **self.follow)
        self.live._after_s = 0.0
        self.heard: list[int] = []
        self.stalled = asyncio.Event()
        self.stalled.set()
        self.planted = 0
        self._plant = plant
        self._dice = dice
        self._take = self.live._take
        self.live._take = self._faulty if plant else self._take  # type: ignore[method-assign]

    def _faulty(self, message: dict[str, Any]) -> Update | None:
        if message.get("events") and self._dice.random() < 0.2:
            self.planted += 1
            if self._plant == "dropped":
                return None
            if self._plant == "doubled":
                message["events"] *= 2
            cursor = read_cursor(message["cursor"])
            if self._plant == "cursor" and cursor is not None:
                message["cursor"] = cursor._replace(seq=cursor.seq - 1).text()
                update = self._take(message)
                self.live.drop()
                return update
        return self._take(message)

    async def listen(self) -> None:
        async for update in self.live:
            self.heard += [event["seq"] for event in update.events]
            await self.stalled.wait()


async def soak(server: Server, seconds: float, plant: str = "", seed: int = 1) -> list[str]:
    """Answers what went wrong."""
    dice = random.Random(seed)
    for number, (lat, lon) in enumerate(CENTRES):
        server.send("PUT", f"/api/v1/regions/r{number}", circle(lat, lon, 400, debounce="none"))
    clients = [Client(server.url, number, plant, dice) for number in range(CLIENTS)]
    tasks = [asyncio.create_task(client.listen()) for client in clients]
    await until(lambda: all(client.live.cursor for client in clients), "everybody is connected", 30)
    loop = asyncio.get_running_loop()
    end, breaks, kill_at = loop.time() + seconds, 0, loop.time() + min(10.0, seconds / 2)
    while loop.time() < end or (plant and sum(client.planted for client in clients) < ENOUGH):
        batch = []
        for number in range(VEHICLES):
            lat, lon = dice.choice([*CENTRES, (60.02, 24.02), (60.02, 24.0)])
            batch.append({"vehicle": f"v{number}", "time": now(), "lat": lat, "lon": lon, "accuracy_m": 1})
        try:
            await asyncio.to_thread(server.post, "/api/v1/positions", dice.sample(batch, 8))
        except OSError:
            pass  # it was killed in the middle: the answer is lost, the pings may be stored
        for client in dice.sample(clients, 3):
            breaks += 1
            match dice.randrange(3):
                case 0:
                    client.live.drop()
                case 1 if client.live._writer is not None:
                    client.live._writer.transport.abort()
                case _:
                    client.stalled.clear()
                    loop.call_later(dice.uniform(0.1, 1.0), client.stalled.set)
        if loop.time() > kill_at:
            kill_at = loop.time() + min(15.0, seconds / 4)
            await asyncio.to_thread(server.kill)
            await asyncio.to_thread(server.start)
        await asyncio.sleep(0.02)
    faults = await compare(server, clients, 1 if plant else 30)
    for client in clients:
        await client.live.close()
    await asyncio.gather(*tasks)
    connects = sum(client.live.connects for client in clients)
    print(f"{len(server.events())} events, {breaks} breaks, {connects} connections, {len(faults)} faults", flush=True)
    return faults


async def compare(server: Server, clients: list[Client], patience_s: float) -> list[str]:
    """Wait until nothing more comes, then look for differences."""
    for client in clients:
        client.stalled.set()
    faults: list[str] = []
    for _ in range(int(patience_s * 4)):
        await asyncio.sleep(0.25)
        events = await asyncio.to_thread(server.events)
        vehicles = (await asyncio.to_thread(server.get, "/api/v1/vehicles?limit=1000")).json()["vehicles"]
        faults = []
        for number, client in enumerate(clients):
            wanted = _expected(client, events)
            if client.heard != wanted:
                missed, more = sorted(set(wanted) - set(client.heard)), len(client.heard) - len(set(client.heard))
                faults.append(f"client {number} {client.follow}: missed {missed[:5]}, {more} doubled, or another order")
            faults += _positions(vehicles, client, number)
        if not faults:
            break
    return faults


def _expected(client: Client, events: list[dict[str, Any]]) -> list[int]:
    regions = client.follow.get("regions")
    return [event["seq"] for event in events if regions is None or event.get("region") in regions]


def _positions(vehicles: list[dict[str, Any]], client: Client, number: int) -> list[str]:
    regions = set(client.follow.get("regions", ()))
    wanted = {
        one["vehicle"]: (one["position"]["lat"], one["position"]["lon"])
        for one in vehicles
        if not regions or regions & {region["id"] for region in one["regions"]}
    }
    known = {id: (vehicle.lat, vehicle.lon) for id, vehicle in client.live.vehicles.items()}
    return (
        [] if known == wanted else [f"client {number} {client.follow}: knows {len(known)} of {len(wanted)} positions"]
    )


def main() -> None:
    seconds = float(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("SECONDS", "600"))
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder) / "data").start()
        try:
            faults = asyncio.run(soak(server, seconds, os.environ.get("PLANT", ""), random.randrange(10**6)))
        finally:
            server.kill()
    print("\n".join(faults))
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
