"""For who asks in SQL: `pings`, a row a ping of the log and of nothing else, as SQL cannot undo how they are packed;
`boxes`, of what is packed where a vehicle was, some hours at a time. Degrees."""

from __future__ import annotations

#: The body of a row of the log is a codec byte and records of 41 bytes, little endian (see stores/logged.py). No
#: function calls another one of ours: who asks may look for functions in any schema.
VIEWS = """
CREATE OR REPLACE FUNCTION int4_at(record bytea, at int) RETURNS int LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT get_byte(record, at) | (get_byte(record, at + 1) << 8) | (get_byte(record, at + 2) << 16)
        | (get_byte(record, at + 3) << 24)
$$;
CREATE OR REPLACE FUNCTION int8_at(record bytea, at int) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT get_byte(record, at)::bigint | (get_byte(record, at + 1)::bigint << 8)
        | (get_byte(record, at + 2)::bigint << 16) | (get_byte(record, at + 3)::bigint << 24)
        | (get_byte(record, at + 4)::bigint << 32) | (get_byte(record, at + 5)::bigint << 40)
        | (get_byte(record, at + 6)::bigint << 48) | (get_byte(record, at + 7)::bigint << 56)
$$;
CREATE OR REPLACE VIEW pings AS
    SELECT first + place - 1 AS row, vehicles.id AS vehicle,
        to_timestamp(int8_at(record, 0) / 1000.0) AS time, to_timestamp(int8_at(record, 8) / 1000.0) AS received_at,
        (ARRAY['live', 'late', 'held', 'apart'])[get_byte(record, 16) + 1] AS taken,
        int4_at(record, 17) / 1e7::float8 AS lat, int4_at(record, 21) / 1e7::float8 AS lon,
        nullif(int4_at(record, 25), -1) / 1e3::float8 AS speed_mps,
        nullif(int4_at(record, 29), -1) / 1e2::float8 AS heading,
        nullif(int4_at(record, 33), -2147483648) / 1e2::float8 AS altitude_m,
        nullif(int4_at(record, 37), -1) / 1e2::float8 AS accuracy_m
    FROM log, LATERAL unnest(numbers) WITH ORDINALITY AS one(n, place), vehicles,
        LATERAL (SELECT substr(body, (place * 41 - 39)::int, 41) AS record OFFSET 0) AS told
    WHERE vehicles.n = one.n AND first >= (SELECT below FROM lease);
CREATE OR REPLACE VIEW boxes AS
    SELECT vehicles.id AS vehicle, to_timestamp(boxes[at][6] * 60.0) AS since,
        to_timestamp((boxes[at][7] + 1) * 60.0) AS until, boxes[at][2] / 1e7::float8 AS west,
        boxes[at][4] / 1e7::float8 AS south, boxes[at][3] / 1e7::float8 AS east, boxes[at][5] / 1e7::float8 AS north
    FROM segments JOIN vehicles USING (n), generate_subscripts(boxes, 1) AS at;
"""
