"""What is taken away is gone from everything that is open, and others' connections stay as they are."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.support.house import GOOD, House
from tests.support.servers import now
from tests.support.waiting import deadline

V1 = "/api/v1"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    made = House(Path(tmp_path_factory.mktemp("house")) / "data")
    made.start()
    try:
        yield made.furnish()
    finally:
        made.kill()


class Wire:
    """A request written by hand, and what has come of its answer."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer, self.told = reader, writer, b""

    async def hears(self, word: bytes) -> None:
        async with asyncio.timeout(deadline(10)):
            while word not in self.told:
                more = await self.reader.read(65536)
                assert more, f"{word!r} never came: {self.told!r}"
                self.told += more


@asynccontextmanager
async def request(house: House, line: str, credential: str, body: bytes = b"") -> AsyncIterator[Wire]:
    reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
    chunked = "Transfer-Encoding: chunked\r\nContent-Type: application/x-ndjson\r\n" if body else ""
    writer.write(f"{line} HTTP/1.1\r\nHost: 127.0.0.1:{house.port}\r\n{credential}\r\n{chunked}\r\n".encode())
    if body:
        writer.write(b"%x\r\n%b\r\n" % (len(body), body))
    try:
        yield Wire(reader, writer)
    finally:
        writer.close()


async def closed(socket: ClientConnection) -> int | None:
    """The code with which it ends, whatever it says before."""
    async with asyncio.timeout(deadline(10)):
        try:
            while True:
                await socket.recv()
        except ConnectionClosed as end:
            return end.rcvd.code if end.rcvd else None


async def hears(socket: ClientConnection, word: str) -> None:
    async with asyncio.timeout(deadline(10)):
        while word not in str(await socket.recv()):
            pass


async def answers(socket: ClientConnection) -> None:
    try:
        await socket.send('{"op":"ping","t":7}')
        await hears(socket, '"t":7')
    except ConnectionClosed as end:
        pytest.fail(f"it was closed as well: {end}")


@pytest.mark.parametrize("how", ["disabled", "everywhere", "password", "removed", "groups"])
async def test_a_person_is_gone_from_sockets_streams_and_polls(house: House, how: str) -> None:
    name = f"person-{how}"
    house.person(name, "dispatcher", "north")
    cookie = house.sign_in({"name": name, "password": GOOD})
    credential, more = f"Cookie: {cookie}", {"additional_headers": {"Cookie": cookie}}
    cursor = house.get(f"{V1}/changes?all=true", cookie=cookie).json()["cursor"]
    async with AsyncExitStack() as stack:
        socket = await stack.enter_async_context(connect(f"{house.ws}{V1}/live", **more))  # type: ignore[arg-type]
        others = await stack.enter_async_context(
            connect(f"{house.ws}{V1}/live", additional_headers={"Cookie": house.cookie})
        )
        await socket.send('{"op":"follow","all":true}')
        await hears(socket, "v-here")
        stream = await stack.enter_async_context(request(house, f"GET {V1}/stream?all=true", credential))
        await stream.hears(b"v-here")
        poll = await stack.enter_async_context(
            request(house, f"GET {V1}/changes?all=true&since={cursor}&wait=25", credential)
        )
        await stream.hears(b"snapshot")
        gone: dict[str, Any] = {"disabled": {"disabled": True}, "groups": {"role": "viewer", "groups": []}}
        if how == "removed":
            house.do("DELETE", f"{V1}/users/{name}", None)
        elif how == "everywhere":
            again = house.sign_in({"name": name, "password": GOOD})
            house.send("DELETE", f"{V1}/session?everywhere=true", None, cookie=again)
        elif how == "password":
            house.do("PATCH", f"{V1}/users/{name}", {"password": "five lighthouses north"})
        else:
            house.do("PATCH", f"{V1}/users/{name}", gone[how])
        if how == "groups":  # nothing is left to be seen, but nobody was signed out
            await hears(socket, '"revoked"')
            await stream.hears(b'"revoked"')
            await poll.hears(b"HTTP/1.1 404")
        else:
            assert await closed(socket) == 4502
            await stream.hears(b"\r\n0\r\n\r\n")
            await poll.hears(b"HTTP/1.1 401")
        await answers(others)


async def test_one_session_that_is_ended_is_gone_and_the_others_of_the_same_person_stay(house: House) -> None:
    house.person("dora", "viewer", "north")
    ended, kept = [house.sign_in({"name": "dora", "password": GOOD}) for _ in range(2)]
    sessions = house.get(f"{V1}/session", cookie=ended).json()["sessions"]
    [id] = [one["id"] for one in sessions if one["current"]]
    async with AsyncExitStack() as stack:
        opened = {}
        for cookie in (ended, kept):
            headers, credential = {"Cookie": cookie}, f"Cookie: {cookie}"
            cursor = house.get(f"{V1}/changes?all=true", cookie=cookie).json()["cursor"]
            socket = await stack.enter_async_context(connect(f"{house.ws}{V1}/live", additional_headers=headers))
            await socket.send('{"op":"follow","all":true}')
            await hears(socket, "v-here")
            stream = await stack.enter_async_context(request(house, f"GET {V1}/stream?all=true", credential))
            await stream.hears(b"v-here")
            poll = await stack.enter_async_context(
                request(house, f"GET {V1}/changes?all=true&since={cursor}&wait=25", credential)
            )
            opened[cookie] = socket, stream, poll
        # as the list of sessions does it, from the other browser
        assert house.send("DELETE", f"{V1}/session?id={id}", None, cookie=kept).status == 204
        socket, stream, poll = opened[ended]
        assert await closed(socket) == 4502
        await stream.hears(b"\r\n0\r\n\r\n")
        await poll.hears(b"HTTP/1.1 401")
        assert house.get(f"{V1}/vehicles", cookie=ended).status == 401
        socket, stream, poll = opened[kept]
        await answers(socket)
        house.do("POST", f"{V1}/positions", [{"vehicle": "v-here", "time": now(), "lat": 60, "lon": 25.0004}])
        await stream.hears(b'"moved"')
        await poll.hears(b'"moved"')
        assert b"HTTP/1.1 200" in poll.told


async def test_a_region_that_changes_its_group_is_gone_and_its_vehicles_are(house: House) -> None:
    house.person("cleo", "viewer", "north")
    cookie = house.sign_in({"name": "cleo", "password": GOOD})
    async with connect(f"{house.ws}{V1}/live", additional_headers={"Cookie": cookie}) as socket:
        await socket.send('{"op":"follow","all":true}')
        await hears(socket, "v-here")
        house.do("PATCH", f"{V1}/regions/here", {"properties": {"group": "quarries"}})
        await hears(socket, '"revoked"')
        house.do("PATCH", f"{V1}/regions/here", {"properties": {"group": "yards"}})
        await hears(socket, "v-here")


@pytest.mark.parametrize("how", ["revoked", "replaced"])
async def test_a_sender_is_shown_out_though_it_says_nothing(house: House, how: str) -> None:
    made = house.do("POST", f"{V1}/tokens", {"vehicles": ["van-*"]}).json()
    credential = f"Authorization: Bearer {made['token']}"
    item = json.dumps({"vehicle": "van-1", "time": now(), "lat": 60, "lon": 25})
    async with AsyncExitStack() as stack:
        headers = {"Authorization": f"Bearer {made['token']}"}
        socket = await stack.enter_async_context(connect(f"{house.ws}{V1}/positions", additional_headers=headers))
        await socket.send(item)
        await hears(socket, '"upto":1')
        upload = await stack.enter_async_context(
            request(house, f"POST {V1}/positions", credential, item.encode() + b"\n")
        )
        await asyncio.to_thread(house.get, "/healthz")
        if how == "revoked":
            house.do("DELETE", f"{V1}/tokens/{made['id']}", None)
        else:
            house.do("POST", f"{V1}/tokens/{made['id']}/rotate", {"overlap_s": 0.2})
        assert await closed(socket) == 4502
        await upload.hears(b"HTTP/1.1 401")
