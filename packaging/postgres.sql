-- Once, by an administrator of PostgreSQL 13 or newer (docs/postgres.md):
--     psql -v password="'a good one'" -f packaging/postgres.sql
-- The role owns its schema, which it makes at the first start, and may do nothing else on this server.
CREATE ROLE tracker LOGIN PASSWORD :password NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION CONNECTION LIMIT 50;
CREATE DATABASE tracker ENCODING 'UTF8' TEMPLATE template0;
REVOKE ALL ON DATABASE tracker FROM PUBLIC;
GRANT CONNECT, CREATE ON DATABASE tracker TO tracker;
\connect tracker
REVOKE ALL ON SCHEMA public FROM PUBLIC;

-- Who only reads, for reports in SQL; what, the tracker's role says once it has made its schema:
--     GRANT USAGE ON SCHEMA tracker TO tracker_reader; GRANT SELECT ON tracker.pings, tracker.boxes, tracker.vehicles TO
--     tracker_reader; and \password tracker_reader
CREATE ROLE tracker_reader LOGIN CONNECTION LIMIT 10;
GRANT CONNECT ON DATABASE tracker TO tracker_reader;
