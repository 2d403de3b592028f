"""A server on PostgreSQL: what is acknowledged is there once, whatever becomes of either of them."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tests.integration.test_cli import tracker
from tests.support import databases
from tests.support.sending import DEPOT, check_all_is_there_once, driving, track, until_more
from tests.support.servers import ROOT, Server
from tests.support.waiting import until_sync
from tracker.model.commit import Commit, SavedVehicle, StoredPing
from tracker.model.ping import Ping
from tracker.stores import Store, open_store
from tracker.stores.postgres.doctor import examine
from tracker.stores.postgres.store import connect
from tracker.stores.postgres.url import place_of

#: nothing is synced but what asks for it
SETTINGS = ("shared_buffers = 32MB", "synchronous_commit = off", "wal_writer_delay = 10s")
SCRIPT = ROOT / "packaging/postgres.sql"


@pytest.fixture(scope="module")
def cluster() -> Iterator[databases.Cluster]:
    with databases.cluster(SETTINGS) as cluster:
        yield cluster


@pytest.fixture
def schema(request: pytest.FixtureRequest) -> str:
    return f"t{abs(hash(request.node.name)):x}"[:30]


@pytest.fixture
def server(start_server: Callable[..., Server], cluster: databases.Cluster, schema: str) -> Server:
    return start_server(store=cluster.url(schema))


def in_database(url: str, sql: str, *values: Any) -> list[tuple[Any, ...]]:
    async def ask() -> list[tuple[Any, ...]]:
        connection = await connect(place_of(url))
        try:
            return [tuple(row) for row in await connection.fetch(sql, *values)]
        finally:
            await connection.close()

    return asyncio.run(ask())


def end_backends(cluster: databases.Cluster) -> None:
    """Cut every connection of a server."""
    others = "application_name = 'tracker' AND pid <> pg_backend_pid()"
    in_database(cluster.url("public"), f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}")


@pytest.mark.timeout(170)
def test_nothing_acknowledged_is_lost_or_doubled_whatever_is_killed(server: Server, cluster: databases.Cluster) -> None:
    assert server.send("PUT", "/api/v1/regions/depot", DEPOT).status == 201

    def kill_server() -> None:
        server.kill()
        server.start()

    def restart(mode: str) -> None:
        cluster.stop(mode)
        cluster.start()

    with driving(server, 4) as senders:
        for fault in (
            kill_server,
            lambda: end_backends(cluster),
            lambda: restart("immediate"),
            lambda: restart("fast"),
        ):
            until_more(senders, 150)
            fault()
        until_more(senders, 50)
    assert [sender.refused for sender in senders] == [[], [], [], []]
    assert check_all_is_there_once(server, senders) > 10


def test_what_is_acknowledged_is_on_the_disk_also_where_the_database_does_not_sync_by_itself(
    server: Server, cluster: databases.Cluster
) -> None:
    assert server.ping("van-1", 60.0, 25.0).status == 200
    cluster.stop("immediate")
    cluster.start()
    server.stop()
    server.start()
    assert server.get("/api/v1/vehicles/van-1").status == 200


def test_a_second_server_is_refused_and_one_whose_place_was_taken_says_no_more_that_it_stored(
    server: Server, cluster: databases.Cluster, start_server: Callable[..., Server]
) -> None:
    """Paused, and cut off: another one begins. Then it wakes up, and its commit is refused by its epoch."""
    assert server.ping("van-1").status == 200
    with pytest.raises(AssertionError, match=r"Another server uses schema .* Stop it first"):
        start_server(store=server.settings["store"])
    os.kill(server.pid, signal.SIGSTOP)
    end_backends(cluster)
    other = start_server(store=server.settings["store"])
    assert other.ping("van-2").status == 200
    os.kill(server.pid, signal.SIGCONT)
    answers = [server.ping("van-3").status for _ in range(3)]
    assert set(answers) == {503}
    assert other.get("/api/v1/vehicles/van-3").status == 404
    assert other.ping("van-2").status == 200


def test_a_transaction_that_lasts_holds_numbers_back_and_loses_none(server: Server) -> None:
    """It may write an event of its own that comes before: nobody is told before that is known."""
    assert server.send("PUT", "/api/v1/regions/depot", DEPOT).status == 201

    def lag() -> float:
        told = server.get("/metrics").body.decode()
        return float(told.partition("\ntracker_store_numbering_seconds ")[2].split()[0])

    assert lag() == 0

    async def stay() -> None:
        connection = await connect(place_of(str(server.settings["store"])))
        try:
            async with connection.transaction():
                await connection.execute("SELECT pg_current_xact_id()")
                answer = await asyncio.to_thread(server.ping, "van-1", 60.0, 25.0)
                assert answer.status == 200, "it is durable"
                assert await asyncio.to_thread(server.events, after=0) == []
                assert await asyncio.to_thread(until_sync, lag, "the metrics say so") > 0
        finally:
            await connection.close()

    asyncio.run(stay())
    (event,) = until_sync(lambda: server.events(after=0), "its number came")
    assert (event["seq"], event["kind"]) == (1, "enter")
    until_sync(lambda: lag() == 0, "nothing waits")
    kept = server.get("/api/v1/store").json()
    assert kept["file_bytes"] > 100_000 and kept["free_bytes"] is None


def test_a_role_that_may_do_no_more_than_the_script_says_is_enough(
    cluster: databases.Cluster, start_server: Callable[..., Server]
) -> None:
    superuser = cluster.url("public").partition("?")[0]
    cluster.run_as_us("psql", superuser, "-v", "ON_ERROR_STOP=1", "-v", "password='s3cret'", "-f", str(SCRIPT))
    quoted = (ROOT / "docs/postgres.md").read_text()
    assert [line for line in SCRIPT.read_text().splitlines() if line[:1].isupper() and line not in quoted] == []
    url = f"postgresql://tracker:s3cret@127.0.0.1:{cluster.port}/tracker"
    server = start_server(store=url)
    assert server.send("PUT", "/api/v1/regions/depot", DEPOT).status == 201
    assert server.ping("van-1", 60.0, 25.0).status == 200
    assert until_sync(lambda: server.events(after=0), "its number came")[0]["kind"] == "enter"
    assert [detail for _, fault, detail in asyncio.run(examine(url)) if fault] == []
    rights = "SELECT rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls FROM pg_roles"
    assert in_database(url, f"{rights} WHERE rolname = current_user") == [(False,)]
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        in_database(url, "CREATE TABLE public.mine(n int)")
    in_database(url, "GRANT USAGE ON SCHEMA tracker TO tracker_reader")
    in_database(url, "GRANT SELECT ON tracker.pings, tracker.boxes, tracker.vehicles TO tracker_reader")
    reader = f"postgresql://tracker_reader@127.0.0.1:{cluster.port}/tracker"
    assert in_database(reader, "SELECT vehicle FROM pings") == [("van-1",)]
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        in_database(reader, "SELECT body FROM log")


def test_a_folder_goes_there_and_back_by_the_command(cluster: databases.Cluster, schema: str, tmp_path: Path) -> None:
    with closing_store(str(tmp_path / "data")) as (run, store):
        van = StoredPing(1, Ping("van-1", 1_790_000_000_000, 60.0, 25.0), 1_790_000_000_000)
        run(store.commit(Commit(pings=[van], vehicles=[SavedVehicle(1, "van-1", b"state")])))
    url = cluster.url(schema).replace("owner@", "owner:s3cret@")
    there = tracker("store", "copy", str(tmp_path / "data"), url)
    assert there.returncode == 0, there.stderr
    assert "owner:***@" in there.stdout and "s3cret" not in there.stdout
    twice = tracker("store", "copy", str(tmp_path / "data"), url)
    assert twice.returncode == 1 and "There is data in" in twice.stderr and "s3cret" not in twice.stderr
    back = tracker("store", "copy", url, str(tmp_path / "back"))
    assert back.returncode == 0, back.stderr
    with closing_store(str(tmp_path / "back")) as (run, store):
        assert run(store.track(1, 0, 1 << 60, None, 10)) == [van]


@contextmanager
def closing_store(url: str) -> Iterator[tuple[Callable[[Coroutine[Any, Any, Any]], Any], Store]]:
    with asyncio.Runner() as runner:
        store = open_store(url)
        runner.run(store.open())
        yield runner.run, store
        runner.run(store.close())


def test_what_pg_dump_wrote_is_whole_again_elsewhere(
    server: Server, cluster: databases.Cluster, schema: str, start_server: Callable[..., Server], tmp_path: Path
) -> None:
    assert server.send("PUT", "/api/v1/regions/depot", DEPOT).status == 201
    assert server.ping("van-1", 60.0, 25.0).status == 200
    events = until_sync(lambda: server.events(after=0), "its number came")
    fixes = track(server, "van-1")
    # durable, and its number still to come: of a transaction whose number is far from being given where it is put
    in_database(cluster.url(schema), "UPDATE events SET seq = NULL, xid = '99999999999'")
    superuser = cluster.url("public").partition("?")[0]
    cluster.run_as_us("pg_dump", superuser, "--schema", schema, "--format=custom", f"--file={tmp_path}/dump")
    server.stop()
    in_database(superuser, f"DROP SCHEMA {schema} CASCADE")
    cluster.run_as_us("pg_restore", f"--dbname={superuser}", f"{tmp_path}/dump")
    again = start_server(store=cluster.url(schema))
    assert until_sync(lambda: again.events(after=0), "its number came") == events
    assert track(again, "van-1") == fixes
