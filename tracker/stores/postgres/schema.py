"""What is in the database: the tables, how they came to be (numbered migrations), and the one function that commits.

All of a tracker is in one schema of the database, so that others may be beside it. A NUL is in no text of PostgreSQL;
it is in none of ours either (control characters are refused where they come in), and in JSON it is escaped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracker.errors import StoreUnusable
from tracker.stores.postgres import leases
from tracker.stores.postgres.views import VIEWS

if TYPE_CHECKING:
    from asyncpg import Connection

    from tracker.stores.postgres.url import Place

#: One script a schema version, never edited once released; `lease.version` counts those that ran.
MIGRATIONS: tuple[str, ...] = (
    """
    -- Who writes, or packs where several write: whoever takes that adds one to the epoch, and what an earlier one says
    -- is refused by it. Rows of the log below `below` are in segments. From `first_day` on days are tables of their
    -- own. `partitions`: of several nodes; 0: one server has all of it. `erasures`: how often vehicles were erased.
    CREATE TABLE lease(
        version int NOT NULL, epoch bigint NOT NULL, below bigint NOT NULL, first_day int NOT NULL,
        partitions int NOT NULL DEFAULT 0, erasures bigint NOT NULL DEFAULT 0);
    INSERT INTO lease VALUES (0, 0, 1, current_date - date '1970-01-01' - 400);

    -- Where several nodes write: whose each part of the fleet is and by which epoch, and until when a node lives.
    CREATE TABLE leases(partition int PRIMARY KEY, owner text, epoch bigint NOT NULL DEFAULT 0) WITH (fillfactor = 50);
    CREATE TABLE nodes(node text PRIMARY KEY, until timestamptz NOT NULL) WITH (fillfactor = 50);
    CREATE SEQUENCE vehicle_numbers AS int;

    -- … and what people did, one deed after the other: each node follows it, and marks for each part of the fleet how
    -- far that has been done. `lasting`: the newest deed that every part has to have seen before the next such deed.
    CREATE TABLE head(place bigint NOT NULL, lasting bigint NOT NULL);
    INSERT INTO head VALUES (0, 0);
    CREATE TABLE journal(
        place bigint PRIMARY KEY, node text NOT NULL, at timestamptz NOT NULL DEFAULT now(), body text NOT NULL);
    CREATE TABLE marks(partition int PRIMARY KEY, place bigint NOT NULL DEFAULT 0) WITH (fillfactor = 50);

    -- What the newest commits of a node, or of an epoch of the only one, answered, for who did not hear it: the commits
    -- of one place come one after the other. NULL: it was given up before it came.
    CREATE TABLE answers(
        node text, place int, number bigint NOT NULL DEFAULT 0, fresh int[], PRIMARY KEY (node, place)
    ) WITH (fillfactor = 50);

    -- The pings of a commit: one row, whose number is that of its first ping; numbers are in the order of xid. Appended
    -- only. r and t: span of receipts and of fixes, ms. The body is that of the embedded store (docs/storage.md); it is
    -- small, and is read whole.
    CREATE SEQUENCE log_rows;
    CREATE TABLE log(
        first bigint PRIMARY KEY, xid xid8 NOT NULL DEFAULT pg_current_xact_id(), pings int NOT NULL,
        r0 bigint NOT NULL, r1 bigint NOT NULL, t0 bigint NOT NULL, t1 bigint NOT NULL,
        numbers int[] NOT NULL, body bytea NOT NULL, extra text);
    ALTER TABLE log ALTER body SET STORAGE EXTERNAL, ALTER numbers SET STORAGE EXTERNAL;

    -- n is given once and never again: history outlives a removed vehicle, whose state is NULL; of who was erased there
    -- is no id. Written at every commit: room is left in each page, and no index is on what changes.
    CREATE TABLE vehicles(n int PRIMARY KEY, id text UNIQUE, state bytea) WITH (fillfactor = 70);
    CREATE TABLE registered(vehicle text PRIMARY KEY, body text NOT NULL);

    -- Every version of every region; a NULL feature says: deleted in this version.
    CREATE TABLE regions(
        id text, version int, updated_at bigint NOT NULL, feature text, PRIMARY KEY (id, version));

    -- Durable once they are here, visible once they have a seq. They get it in the order of (xid, place), those that no
    -- transaction that still runs can come before. `body` is the event without its seq and acknowledgement.
    CREATE TABLE events(
        id text PRIMARY KEY, seq bigint UNIQUE, xid xid8 NOT NULL DEFAULT pg_current_xact_id(), place int NOT NULL,
        kind text NOT NULL, vehicle text NOT NULL, region text, time bigint NOT NULL, body text NOT NULL,
        acked_by text, acked bigint);
    CREATE INDEX events_unnumbered ON events(xid, place) WHERE seq IS NULL;
    CREATE INDEX events_by_region ON events(region, seq);
    CREATE INDEX events_by_vehicle ON events(vehicle, seq);
    CREATE INDEX events_by_time ON events(time);
    CREATE INDEX events_by_acked ON events(acked) WHERE acked IS NOT NULL;

    CREATE TABLE meta(key text PRIMARY KEY, value text NOT NULL);

    -- Who may come in: users, groups, sessions, tokens. A NULL body says: gone in this version.
    CREATE TABLE records(kind text, key text, version int, body text, PRIMARY KEY (kind, key, version));
    CREATE TABLE audit(
        seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at bigint NOT NULL, who text NOT NULL,
        address text NOT NULL, what text NOT NULL, target text NOT NULL, before text, after text);
    CREATE INDEX audit_by_time ON audit(at);

    -- Pings that were compacted: of one vehicle and day, or a part of it, with its boxes (rows of packing.BOX) and its
    -- outline. The other columns are those of the embedded store. A day is a table of its own, so that it can go at
    -- once; what is more than a year older than the schema is together (docs/decisions/a-day-is-a-table.md).
    CREATE SEQUENCE segment_ids;
    CREATE TABLE segments(
        id bigint NOT NULL, n int NOT NULL, day int NOT NULL, t0 bigint NOT NULL, t1 bigint NOT NULL,
        r0 bigint NOT NULL, r1 bigint NOT NULL, c0 bigint NOT NULL, c1 bigint NOT NULL, count int NOT NULL,
        lat0 int NOT NULL, lon0 int NOT NULL, lat1 int NOT NULL, lon1 int NOT NULL, boxes int[] NOT NULL,
        body bytea NOT NULL, extra bytea, outline bytea, PRIMARY KEY (n, day, id)) PARTITION BY RANGE (day);
    ALTER TABLE segments ALTER body SET STORAGE EXTERNAL, ALTER extra SET STORAGE EXTERNAL,
        ALTER outline SET STORAGE EXTERNAL;
    CREATE INDEX segments_by_receipt ON segments(c1, c0);
    DO $$ BEGIN
        EXECUTE format('CREATE TABLE segments_before PARTITION OF segments FOR VALUES FROM (MINVALUE) TO (%s)',
            (SELECT first_day FROM lease));
    END $$;

    -- How many pings are not kept any more: of a vehicle's day that was thinned, and of days that went.
    CREATE TABLE thinned(n int, day int, pings bigint NOT NULL, PRIMARY KEY (n, day));
    CREATE TABLE gone(day int PRIMARY KEY, pings bigint NOT NULL);
    """,
)

#: What no version of the tables changes: made anew at every start of a newer program. `commit_all` answers which of
#: the events are new, by their place from 1; all of it is one transaction, in one call: a client that is paused holds
#: no lock, and one that is cut off leaves all of it or nothing. `p_parts` NULL: the whole store, by its one epoch.
FUNCTIONS = """
CREATE OR REPLACE FUNCTION commit_all(
    p_node text, p_number bigint, p_parts int[], p_epochs bigint[],
    p_count int, p_r0 bigint, p_r1 bigint, p_t0 bigint, p_t1 bigint, p_numbers int[], p_body bytea, p_extra text,
    v_n int[], v_id text[], v_state bytea[],
    e_id text[], e_kind text[], e_vehicle text[], e_region text[], e_time bigint[], e_body text[],
    more jsonb
) RETURNS int[] LANGUAGE plpgsql AS $$
DECLARE
    made int[] := '{}';
    row_1 bigint;
BEGIN
    IF p_count > 0 THEN
        row_1 := next_rows(p_count);
    END IF;
    IF p_parts IS NULL THEN
        PERFORM hold_lease(p_epochs[1]);
    ELSE
        IF p_parts = '{}' AND (p_count > 0 OR cardinality(v_n) > 0) THEN
            RAISE EXCEPTION 'of these vehicles no lease is said' USING ERRCODE = 'TR002';
        END IF;
        PERFORM hold_leases(p_node, p_parts, p_epochs);
    END IF;
    PERFORM begin_commit(p_node, p_number);
    IF more ? 'deed' THEN -- before it holds anything that another deed may wait for
        PERFORM write_deed(p_node, (more->>'place')::bigint, (more->>'lasting')::bool, more->>'deed');
    END IF;
    IF p_count > 0 THEN
        INSERT INTO log(first, pings, r0, r1, t0, t1, numbers, body, extra)
            VALUES (row_1, p_count, p_r0, p_r1, p_t0, p_t1, p_numbers, p_body, p_extra);
    END IF;
    INSERT INTO vehicles AS v SELECT * FROM unnest(v_n, v_id, v_state)
        ON CONFLICT (n) DO UPDATE SET state = excluded.state WHERE v.id IS NOT NULL; -- whom nobody erased meanwhile
    IF cardinality(e_id) > 0 THEN
        WITH told AS (
            INSERT INTO events(id, kind, vehicle, region, time, body, place)
            SELECT DISTINCT ON (one.id) one.* FROM unnest(e_id, e_kind, e_vehicle, e_region, e_time, e_body)
                WITH ORDINALITY AS one(id, kind, vehicle, region, time, body, place) ORDER BY one.id, one.place
            ON CONFLICT (id) DO NOTHING RETURNING place)
        SELECT coalesce(array_agg(place ORDER BY place), '{}') FROM told INTO made;
        UPDATE answers SET fresh = made WHERE node = p_node AND place = p_number % 8;
    END IF;
    IF more IS NOT NULL THEN
        PERFORM commit_rare(more);
    END IF;
    RETURN made;
END $$;

-- What few commits have, as JSON: lists under names.
CREATE OR REPLACE FUNCTION commit_rare(more jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO regions SELECT one->>0, (one->>1)::int, (one->>2)::bigint, one->>3
        FROM jsonb_array_elements(more->'regions') AS one;
    INSERT INTO registered SELECT one->>0, one->>1 FROM jsonb_array_elements(more->'registered') AS one
        ON CONFLICT (vehicle) DO UPDATE SET body = excluded.body;
    DELETE FROM registered WHERE vehicle IN (SELECT jsonb_array_elements_text(more->'unregistered'));
    UPDATE events SET acked_by = acks.one->>1, acked = (acks.one->>2)::bigint
        FROM jsonb_array_elements(more->'acked') AS acks(one) WHERE id = acks.one->>0;
    INSERT INTO meta SELECT one->>0, one->>1 FROM jsonb_array_elements(more->'meta') AS one
        ON CONFLICT (key) DO UPDATE SET value = excluded.value;
    DELETE FROM records USING jsonb_array_elements(more->'records') AS one
        WHERE kind = one->>0 AND key = one->>1 AND NOT (one->>4)::bool;
    INSERT INTO records SELECT one->>0, one->>1, (one->>2)::int, one->>3
        FROM jsonb_array_elements(more->'records') AS one WHERE (one->>4)::bool OR one->>3 IS NOT NULL;
    INSERT INTO audit(at, who, address, what, target, before, after)
        SELECT (one->>0)::bigint, one->>1, one->>2, one->>3, one->>4, one->>5, one->>6
        FROM jsonb_array_elements(more->'audit') WITH ORDINALITY AS told(one, place) ORDER BY place;
    -- erasing: a row stays where it is and tells of nobody; a number is never given again
    UPDATE events SET kind = 'erased', vehicle = '', region = NULL, acked = NULL, acked_by = NULL,
            body = json_build_object('id', id, 'kind', 'erased', 'vehicle', '', 'time', time, 'received_at', time,
                'reason', 'erased', 'lat', 0.0, 'lon', 0.0)::text
        WHERE vehicle IN (SELECT jsonb_array_elements_text(more->'erased'));
    UPDATE vehicles SET id = NULL, state = NULL WHERE id IN (SELECT jsonb_array_elements_text(more->'erased'));
    UPDATE lease SET erasures = erasures + 1 WHERE jsonb_array_length(more->'erased') > 0;
END $$;

-- The table of a day; NULL where many days are in one.
CREATE OR REPLACE FUNCTION table_of_day(p_day int) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT 'segments_' || to_char(date '1970-01-01' + p_day, 'YYYYMMDD') FROM lease WHERE p_day >= first_day
$$;

-- Made beside and attached: that waits for nobody who reads, and nobody waits for it. It is tried again a minute later
-- where somebody tidies (VACUUM, ANALYZE).
CREATE OR REPLACE FUNCTION make_days(days int[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    one int;
    name text;
BEGIN
    FOREACH one IN ARRAY days LOOP
        name := table_of_day(one);
        IF name IS NOT NULL AND to_regclass(quote_ident(name)) IS NULL THEN
            SET LOCAL lock_timeout = '1s';
            EXECUTE format('CREATE TABLE %I (LIKE segments INCLUDING ALL)', name);
            EXECUTE format('ALTER TABLE segments ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)', name, one, one + 1);
        END IF;
    END LOOP;
END $$;

-- A day that goes for all goes with its table: nothing is written or left to be cleaned up. False: somebody else is in
-- it, or somebody reads (a backup does so for long), and nothing was done.
CREATE OR REPLACE FUNCTION drop_day(p_day int, numbers int[]) RETURNS bool LANGUAGE plpgsql AS $$
DECLARE
    name text := table_of_day(p_day);
BEGIN
    IF to_regclass(quote_ident(name)) IS NULL
        OR EXISTS (SELECT n FROM segments WHERE day = p_day EXCEPT SELECT unnest(numbers)) THEN
        RETURN false;
    END IF;
    SET LOCAL lock_timeout = '200ms';
    EXECUTE format('DROP TABLE %I', name);
    RETURN true;
EXCEPTION WHEN lock_not_available THEN
    RETURN false;
END $$;

-- Events that no running transaction can precede get the next numbers, in order; by one at a time. Answers what there
-- is after `heard`: also what was numbered when the answer did not arrive.
CREATE OR REPLACE FUNCTION number_events(most int, heard bigint) RETURNS TABLE (number bigint, told text)
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(current_schema() || ' numbers', 0));
    WITH ready AS (
            SELECT id, place, xid FROM events WHERE seq IS NULL AND xid < pg_snapshot_xmin(pg_current_snapshot())
            ORDER BY xid, place LIMIT most),
        numbers AS (
            SELECT id, (SELECT coalesce(max(seq), 0) FROM events) + row_number() OVER (ORDER BY xid, place) AS next
            FROM ready)
        UPDATE events SET seq = next FROM numbers WHERE events.id = numbers.id;
    RETURN QUERY SELECT seq, body FROM events WHERE seq > heard ORDER BY seq LIMIT most;
END $$;
"""


async def migrate(connection: Connection, place: Place) -> None:
    """Bring the schema to this program's tables, or make them. Raises StoreUnusable where a newer program was there."""
    await connection.execute(f"CREATE SCHEMA IF NOT EXISTS {place.quoted}")
    version = await version_of(connection, place) or 0
    if version > len(MIGRATIONS):
        raise newer(place, version)
    async with connection.transaction():
        for script in MIGRATIONS[version:]:
            await connection.execute(script)
        await connection.execute(leases.FUNCTIONS)
        await connection.execute(FUNCTIONS)
        await connection.execute(VIEWS)
        await connection.execute("UPDATE lease SET version = $1", len(MIGRATIONS))


async def version_of(connection: Connection, place: Place) -> int | None:
    """None: there is nothing of a tracker."""
    if await connection.fetchval("SELECT to_regclass($1)", f"{place.quoted}.lease") is None:
        return None
    return int(await connection.fetchval("SELECT version FROM lease"))


async def nodes_of(connection: Connection, place: Place) -> int:
    """How many live."""
    if await connection.fetchval("SELECT to_regclass($1)", f"{place.quoted}.nodes") is None:
        return 0
    return int(await connection.fetchval("SELECT count(*) FROM nodes WHERE until > clock_timestamp()"))


def newer(place: Place, version: int) -> StoreUnusable:
    return StoreUnusable(
        f"{place} was written by a newer tracker (schema {version}; this one knows {len(MIGRATIONS)}): install that.",
        "store_newer",
    )
