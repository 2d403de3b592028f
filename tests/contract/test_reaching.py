"""How a database is reached, and what a doctor says where it is not, or where not all is as it has to be."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest

from tests.support.certificates import Authority
from tests.support.databases import Cluster
from tests.support.waiting import free_port, until
from tracker.commands import doctor as commands
from tracker.config import Settings, SettingsError
from tracker.errors import StoreLocked, StoreUnusable
from tracker.stores import examine_store, open_store
from tracker.stores.postgres import doctor
from tracker.stores.postgres.shared import SharedStore
from tracker.stores.postgres.store import PostgresStore, connect
from tracker.stores.postgres.url import place_of


async def faults(url: str) -> list[tuple[str, str]]:
    """(what, what is said of it) of all that is not as it has to be."""
    return [(name, detail) for name, fault, detail in await asyncio.to_thread(examine_store, url) if fault]


async def run(cluster: Cluster, *statements: str) -> None:
    owner = await asyncpg.connect(cluster.url("").partition("?")[0])
    try:
        for statement in statements:
            await owner.execute(statement)
    finally:
        await owner.close()


async def role(cluster: Cluster, name: str) -> str:
    """A role with the password `right` that may do what everybody may; the beginning of its URLs."""
    await run(cluster, f"DROP ROLE IF EXISTS {name}", f"CREATE ROLE {name} LOGIN PASSWORD 'right'")
    return f"postgresql://{name}:right@127.0.0.1:{cluster.port}"


@pytest.fixture
async def url(url_of: Callable[[str], str]) -> str:
    """Of a store that there is."""
    url = url_of("postgresql")
    store = open_store(url)
    await store.open()
    await store.close()
    return url


async def test_where_all_is_well_no_fault_is_told(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    told = {name for name, _ in await faults(url)}
    assert told == {"fsync", "full_page_writes"}, "the tests' own database is a hasty one"
    monkeypatch.setattr(doctor, "READERS", 10_000)
    ((_, detail),) = [one for one in await faults(url) if one[0] not in told]
    assert "set max_locks_per_transaction there to" in detail


async def test_a_password_that_is_wrong_is_called_so(database: Cluster) -> None:
    there = (await role(database, "guarded")).replace(":right@", ":wrong@")
    ((_, detail),) = await faults(f"{there}/postgres")
    assert "does not take this password" in detail and "wrong@" not in detail


async def test_a_database_that_is_not_there_and_a_server_that_is_not_are_told_apart(database: Cluster) -> None:
    here = f"postgresql://owner@127.0.0.1:{database.port}"
    ((_, detail),) = await faults(f"{here}/nowhere")
    assert "is in no database" in detail
    ((_, detail),) = await faults(f"postgresql://owner@127.0.0.1:{free_port()}/postgres")
    assert "cannot be reached" in detail and "Is PostgreSQL running there" in detail


@pytest.mark.parametrize("url", ["postgresql://eve:p/s3cret@db/fleet", "postgresql://eve:12/s3cret@db/fleet"])
def test_a_password_that_is_not_encoded_is_asked_for_and_not_told(url: str) -> None:
    with pytest.raises(SettingsError, match=r"in a password / is written %2F") as told:
        place_of(url)
    assert "s3cret" not in str(told.value) and "eve:***@db/fleet" in str(told.value)
    assert place_of("postgresql://eve:p%2Fs@one:5432,[::1]:5433,two/fleet").schema == "tracker"


async def test_a_right_that_is_missing_is_named(url: str, database: Cluster) -> None:
    there = await role(database, "stranger")
    await run(database, "REVOKE CREATE ON DATABASE postgres FROM PUBLIC")
    ((_, detail),) = await faults(f"{there}/postgres?schema=new")
    assert "this user may not make it" in detail
    schema = place_of(url).quoted
    ((_, detail),) = await faults(f"{there}/postgres?schema={place_of(url).schema}")
    assert "permission denied" in detail or "may not" in detail
    await run(database, f"GRANT USAGE ON SCHEMA {schema} TO stranger", f"GRANT SELECT ON {schema}.lease TO stranger")
    ((_, detail),) = await faults(f"{there}/postgres?schema={place_of(url).schema}")
    assert "belongs to another user" in detail
    await run(database, "DROP OWNED BY stranger", "DROP ROLE stranger")


async def test_a_newer_schema_is_called_so(url: str) -> None:
    connection = await connect(place_of(url))
    await connection.execute("UPDATE lease SET version = version + 1")
    await connection.close()
    ((_, detail),) = await faults(url)
    assert "was written by a newer tracker" in detail and "install that one" in detail


async def test_nodes_that_share_it_are_counted_and_who_has_not_their_bus_is_told(url: str) -> None:
    node, alone = SharedStore(url, "eve", 64), open_store(url)
    await node.open()
    await node.lease_round(60_000, takes=[(part, 0) for part in range(60)])
    with pytest.raises(StoreLocked, match=r"To be one of them this server needs their --bus"):
        await alone.open()
    await alone.close()
    found = {name: detail for name, _, detail in await asyncio.to_thread(examine_store, url)}
    assert found["nodes"] == "1 live, who have 60 of 64 parts of the fleet"
    await node.close()
    settings = Settings(store=url, port=free_port())
    told = await asyncio.to_thread(lambda: list(commands.examine(settings)))
    assert [detail for name, fault, detail in told if (name, fault) == ("bus", True)] == [
        "nodes share the store, and who has not their bus is none: set TRACKER_BUS, or `bus`"
    ]


async def test_a_newer_schema_is_refused_by_an_older_node(url: str) -> None:
    connection = await connect(place_of(url))
    await connection.execute("UPDATE lease SET version = version + 1")
    await connection.close()
    old = SharedStore(url, "old", 64)
    with pytest.raises(StoreUnusable, match=r"was written by a newer tracker .* install that") as refused:
        await old.open()
    await old.close()
    assert refused.value.code == "store_newer"


@pytest.mark.parametrize("named", ["", "&sslrootcert=/no.pem"])
async def test_an_authority_that_is_nowhere_is_asked_for_in_one_line(
    database: Cluster, named: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    ((_, detail),) = await faults(f"postgresql://owner@127.0.0.1:{database.port}/postgres?sslmode=verify-full{named}")
    assert "sslrootcert= names the file" in detail and "\n" not in detail


async def test_a_parameter_that_nobody_knows_is_named(database: Cluster) -> None:
    here = f"postgresql://owner@127.0.0.1:{database.port}/postgres"
    ((_, detail),) = await faults(f"{here}?sslmod=require")
    assert "look at how the parameters of the URL are written" in detail and '"sslmod"' in detail
    ((_, detail),) = await faults(f"{here}?sslmode=bogus")
    assert "as its URL says" in detail and "verify-full" in detail and "sslrootcert" not in detail


async def test_where_there_is_nothing_yet_no_fault_is_told_and_nothing_is_asked_for(
    url_of: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(store=url_of("postgresql"), port=free_port())
    told = {name: detail for name, _, detail in await asyncio.to_thread(lambda: list(commands.examine(settings)))}
    assert told["store"].endswith(": nothing yet") and told["kept"] == "nothing yet"
    assert "NTP" not in told["clocks"]
    monkeypatch.setattr(doctor, "APART_S", -1.0)
    ((_, detail),) = [one for one in await faults(settings.store) if one[0] == "clocks"]
    assert "have both set from the network (NTP)" in detail


async def test_what_is_said_to_a_database_is_sealed_where_that_is_asked_for(database: Cluster, tmp_path: Path) -> None:
    authority, other = Authority(tmp_path / "ours"), Authority(tmp_path / "other")
    there = await role(database, "secured")
    sealed = f"{there}/postgres?sslmode=verify-full&sslrootcert="

    async def talks() -> bool:
        return not any("speak TLS" in detail for _, detail in await faults(sealed + str(authority.file)))

    ((_, detail),) = await faults(f"{there}/postgres?sslmode=require")
    assert "does not speak TLS, which its URL asks for: set `ssl` to on there" in detail

    with database.speaking_tls(*authority.issue("127.0.0.1")):
        await until(talks, "it has read its certificate")
        connection = await connect(place_of(sealed + str(authority.file)))
        assert await connection.fetchval("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()") is True
        await connection.close()
        ((_, detail),) = await faults(sealed + str(other.file))
        assert "certificate" in detail and "is not trusted" in detail
        ((_, detail),) = await faults(f"{there}/postgres?sslmode=disable")
        assert "whether it wants TLS" in detail


async def test_what_holds_others_up_ends_by_itself(url: str) -> None:
    store = PostgresStore(url)
    await store.open()
    names = ("statement_timeout", "idle_in_transaction_session_timeout")
    sql = "SELECT count(*) FROM pg_settings WHERE name = ANY($1) AND setting::int BETWEEN 1 AND 60000"
    assert await store._read(lambda connection: connection.fetchval(sql, names)) == 2
    async with store._writing() as connection:
        assert await connection.fetchval(sql, names) == 2
    await store.close()
