"""Three machines as docs/scale.md brings them up: by its own script, with Debian's PostgreSQL, NATS and Caddy."""

from __future__ import annotations

import asyncio
import http.client
import re
import shutil
import socket
import ssl
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.support.machines import Machine, machines
from tests.support.sending import DEPOT, check_all_is_there_once, driving, until_more
from tests.support.servers import Answer, Server
from tests.support.waiting import deadline, until, until_sync
from tracker import __version__
from tracker.client import Live

ADDRESSES = ("10.0.0.1", "10.0.0.2", "10.0.0.3")
SET = {"MAP": ADDRESSES[0], "NODES": " ".join(ADDRESSES), "PASSWORD": "b0a7c5"}
AUTHORITY = "/var/lib/caddy/.local/share/caddy/pki/authorities/local/root.crt"
PACKAGES = {"pg_createcluster": "postgresql", "nats-server": "nats-server", "caddy": "caddy"}
#: as its package leaves it behind
CLUSTER = """
rm -rf /etc/postgresql/* /var/lib/postgresql/*
pg_createcluster $VERSION main -- --no-sync > /dev/null
pg_ctlcluster --skip-systemctl-redirect $VERSION main start
"""
VANS = 4
OLDER = "0.0.9"  #: no release before this one knows of nodes: this very program, under that name


class Door(Server):
    """Where the map is reached: a node, or with `tls` the proxy before them. Who asks shows a token."""

    def __init__(self, address: str, port: int, tls: ssl.SSLContext | None = None) -> None:
        self.address, self.port, self.tls = address, port, tls
        self.device = self.person = ""

    @property
    def url(self) -> str:
        return f"https://{self.address}" if self.tls else f"http://{self.address}:{self.port}"

    def request(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Answer:
        token = self.device if path == "/api/v1/positions" else self.person
        told = {"authorization": f"Bearer {token}"} if token else {}
        connection = http.client.HTTPConnection(self.address, self.port)
        connection.sock = socket.create_connection((self.address, self.port), deadline(20))
        try:
            if self.tls:
                connection.sock = self.tls.wrap_socket(connection.sock, server_hostname=self.address)
            connection.request(method, path, body, told | (headers or {}))
            answer = connection.getresponse()
            if answer.status == 502:
                raise ConnectionResetError("the proxy lost the node that it had asked")
            return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def version(self) -> str:
        """Empty: it is not ready."""
        with suppress(OSError):
            if self.get("/readyz").status == 200:
                return str(self.get("/healthz").json()["version"])
        return ""


class Site(NamedTuple):
    machines: list[Machine]
    nodes: list[Door]
    map: Door  # through the proxy


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    for program, package in PACKAGES.items():
        if not shutil.which(program, path="/usr/bin:/usr/sbin"):
            pytest.skip(f"no {program}: sudo apt-get install {package}")
    folder = tmp_path_factory.mktemp("machines")
    version = max(path.name for path in Path("/usr/lib/postgresql").iterdir())
    with machines(folder, *ADDRESSES) as three:
        three[0].do(CLUSTER, VERSION=version)
        for one in three[1:]:
            one.install(OLDER)
        said = [one.do(f"sh packaging/scale.sh {one.address}", **SET) for one in three]
        assert re.fullmatch(r"/signin#trk_\S+\n", said[0]) and said[1:] == ["", ""]
        nodes = [Door(address, 8000) for address in ADDRESSES]
        for node, machine, its in zip(nodes, three, (__version__, OLDER, OLDER), strict=True):
            until_up(node, machine, its)
        authority = three[0].do(f"cat {AUTHORITY}")
        proxy = Door(ADDRESSES[0], 443, ssl.create_default_context(cadata=authority))
        device = three[0].do(
            "/opt/tracker/bin/tracker token create --name vans --vehicle 'van-*' --data /var/lib/tracker"
        )
        person = three[0].do("/opt/tracker/bin/tracker token create --name us --user admin --data /var/lib/tracker")
        for door in (*nodes, proxy):
            door.device, door.person = device.strip(), person.strip()
        until_sync(proxy.version, "the proxy found a node")
        yield Site(three, nodes, proxy)


def until_up(node: Door, machine: Machine, version: str) -> None:
    try:
        until_sync(lambda: node.version() == version, f"{node.url} is ready", 40)
    except AssertionError as fault:
        raise AssertionError(machine.do("cat /var/log/tracker.log")) from fault


def test_a_doctor_finds_three_nodes_and_no_fault(site: Site) -> None:
    command = "set -a; . /etc/default/tracker; /opt/tracker/bin/tracker doctor --data /var/lib/tracker"

    def finds_three() -> bool:  # on a machine that is busy a node may be late for its lease
        said = site.machines[1].do(command)
        return "3 live, who have 64 of 64 parts of the fleet" in said and "3 nodes are heard as 'tracker'" in said

    until_sync(finds_three, "all are there", 40)


async def test_the_map_stays_while_one_node_after_the_other_is_upgraded(site: Site) -> None:
    """What was acknowledged is there, at each of them, and who watches was told each event once."""
    vans = "".join(f"van-{number}\\n" for number in range(VANS))
    site.machines[0].do(
        f"printf 'vehicle\\n{vans}' > /opt/vans.csv; "
        f"/opt/tracker/bin/tracker vehicles import /opt/vans.csv --to {site.nodes[0].url} --token {site.map.person}"
    )
    assert site.map.send("PUT", "/api/v1/regions/depot", DEPOT).status == 201
    seen: list[int] = []
    watching = asyncio.create_task(watch(site.map, seen))
    try:
        told = await asyncio.to_thread(upgrade_under_load, site)
        await until(lambda: len(seen) >= told or watching.done(), "all was told")
        assert seen == list(range(1, told + 1))
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


async def watch(door: Door, seen: list[int]) -> None:
    async with Live(door.url, tls=door.tls, token=door.person, all=True) as live:
        async for update in live:
            seen.extend(event["seq"] for event in update.events)


def upgrade_under_load(site: Site) -> int:
    """How many events there were."""
    with driving(site.map, VANS) as senders:
        until_more(senders, 100)
        for node, machine in zip(site.nodes, site.machines, strict=True):
            machine.install()
            machine.do("systemctl restart tracker")
            until_up(node, machine, __version__)
            until_more(senders, 50)
    assert [sender.refused for sender in senders] == [[]] * VANS
    (told,) = {check_all_is_there_once(node, senders) for node in site.nodes}
    return told
