"""Notes: what PostgreSQL itself writes down of each commit under torture, by a trigger that the program knows nothing of.

As a commit ends, its leases still held: who is connected, and what the lease of each partition is of which it stores
pings or events.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import asyncpg

from tests.support.waiting import until
from tests.torture.checks.owned import Held

if TYPE_CHECKING:
    from asyncpg import Connection

_TABLES = """
CREATE SCHEMA IF NOT EXISTS notes;
CREATE TABLE IF NOT EXISTS notes.held(
    xid bigint DEFAULT pg_current_xact_id()::text::bigint, run text DEFAULT session_user, partition int, epoch bigint, owner text);
"""

_TRIGGERS = """
CREATE OR REPLACE FUNCTION notes.of(vehicle text) RETURNS void LANGUAGE sql AS $$
    INSERT INTO notes.held(partition, epoch, owner) SELECT leases.partition, leases.epoch, coalesce(leases.owner, '')
        FROM {schema}.lease, {schema}.leases
        WHERE partitions > 0 AND partition = {schema}.partition_of(vehicle, partitions)
$$;
CREATE OR REPLACE FUNCTION notes.pings() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    PERFORM notes.of(id) FROM {schema}.vehicles WHERE n = ANY(new.numbers) AND id IS NOT NULL;
    RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION notes.event() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    PERFORM notes.of(new.vehicle);
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER notes AFTER INSERT ON {schema}.log DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION notes.pings();
CREATE CONSTRAINT TRIGGER notes AFTER INSERT ON {schema}.events DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION notes.event();
"""

BROKEN = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError)  #: PostgreSQL is stopped meanwhile
ROLE_S = 60  #: so long a node that starts waits for it


class Notes:
    def __init__(self, port: int, schema: str) -> None:
        """`port`: of PostgreSQL, past all links."""
        self._url = f"postgresql://owner@127.0.0.1:{port}/postgres"
        self._schema = schema

    async def connect(self) -> Connection:
        return await asyncpg.connect(self._url, timeout=30)

    async def _run(self, sql: str) -> None:
        connection = await self.connect()
        try:
            await connection.execute(sql)
        finally:
            await connection.close()

    async def open(self) -> None:
        await self._run(_TABLES)

    async def begin(self) -> None:
        """Once the program has made its tables."""
        await self._run(_TRIGGERS.format(schema=self._schema))

    async def add_role(self, name: str) -> None:
        """As soon as PostgreSQL is there."""
        await until(lambda: self._has_added(name), f"there is a role {name}", ROLE_S)

    async def _has_added(self, name: str) -> bool:
        try:
            await self._run(f"CREATE ROLE {name} SUPERUSER LOGIN")
        except asyncpg.DuplicateObjectError:
            return True  # and the answer got lost
        except BROKEN:
            return False
        return True

    async def _ask(self, sql: str) -> list[tuple[Any, ...]]:
        connection = await self.connect()
        try:
            return [tuple(row) for row in await connection.fetch(sql)]
        finally:
            await connection.close()

    async def held(self) -> list[Held]:
        return [Held(*row) for row in await self._ask("SELECT xid, run, partition, epoch, owner FROM notes.held")]

    async def numbered(self) -> list[tuple[int, int, int]]:
        """(seq, number of the transaction, place in it) of every event."""
        sql = f"SELECT seq, xid::text::bigint, place FROM {self._schema}.events WHERE seq IS NOT NULL"
        return [(seq, xid, place) for seq, xid, place in await self._ask(sql)]

    async def unnumbered(self) -> int:
        ((count,),) = await self._ask(f"SELECT count(*) FROM {self._schema}.events WHERE seq IS NULL")
        return int(count)
