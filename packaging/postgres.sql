-- Once, by an administrator of PostgreSQL 13 or newer (docs/postgres.md):
--     psql -v password="'a good one'" -f packaging/postgres.sql
-- The role owns its schema, which it makes at the first start, and may do nothing else on this server.
CREATE ROLE tracker LOGIN PASSWORD :password NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION CONNECTION LIMIT 50;
CREATE DATABASE tracker ENCODING 'UTF8' TEMPLATE template0;
REVOKE ALL ON DATABASE tracker FROM PUBLIC;
GRANT CONNECT, CREATE ON DATABASE tracker TO tracker;
\connect tracker
REVOKE ALL ON SCHEMA public FROM PUBLIC;

-- Who only reads, for reports in SQL: gets what is in the schema once the tracker has made it, with
--     GRANT USAGE ON SCHEMA tracker TO somebody; GRANT SELECT ON tracker.pings, tracker.vehicles TO somebody;
