"""What would keep a tracker from running well on this database: looked at from beside, nothing is changed."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from tracker.stores import Finding
from tracker.stores.postgres.faults import meaning
from tracker.stores.postgres.schema import MIGRATIONS, version_of
from tracker.stores.postgres.store import READERS, connect
from tracker.stores.postgres.url import Place, place_of

if TYPE_CHECKING:
    from asyncpg import Connection

OLDEST = 130000  #: of the servers that have what numbering needs (transaction ids of 64 bits)
APART_S = 2.0  #: clocks that differ by more are told
LOCKS = 3  #: that a question holds of each day it may be about: its table and two indexes
MAY = "SELECT has_schema_privilege($1, 'CREATE') AND has_table_privilege('lease', 'UPDATE')"
SHARES = """
    WITH living AS (SELECT node FROM nodes WHERE until > clock_timestamp())
    SELECT partitions, (SELECT count(*) FROM living),
        (SELECT count(*) FROM leases WHERE owner IN (SELECT node FROM living)) FROM lease"""
LAG_S = 5.0  #: since when an event waits for its number, to be a fault


async def examine(url: str) -> list[Finding]:
    place = place_of(url)
    try:
        connection = await connect(place)
    except Exception as error:
        return [Finding("store", True, meaning(error, place).detail)]
    try:
        return [finding async for finding in _findings(connection, place)]
    except Exception as error:
        return [Finding("store", True, meaning(error, place).detail)]
    finally:
        await connection.close()


async def _findings(connection: Connection, place: Place) -> AsyncIterator[Finding]:
    number, version = await connection.fetchrow(
        "SELECT current_setting('server_version_num')::int, current_setting('server_version')"
    )
    if number < OLDEST:
        yield Finding("store", True, f"PostgreSQL {version} is too old: 13 or newer is needed")
        return
    found = await version_of(connection, place)
    if found is None:
        may = await connection.fetchval("SELECT has_database_privilege(current_database(), 'CREATE')")
        if not may:
            yield Finding(
                "store", True, f"{place} does not exist and this user may not make it: docs/postgres.md has the script"
            )
            return
    if found is not None and found > len(MIGRATIONS):
        yield Finding("store", True, f"{place} was written by a newer tracker (schema {found}): install that one")
        return
    if found is not None and not await connection.fetchval(MAY, place.schema):
        yield Finding("store", True, f"{place} belongs to another user: this one may not write there")
        return
    told = "nothing yet" if found is None else f"schema {found}"
    yield Finding("store", False, f"{place}, PostgreSQL {version}: {told}")
    for name in ("fsync", "full_page_writes"):
        value = await connection.fetchval("SELECT current_setting($1)", name)
        if value == "off":
            yield Finding(
                name, True, f"`{name}` is off there: a power cut would lose what was acknowledged; turn it on"
            )
    theirs = await connection.fetchval("SELECT extract(epoch FROM clock_timestamp())::float8")
    apart = abs(theirs - time.time())
    remedy = "; have both set from the network (NTP)" if apart > APART_S else ""
    yield Finding("clocks", bool(remedy), f"the clocks there and here are {apart:.1f} s apart{remedy}")
    if found:
        parts, nodes, owned = await connection.fetchrow(SHARES)
        if parts:
            yield Finding("nodes", False, f"{nodes} live, who have {owned} of {parts} parts of the fleet")
        yield await _numbers(connection)
        yield await _locks(connection)


async def _numbers(connection: Connection) -> Finding:
    waiting = await connection.fetchval("SELECT count(*) FROM events WHERE seq IS NULL")
    row = await connection.fetchrow(
        """SELECT pid, extract(epoch FROM now() - xact_start)::float8 AS age, left(query, 60) AS query
            FROM pg_stat_activity WHERE backend_xid IS NOT NULL AND pid <> pg_backend_pid()
            ORDER BY xact_start LIMIT 1"""
    )
    if waiting and row is not None and row["age"] > LAG_S:
        return Finding(
            "numbers", True,
            f"{waiting:,} events wait for their number because a transaction has been running for {row['age']:.0f} s "
            f"(pid {row['pid']}: {row['query']}): end it, SELECT pg_terminate_backend({row['pid']})",
        )  # fmt: skip
    return Finding("numbers", False, f"{waiting:,} events wait for their number")


async def _locks(connection: Connection) -> Finding:
    """Of all days there may be a question; where the locks do not suffice nothing else works either."""
    days, each, users = await connection.fetchrow(
        """SELECT (SELECT count(*) FROM pg_inherits WHERE inhparent = 'segments'::regclass),
            current_setting('max_locks_per_transaction')::int,
            current_setting('max_connections')::int + current_setting('max_prepared_transactions')::int"""
    )
    need = LOCKS * days * (READERS + 1)
    told = f"{days:,} tables of days need {need:,} locks of {each * users:,}"
    if need <= each * users:
        return Finding("locks", False, told)
    return Finding("locks", True, f"{told}: set max_locks_per_transaction there to {-(-need // users)} or more")
