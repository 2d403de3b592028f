"""The bus over a real NATS server: what happens to it, and what nodes hear of each other all the same."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from nats.aio.client import Client

from tests.support import nats, nats_creds
from tests.support.certificates import Authority
from tests.support.servers import Server
from tests.support.waiting import free_port, until, until_sync
from tracker.buses import (
    Answer,
    Asking,
    Failed,
    Gap,
    NoAnswer,
    NotAsked,
    examine_bus,
    frames,
    hearing,
    nats_keeper,
    open_asking,
    open_bus,
)
from tracker.buses import nats as engine
from tracker.buses.nats_line import Away, connect
from tracker.buses.nats_url import place_of
from tracker.config import SettingsError
from tracker.model.change import Change


class Peer:
    """A node's bus and all that was heard on it, in order."""

    def __init__(self, url: str) -> None:
        bus = open_bus(url)
        assert isinstance(bus, engine.NatsBus)
        self.bus = bus
        self.heard: list[Change | Gap] = []
        self._listening: asyncio.Task[None] | None = None

    async def open(self) -> None:
        await self.bus.open()
        heard = self.bus.listen()
        self._listening = asyncio.create_task(self._listen(heard))

    async def _listen(self, heard: AsyncIterator[Change | Gap]) -> None:
        async for what in heard:
            self.heard.append(what)

    async def close(self) -> None:
        await self.bus.close()
        if self._listening:
            await self._listening

    async def say(self, *names: str) -> None:
        for name in names:
            await self.bus.publish(Change(removed=[name]))

    def names(self, prefix: str = "") -> list[str]:
        heard = [what.removed[0] for what in self.heard if isinstance(what, Change)]
        return [name for name in heard if name.startswith(prefix)]

    def gaps(self) -> list[Gap]:
        return [what for what in self.heard if isinstance(what, Gap)]


@pytest.fixture(scope="module")
def shared() -> Iterator[nats.Server]:
    with nats.server() as server:
        yield server


@pytest.fixture
def server() -> Iterator[nats.Server]:
    """Of this test alone, which does things to it."""
    with nats.server() as server:
        yield server


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beats and tries follow each other quickly."""
    for place, name, seconds in (
        (engine, "BEAT_S", 0.05),
        (engine, "AWAY_S", 0.05),
        (nats_keeper, "LATE_S", 0.5),
        (nats_keeper, "LONGEST_S", 0.1),
    ):
        monkeypatch.setattr(place, name, seconds)


async def stranger(url: str, said: str) -> None:
    """A node that is not let in, or does not come in, and says so."""
    bus = open_bus(url)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nats_keeper, "OPEN_S", 0)
        await bus.open()
    await until(lambda: said in bus.away, said)
    assert "wrong" not in bus.away
    await bus.close()


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is late, however busy this machine is."""
    for place, name, most in (
        (engine, "CLOSE_S", 60),
        (nats_keeper, "LATE_S", 60),
        (nats_keeper, "OPEN_S", 60),
        (hearing, "SILENT_MS", 60_000),
    ):
        monkeypatch.setattr(place, name, most)


@contextlib.asynccontextmanager
async def peers(url: str, count: int = 2) -> AsyncIterator[list[Peer]]:
    made = [Peer(url) for _ in range(count)]
    try:
        for one in made:
            await one.open()
            assert not one.bus.away
        yield made
    finally:
        for one in made:
            await one.close()


def named(server: nats.Server) -> str:
    return f"{server.url}/{secrets.token_hex(8)}"


async def known(*all: Peer) -> None:
    """Each has heard of each other."""
    await until(lambda: all_know(all), "all nodes hear each other")


def all_know(all: tuple[Peer, ...]) -> bool:
    return all_equal((one.bus.statistics().nodes for one in all), len(all) - 1)


def all_equal(values: Iterator[int], value: int) -> bool:
    return {*values} == {value}


# ------------------------------------------------------------------------------------------------ when all is well


@pytest.mark.usefixtures("patient")
async def test_two_nodes_hear_each_other_and_each_itself_once(shared: nats.Server) -> None:
    async with peers(named(shared)) as (eve, bob):
        await eve.say("e1", "e2")
        assert eve.names() == ["e1", "e2"]
        await until(lambda: bob.names() == ["e1", "e2"], "bob hears eve")
        await bob.say("b1")
        await until(lambda: eve.names() == ["e1", "e2", "b1"], "eve hears bob")
        assert bob.names() == ["e1", "e2", "b1"]
        assert eve.gaps() == bob.gaps() == []


@pytest.mark.usefixtures("patient")
async def test_what_comes_back_of_a_nodes_own_is_not_heard_again(shared: nats.Server) -> None:
    """As when a line broke, and the server takes what was under way on it after the new one is there."""
    url = named(shared)
    subject = f"{url.rpartition('/')[2]}.changes"
    async with peers(url) as (eve, bob), raw(shared) as line:
        taken = await line.subscribe(subject)
        await line.flush()
        await eve.say("own")
        echo = await taken.next_msg(5)
        while frames.unpack(echo.data).kind != frames.CHANGE:
            echo = await taken.next_msg(5)
        await line.publish(subject, echo.data)
        await line.flush()
        await bob.say("after it")
        await until(lambda: "after it" in eve.names(), "eve hears what was said after the echo")
        assert eve.names() == ["own", "after it"]
        assert bob.names() == ["own", "after it"]


@pytest.mark.usefixtures("patient")
async def test_each_nodes_changes_are_heard_in_its_order_under_load(shared: nats.Server) -> None:
    async with peers(named(shared), 3) as all:
        said = {str(node): [f"{node} {number}" for number in range(400)] for node in range(3)}
        await asyncio.gather(*(one.say(*said[str(node)]) for node, one in enumerate(all)))
        await until(lambda: all_equal((len(one.names()) for one in all), 1200), "all is heard")
        for one in all:
            assert {node: one.names(node) for node in said} == said
            assert one.gaps() == []


@pytest.mark.usefixtures("patient")
async def test_what_was_published_is_on_its_way_when_a_bus_is_closed(shared: nats.Server) -> None:
    async with peers(named(shared)) as (eve, bob):
        await known(eve, bob)
        publishing = [asyncio.create_task(eve.say(str(number))) for number in range(2000)]
        await asyncio.sleep(0)
        await eve.close()
        await asyncio.gather(*publishing)
        await until(lambda: bob.bus.statistics().nodes == 0, "eve took her leave")
        assert bob.names() == [str(number) for number in range(2000)]
        assert bob.gaps() == []


@pytest.mark.usefixtures("patient")
async def test_a_change_larger_than_a_message_is_heard_whole(shared: nats.Server) -> None:
    async with peers(named(shared)) as (eve, bob):
        change = Change(removed=["large"], regions=[{"id": str(one), "text": "x" * 999_999} for one in range(4)])
        await eve.bus.publish(change)
        await until(lambda: bob.names(), "bob hears it")
        assert bob.heard == [change]


async def test_installations_of_other_names_do_not_hear_each_other(shared: nats.Server) -> None:
    async with peers(named(shared), 1) as (eve,), peers(named(shared)) as (bob, zoe):
        await eve.say("e1")
        await bob.say("b1")
        await until(lambda: zoe.names() == ["b1"], "zoe hears bob")
        assert eve.names() == ["e1"]
        assert eve.bus.statistics().nodes == 0


# ---------------------------------------------------------------------------------------------- what may go wrong


@pytest.mark.usefixtures("hasty")
async def test_a_server_that_was_killed_is_found_again_and_what_was_missed_is_told(server: nats.Server) -> None:
    async with peers(server.url) as (eve, bob):
        await known(eve, bob)
        server.kill()
        await until(lambda: eve.bus.away and bob.bus.away, "it is away")
        await eve.say("unheard")
        assert eve.names() == ["unheard"]  # at once, and by itself
        await until(lambda: any(gap.away for gap in bob.gaps()), "it is told while it lasts")
        server.start()
        await until(lambda: not eve.bus.away and not bob.bus.away, "it is there again")
        await until(lambda: bob.gaps() and not bob.gaps()[-1].away, "what is missed was told")
        await eve.say("heard")
        await until(lambda: bob.names() == ["heard"], "bob hears eve again")
        assert eve.names() == ["unheard", "heard"]
        assert eve.bus.statistics().unsent == 1


@pytest.mark.usefixtures("hasty")
async def test_a_server_that_hangs_keeps_nobody_waiting(server: nats.Server) -> None:
    async with peers(server.url) as (eve, bob):
        await known(eve, bob)
        server.send_signal(signal.SIGSTOP)
        large = Change(removed=["large"], regions=[{"text": "x" * 2**20} for _ in range(10)])
        for _ in range(10):
            await asyncio.wait_for(eve.bus.publish(large), 5)
        assert eve.names() == ["large"] * 10
        await until(lambda: eve.bus.away and bob.bus.away, "it is away")
        await until(lambda: "does not answer" in eve.bus.away, "it says why")
        server.send_signal(signal.SIGCONT)
        await until(lambda: not eve.bus.away and not bob.bus.away, "it is there again")
        await until(lambda: bob.gaps() and not bob.gaps()[-1].away, "what is missed was told")
        await eve.say("heard")
        await until(lambda: bob.names()[-1:] == ["heard"], "bob hears eve again")


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize(
    ("said", "raised"),
    [
        ("unable to perform operation on <TCPTransport closed=True>; the handler is closed", Away),
        ("other", RuntimeError),
    ],
)
async def test_who_writes_to_a_connection_that_is_closed_is_told_that_it_broke(
    shared: nats.Server, said: str, raised: type[Exception]
) -> None:
    """As uvloop tells it; asyncio drops what is written then."""

    def write(_: bytes) -> None:
        raise RuntimeError(said)

    async def speak() -> None:
        async with connect(place_of(shared.url), shared.url) as line:
            line._transport.write = write  # type: ignore[union-attr, method-assign]
            await line.confirm()

    (fault,) = await asyncio.gather(speak(), return_exceptions=True)
    assert type(fault) is raised


async def test_a_change_that_was_lost_is_told_by_the_next_beat(shared: nats.Server) -> None:
    async with peers(named(shared)) as (eve, bob):
        await eve.say("1")
        await until(lambda: bob.names() == ["1"], "bob hears eve")
        eve.bus._seq += 1  # as if it had been sent
        await until(lambda: bob.gaps(), "it is told")
        await eve.say("3")
        await until(lambda: bob.names() == ["1", "3"], "bob hears on")


@pytest.mark.usefixtures("hasty")
async def test_a_change_too_large_to_be_sent_is_told_as_missed(
    shared: nats.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "MOST_WAITING", 1000)
    async with peers(named(shared)) as (eve, bob):
        await known(eve, bob)
        await eve.say("x" * 2000)
        await until(lambda: bob.gaps(), "it is told")
        assert (bob.names(), eve.bus.statistics().unsent) == ([], 1)


@pytest.mark.usefixtures("hasty")
async def test_what_cannot_be_written_is_heard_here_and_told_as_missed_elsewhere(shared: nats.Server) -> None:
    async with peers(named(shared)) as (eve, bob):
        await known(eve, bob)
        await eve.bus.publish(Change(removed=["here"], regions=[{"number": 10**30}]))
        assert eve.names() == ["here"]
        await until(lambda: bob.gaps(), "it is told")


async def test_a_node_starts_while_the_bus_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nats_keeper, "OPEN_S", 0.05)
    eve = Peer(f"nats://127.0.0.1:{free_port()}")
    await eve.open()
    await until(lambda: "Connect call failed" in eve.bus.away, "it says why")
    await eve.say("alone")
    assert eve.names() == ["alone"]
    await eve.close()


async def test_of_several_servers_one_is_enough(shared: nats.Server) -> None:
    dead = f"127.0.0.1:{free_port()}"
    url = f"nats://{dead},127.0.0.1:{shared.port},{dead}/{secrets.token_hex(8)}"
    async with peers(url) as (eve, bob):
        await eve.say("1")
        await until(lambda: bob.names() == ["1"], "bob hears eve")


# ---------------------------------------------------------------------------------------------------- who is let in


@pytest.mark.parametrize(
    "lines, good, bad",
    [
        ('authorization { user: "eve", password: "p@ss" }', "eve:p%40ss@", "eve:wrong@"),
        ('authorization { token: "s3cret" }', "s3cret@", ""),
    ],
)
async def test_who_may_not_come_in_is_told_and_tries_on(lines: str, good: str, bad: str) -> None:
    with nats.server(lines) as server:
        at = f"127.0.0.1:{server.port}"
        async with peers(f"nats://{good}{at}") as (eve, bob):
            await eve.say("1")
            await until(lambda: bob.names() == ["1"], "bob hears eve")
        await stranger(f"nats://{bad}{at}", "Authorization Violation")


async def test_a_file_of_credentials_lets_a_node_in(tmp_path: Path) -> None:
    file, other = tmp_path / "node.creds", tmp_path / "other.creds"
    nats_creds.make(other)
    with nats.server(nats_creds.make(file)) as server:
        async with peers(f"{server.url}?creds={file}") as (eve, bob):
            await eve.say("1")
            await until(lambda: bob.names() == ["1"], "bob hears eve")
        await stranger(f"{server.url}?creds={other}", "Authorization Violation")


async def test_tls_that_was_asked_for_is_not_given_up() -> None:
    """A server, or who stands between, that speaks none gets no password."""
    said: list[bytes] = []

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b'INFO {"server_id":"x","version":"2.9.10","max_payload":1048576,"headers":true}\r\n')
        said.append(await reader.read(1000))
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as listening:
        port = listening.sockets[0].getsockname()[1]
        await stranger(f"tls://eve:s3cret@127.0.0.1:{port}", "does not speak TLS")
    assert b"".join(said) == b""


async def test_a_certificate_that_nobody_here_knows_is_refused(tmp_path: Path) -> None:
    authority, other = Authority(tmp_path / "one"), Authority(tmp_path / "other")
    with nats.server(nats.TLS, *authority.issue("127.0.0.1")) as server:
        at = server.url.replace("nats:", "tls:")
        await stranger(f"{at}?ca={other.file}", "certificate verify failed")


@contextlib.asynccontextmanager
async def raw(server: nats.Server) -> AsyncIterator[Client]:
    """What is no node: the client alone."""
    line = Client()
    await line.connect(server.url)
    try:
        yield line
    finally:
        await line.close()


async def test_a_user_needs_rights_to_one_name_alone() -> None:
    rights = 'permissions: { publish: "depot.>", subscribe: "depot.>" }'
    with nats.server(f"authorization {{ users: [{{ user: eve, password: p, {rights} }}] }}") as server:
        url = f"nats://eve:p@127.0.0.1:{server.port}/depot"
        async with peers(url) as (eve, bob), askers(url) as (zoe, _):
            await eve.say("1")
            await until(lambda: bob.names() == ["1"], "bob hears eve")
            assert await zoe.ask("bob", b"abc", 60) == b"bob: abc"


# ------------------------------------------------------------------------------------------------------ one asks one


@contextlib.asynccontextmanager
async def askers(url: str) -> AsyncIterator[list[Asking]]:
    """Eve and bob; who is asked to wait does not answer."""

    def answers(me: str) -> Answer:
        async def answer(question: bytes) -> bytes:
            if question == b"wait":
                await asyncio.Event().wait()
            return question * 3_000_000 if question == b"large" else me.encode() + b": " + question

        return answer

    made = {me: open_asking(url, me) for me in ("eve", "bob")}
    try:
        for me, one in made.items():
            await one.open(answers(me))
        yield list(made.values())
    finally:
        for one in made.values():
            await one.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No answer is waited for when a node closes."""
    monkeypatch.setattr("tracker.buses.answering.FINISH_S", 0.05)
    monkeypatch.setattr("tracker.buses.nats_asking.CHECK_S", 0.05)


@pytest.mark.usefixtures("hasty", "impatient")
async def test_who_asks_when_the_server_is_killed_does_not_wait_for_it(server: nats.Server) -> None:
    async with askers(server.url) as (eve, bob):
        waiting = asyncio.create_task(eve.ask("bob", b"wait", 300))
        assert await eve.ask("bob", b"abc", 300) == b"bob: abc"
        server.kill()
        await until(waiting.done, "it is told")
        with pytest.raises(NoAnswer, match="the connection broke before node bob answered"):
            await waiting
        with pytest.raises(NotAsked, match="node bob cannot be asked: "):
            await eve.ask("bob", b"abc", 300)
        server.start()
        await until(lambda: not eve.away and not bob.away, "it is there again")
        assert await eve.ask("bob", b"abc", 300) == b"bob: abc"


@pytest.mark.usefixtures("hasty", "impatient")
async def test_who_asks_when_the_server_hangs_does_not_wait_for_it(server: nats.Server) -> None:
    async with askers(server.url) as (eve, bob):
        server.send_signal(signal.SIGSTOP)
        with pytest.raises((NoAnswer, NotAsked)):
            await eve.ask("bob", b"abc", 300)
        server.send_signal(signal.SIGCONT)
        await until(lambda: not eve.away and not bob.away, "it is there again")
        assert await eve.ask("bob", b"abc", 300) == b"bob: abc"


@pytest.mark.usefixtures("impatient")
async def test_what_is_too_large_for_the_server_is_refused_and_said(shared: nats.Server) -> None:
    async with askers(named(shared)) as (eve, _):
        with pytest.raises(NotAsked, match="a question of 2000000 bytes is more than NATS takes"):
            await eve.ask("bob", b"x" * 2_000_000, 60)
        with pytest.raises(Failed, match="an answer of 15000001 bytes is more than NATS takes"):
            await eve.ask("bob", b"large", 60)


# --------------------------------------------------------------------------------------------------- a whole server


def metric(server: Server, name: str) -> float:
    lines = server.get("/metrics").body.decode().splitlines()
    return float(next(line.split()[1] for line in lines if line.startswith(f"tracker_{name} ")))


def test_a_server_without_its_bus_takes_positions_and_says_that_it_hears_nobody(
    server: nats.Server, tmp_path: Path
) -> None:
    tracker = Server(tmp_path / "data", bus=server.url, log_level="warning").start()
    try:
        assert tracker.get("/readyz").json() == {"status": "ok"}
        assert metric(tracker, "bus_connected") == 1
        server.kill()
        until_sync(lambda: tracker.get("/readyz").json() == {"status": "ok", "bus": "away"}, "it says so")
        place = {"vehicle": "van-1", "time": "2026-11-27T10:00:00Z", "lat": 60, "lon": 25}
        answer = tracker.request("POST", "/api/v1/positions", json.dumps(place), {"content-type": "application/json"})
        assert (answer.status, answer.json()["accepted"]) == (200, 1)
        assert tracker.get("/api/v1/vehicles/van-1").status == 200
        assert (metric(tracker, "bus_connected"), metric(tracker, "bus_unsent_total")) == (0, 1)
        server.start()
        until_sync(lambda: tracker.get("/readyz").json() == {"status": "ok"}, "it hears again")
    finally:
        assert tracker.stop() == 0
    said = tracker.log.read_text()
    assert said.count("NATS is away (") == 1
    assert said.count("NATS is back") == 1
    assert said.count("there is a bus and a folder: ") == 1


def test_the_doctor_names_each_server_that_is_of_no_use(server: nats.Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tracker.buses.nats_doctor.BEATS_S", 0)
    dead = f"127.0.0.1:{free_port()}"
    found = examine_bus(f"{server.url},{dead}/depot")
    assert [(what, is_fault) for what, is_fault, _ in found] == [("bus", False), ("bus", True)]
    assert "speaks NATS 2." in found[0][2] and "0 nodes are heard as 'depot'" in found[0][2]
    assert dead in found[1][2] and "Connect call failed" in found[1][2]


def test_the_doctor_knows_who_may_not_speak(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tracker.buses.nats_doctor.HEAR_S", 0.2)
    rights = 'permissions: { publish: "other.>", subscribe: ">" }'
    with nats.server(f"authorization {{ users: [{{ user: eve, password: p, {rights} }}] }}") as server:
        ((_, is_fault, detail),) = examine_bus(server.url.replace("//", "//eve:p@"))
    assert is_fault and "permissions violation for publish to" in detail.lower()
    assert "eve" not in detail.partition(":")[0]


def test_without_its_extra_the_bus_is_no_bus(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "nats" or name.startswith("tracker.buses.nats")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delattr("tracker.buses.nats")
    monkeypatch.setitem(sys.modules, "nats.aio.client", None)
    with pytest.raises(SettingsError, match=r"needs the extra `nats`: pip install 'live-map-tracker\[nats\]'"):
        open_bus("nats://127.0.0.1")
