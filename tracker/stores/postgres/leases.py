"""Who may commit: the functions that are called first in every transaction, and those by which nodes share a store.

One server takes the whole store (`lease`); several nodes take parts of the fleet (`leases`), in rounds, each a call of
one function: whoever asks and is paused holds nothing. docs/decisions/leases-and-fencing.md says why it is like this.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tracker.stores import Shares

if TYPE_CHECKING:
    from asyncpg import Connection

FUNCTIONS = """
CREATE OR REPLACE FUNCTION hold_lease(p_epoch bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM lease WHERE epoch = p_epoch FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'another server has taken this store' USING ERRCODE = 'TR001';
    END IF;
END $$;

-- Of one server alone; of several nodes once none lives, and what they began is done. Answers its epoch.
CREATE OR REPLACE FUNCTION take_store() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    own bigint;
BEGIN
    IF EXISTS (SELECT FROM nodes WHERE until > clock_timestamp()) THEN
        RAISE EXCEPTION 'several nodes share this store' USING ERRCODE = 'TR004';
    END IF;
    UPDATE leases SET owner = NULL, epoch = epoch + 1;
    IF EXISTS (SELECT FROM marks WHERE place < (SELECT lasting FROM head)) THEN
        RAISE EXCEPTION 'a deed has not reached every vehicle' USING ERRCODE = 'TR007';
    END IF;
    UPDATE lease SET epoch = epoch + 1, partitions = 0 RETURNING epoch INTO own;
    DELETE FROM nodes;
    DELETE FROM answers;
    PERFORM begin_answers(own::text);
    RETURN own;
END $$;

-- Until the transaction ends nobody takes one of these over. Several commits may hold the same.
CREATE OR REPLACE FUNCTION hold_leases(p_node text, p_parts int[], p_epochs bigint[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    held int;
BEGIN
    PERFORM 1 FROM leases JOIN unnest(p_parts, p_epochs) AS mine(partition, epoch) USING (partition, epoch)
        WHERE owner = p_node ORDER BY partition FOR SHARE OF leases;
    GET DIAGNOSTICS held = ROW_COUNT;
    IF held < cardinality(p_parts)
        OR NOT EXISTS (SELECT FROM nodes WHERE node = p_node AND until > clock_timestamp()) THEN
        RAISE EXCEPTION 'the lease of this node is over' USING ERRCODE = 'TR002';
    END IF;
END $$;

-- A commit has a number of its node, each higher than the one before.
CREATE OR REPLACE FUNCTION begin_commit(p_node text, p_number bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE answers SET number = p_number, fresh = '{}'
        WHERE node = p_node AND place = p_number % 8 AND number < p_number;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'this commit was given up' USING ERRCODE = 'TR003';
    END IF;
END $$;

-- What a commit answered, when that did not arrive; where it is under way this waits. NULL: it was not committed, and
-- is not after this, should it come yet.
CREATE OR REPLACE FUNCTION answer_to(p_node text, p_number bigint) RETURNS int[] LANGUAGE plpgsql AS $$
BEGIN
    UPDATE answers SET number = p_number, fresh = NULL
        WHERE node = p_node AND place = p_number % 8 AND number < p_number;
    RETURN (SELECT fresh FROM answers WHERE node = p_node AND number = p_number);
END $$;

CREATE OR REPLACE FUNCTION begin_answers(p_node text) RETURNS void LANGUAGE sql AS $$
    INSERT INTO answers(node, place) SELECT p_node, generate_series(0, 7) ON CONFLICT DO NOTHING
$$;

-- The first of so many numbers in a row. Not the transaction holds the lock but these few steps.
CREATE OR REPLACE FUNCTION next_numbers(which regclass, count int) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    one bigint;
BEGIN
    PERFORM pg_advisory_lock(1953653107, which::oid::int);
    PERFORM pg_current_xact_id();
    one := nextval(which);
    PERFORM setval(which, one + count - 1);
    PERFORM pg_advisory_unlock(1953653107, which::oid::int);
    RETURN one;
END $$;

-- Those of rows of the log: in the order of transactions, which is so only where this begins one.
CREATE OR REPLACE FUNCTION next_rows(count int) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    IF pg_current_xact_id_if_assigned() IS NOT NULL THEN
        RAISE EXCEPTION 'a commit comes first in its transaction';
    END IF;
    RETURN next_numbers('log_rows', count);
END $$;

-- What another database numbered, of which a dump was put here, is of no transaction of ours: as if it were of this.
CREATE OR REPLACE FUNCTION adopt_rows() RETURNS void LANGUAGE sql AS $$
    WITH waiting AS (
        SELECT id, row_number() OVER (ORDER BY xid, place) AS place FROM events
        WHERE seq IS NULL AND xid >= pg_snapshot_xmax(pg_current_snapshot()))
    UPDATE events SET xid = pg_current_xact_id(), place = waiting.place FROM waiting WHERE events.id = waiting.id;
    UPDATE log SET xid = '3' WHERE xid >= pg_snapshot_xmax(pg_current_snapshot());
$$;

-- Who packs, where several nodes write. 0: nobody yet, for what the one before wrote is not at its end; who asks does
-- not wait for that, as it has rounds to ask for.
CREATE OR REPLACE FUNCTION take_chores() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    own bigint;
BEGIN
    PERFORM FROM lease FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN 0;
    END IF;
    UPDATE lease SET epoch = epoch + 1 RETURNING epoch INTO own;
    RETURN own;
END $$;

-- As nodes/partitions says it.
CREATE OR REPLACE FUNCTION partition_of(id text, count int) RETURNS int LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT (('x00000000' || left(encode(sha256(convert_to(id, 'UTF8')), 'hex'), 8))::bit(64)::bigint % count)::int
$$;

-- Make it a store of several nodes: from now on no server has the whole of it. Answers how many parts it was made with.
CREATE OR REPLACE FUNCTION share_store(p_count int) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
    UPDATE lease SET epoch = epoch + 1, partitions = coalesce((SELECT nullif(count(*), 0) FROM leases), p_count)
        WHERE partitions = 0;
    IF FOUND THEN
        IF NOT EXISTS (SELECT FROM leases) THEN
            INSERT INTO leases(partition) SELECT generate_series(0, p_count - 1);
            INSERT INTO marks(partition) SELECT generate_series(0, p_count - 1);
            EXECUTE format('CREATE INDEX vehicles_by_partition ON vehicles(partition_of(id, %s))', p_count);
        END IF;
        PERFORM setval('vehicle_numbers', coalesce(max(n), 1), max(n) IS NOT NULL) FROM vehicles;
    END IF;
    RETURN (SELECT partitions FROM lease);
END $$;

-- One that lives longer than any lease lasts is of a clock that was set back: nobody could take over from it for long.
CREATE OR REPLACE FUNCTION lives(until timestamptz, p_lease interval) RETURNS bool LANGUAGE sql STABLE AS $$
    SELECT until > now() AND until <= now() + p_lease
$$;

-- How everything is: who lives, and by part its owner and epoch; the newest deed, and the time (ms).
CREATE OR REPLACE FUNCTION shares(p_lease interval)
RETURNS TABLE (living text[], owners text[], epochs bigint[], deed bigint, clock bigint) LANGUAGE sql STABLE AS $$
    SELECT coalesce((SELECT array_agg(node) FROM nodes WHERE lives(until, p_lease)), '{}'),
        coalesce(array_agg(owner ORDER BY partition), '{}'), coalesce(array_agg(epoch ORDER BY partition), '{}'),
        (SELECT place FROM head), (extract(epoch FROM clock_timestamp()) * 1000)::bigint
    FROM leases
$$;

-- What somebody did, decided by what there was after the deed of `p_place`: by anything else it has to be decided anew.
-- It waits for whoever writes the one before it, and nobody writes the next before it is there.
CREATE OR REPLACE FUNCTION write_deed(p_node text, p_place bigint, p_lasting bool, p_body text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    seen head;
BEGIN
    SELECT * FROM head FOR UPDATE INTO seen;
    IF seen.place <> p_place THEN
        RAISE EXCEPTION 'another deed came first' USING ERRCODE = 'TR005';
    END IF;
    IF p_lasting AND EXISTS (SELECT FROM marks WHERE place < seen.lasting) THEN
        RAISE EXCEPTION 'the deed before has not reached every vehicle' USING ERRCODE = 'TR006';
    END IF;
    UPDATE head SET place = p_place + 1, lasting = CASE WHEN p_lasting THEN p_place + 1 ELSE lasting END;
    INSERT INTO journal(place, node, body) VALUES (p_place + 1, p_node, p_body);
END $$;

-- All vehicles of these parts have seen what was done up to this deed, and what it made of them is stored.
CREATE OR REPLACE FUNCTION mark_parts(p_node text, p_parts int[], p_epochs bigint[], p_place bigint) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM hold_leases(p_node, p_parts, p_epochs);
    UPDATE marks SET place = greatest(place, p_place) WHERE partition = ANY(p_parts);
END $$;

-- A node says that it lives, gives up what it has to, takes what is nobody's, and is told how everything is then. What
-- a commit holds that is under way is left as it is: a round waits for nobody, and there is another one soon. To lose
-- one that takes nothing is to die early; one that takes is on the disk, or an epoch might be given twice.
CREATE OR REPLACE FUNCTION lease_round(
    p_node text, p_lease interval, gives int[], given bigint[], takes int[], taken bigint[], leaves bool, p_version int
) RETURNS TABLE (living text[], owners text[], epochs bigint[], deed bigint, clock bigint) LANGUAGE plpgsql AS $$
BEGIN
    IF p_version < (SELECT version FROM lease) THEN
        RAISE EXCEPTION 'a newer program has changed the tables' USING ERRCODE = 'TR008';
    END IF;
    IF cardinality(takes) = 0 THEN
        SET LOCAL synchronous_commit = off;
    END IF;
    WITH mine AS (
        SELECT partition FROM leases LEFT JOIN unnest(gives, given) AS one(partition, epoch) USING (partition, epoch)
        WHERE owner = p_node AND (leaves OR one.partition IS NOT NULL)
        ORDER BY partition FOR UPDATE OF leases SKIP LOCKED)
    UPDATE leases SET owner = NULL FROM mine WHERE leases.partition = mine.partition;
    IF leaves THEN
        DELETE FROM nodes WHERE node = p_node;
        DELETE FROM answers WHERE node = p_node;
    ELSE
        WITH free AS (
            SELECT partition FROM leases JOIN unnest(takes, taken) AS one(partition, epoch) USING (partition, epoch)
            WHERE owner IS NULL OR owner NOT IN (SELECT node FROM nodes WHERE lives(until, p_lease))
            ORDER BY partition FOR UPDATE OF leases SKIP LOCKED)
        UPDATE leases SET owner = p_node, epoch = epoch + 1 FROM free WHERE leases.partition = free.partition;
        UPDATE nodes SET until = now() + p_lease WHERE node = p_node;
        IF NOT FOUND THEN
            INSERT INTO nodes VALUES (p_node, now() + p_lease) ON CONFLICT DO NOTHING;
            DELETE FROM answers WHERE node IN (SELECT node FROM nodes WHERE until < now() - interval '1 day');
            DELETE FROM nodes WHERE until < now() - interval '1 day';
            PERFORM begin_answers(p_node);
        END IF;
    END IF;
    RETURN QUERY SELECT * FROM shares(p_lease);
END $$;
"""


async def lease_round(
    connection: Connection,
    node: str,
    version: int,
    lease_ms: int,
    gives: Sequence[tuple[int, int]] = (),
    takes: Sequence[tuple[int, int]] = (),
    *,
    leaves: bool = False,
) -> Shares:
    """What a round asks (see `nodes.leases.Round`): one transaction, and one way there and back. `version`: of the
    tables this program knows."""
    pairs = [[[one[at] for one in some] for at in (0, 1)] for some in (gives, takes)]
    living, owners, epochs, deed, clock = await connection.fetchrow(
        "SELECT * FROM lease_round($1, $2 * interval '1 ms', $3, $4, $5, $6, $7, $8)",
        node, lease_ms, *pairs[0], *pairs[1], leaves, version,
    )  # fmt: skip
    return Shares(frozenset(living), list(zip(owners, epochs, strict=True)), deed, clock)
