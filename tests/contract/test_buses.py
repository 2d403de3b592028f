"""What every bus guarantees (tracker/buses/__init__.py), checked against each bus there is."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from tests.support import nats
from tests.support.certificates import Authority
from tracker.buses import BUSES, Bus, Gap, Heard, open_bus
from tracker.config import SettingsError
from tracker.model.change import Change


def memory_url(_folder: Path) -> Iterator[str]:
    yield "memory:"


def nats_url(_folder: Path) -> Iterator[str]:
    with nats.server() as server:
        yield f"{server.url}/NAME"


def tls_url(folder: Path) -> Iterator[str]:
    authority = Authority(folder)
    with nats.server(nats.TLS, *authority.issue("127.0.0.1")) as server:
        yield f"{server.url.replace('nats:', 'tls:')}/NAME?ca={authority.file}"


URLS: dict[str, Callable[[Path], Iterator[str]]] = {"memory": memory_url, "nats": nats_url, "tls": tls_url}


@pytest.fixture(scope="module", params=BUSES)
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    yield from URLS[request.param](tmp_path_factory.mktemp("bus"))


@pytest.fixture
async def bus(engine: str) -> AsyncIterator[Bus]:
    bus = open_bus(engine.replace("NAME", secrets.token_hex(8)))  # no other test hears it
    await bus.open()
    assert not bus.away
    yield bus
    await bus.close()


async def collect(heard: AsyncIterator[Heard], into: list[str]) -> None:
    async for change in heard:
        await asyncio.sleep(0)
        assert not isinstance(change, Gap)
        into += change.removed


async def test_a_node_hears_its_own_changes_in_order_before_publish_returns(bus: Bus) -> None:
    heard: list[str] = []
    task = asyncio.create_task(collect(bus.listen(), heard))
    for number in range(50):
        await bus.publish(Change(removed=[str(number)]))
        assert heard[-1] == str(number)
    await bus.close()
    await task
    assert heard == [str(number) for number in range(50)]


async def test_a_listener_hears_from_the_moment_it_asked(bus: Bus) -> None:
    heard: list[str] = []
    listening = bus.listen()
    publishing = asyncio.create_task(bus.publish(Change(removed=["early"])))
    await asyncio.sleep(0)
    task = asyncio.create_task(collect(listening, heard))
    await publishing
    assert heard == ["early"]
    await bus.close()
    await task


async def test_every_listener_hears_everything(bus: Bus) -> None:
    heard: list[list[str]] = [[], []]
    tasks = [asyncio.create_task(collect(bus.listen(), one)) for one in heard]
    await asyncio.gather(*(bus.publish(Change(removed=[str(number)])) for number in range(10)))
    await bus.close()
    await asyncio.gather(*tasks)
    assert heard[0] == heard[1] == [str(number) for number in range(10)]


async def test_listening_ends_once_everything_published_was_heard(bus: Bus) -> None:
    heard: list[str] = []
    task = asyncio.create_task(collect(bus.listen(), heard))
    publishing = [asyncio.create_task(bus.publish(Change(removed=[str(number)]))) for number in range(5)]
    await asyncio.sleep(0)
    await bus.close()
    await asyncio.gather(task, *publishing)
    assert heard == ["0", "1", "2", "3", "4"]


async def test_a_listener_that_stops_keeps_nobody_waiting(bus: Bus) -> None:
    heard: list[str] = []
    task = asyncio.create_task(collect(bus.listen(), heard))
    leaving = bus.listen()

    async def leave() -> None:
        async for _ in leaving:
            break
        await leaving.aclose()  # type: ignore[attr-defined]

    stopped = asyncio.create_task(leave())
    await asyncio.gather(*(bus.publish(Change(removed=[str(number)])) for number in range(3)))
    await stopped
    assert heard == ["0", "1", "2"]
    await bus.close()
    await task


async def test_nobody_listening_is_no_reason_to_wait(bus: Bus) -> None:
    await bus.publish(Change(removed=["unheard"]))


def test_an_unknown_bus_is_named() -> None:
    with pytest.raises(SettingsError, match="no bus speaks pigeon:"):
        open_bus("pigeon://")
