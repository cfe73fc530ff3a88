-- Shows which client is behind each session that came through pgmoat: schema "pgmoat" with two views. Run it once in each
-- database where you want them, as a superuser or as the database's owner:
--
--     psql -d sales -f pgmoat_sessions.sql
--
-- PostgreSQL 12 and later. It can be run again, and DROP SCHEMA pgmoat CASCADE removes everything. See README.md.

BEGIN;

CREATE SCHEMA IF NOT EXISTS pgmoat;
COMMENT ON SCHEMA pgmoat IS 'views of the clients behind pgmoat';
GRANT USAGE ON SCHEMA pgmoat TO PUBLIC;

-- A session can set its application_name to anything: what is not an address must not make the view fail.
CREATE OR REPLACE FUNCTION pgmoat.to_inet(address text) RETURNS inet
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL RESTRICTED
    SET search_path = pg_catalog
AS $$
BEGIN
    RETURN split_part(address, '%', 1)::inet; -- inet has no IPv6 zones
EXCEPTION WHEN invalid_text_representation THEN
    RETURN NULL;
END
$$;

-- client_facts=settings: what pgmoat said of the client of this session, the one that asks. One row; all columns are
-- null in a session that did not come through pgmoat. PostgreSQL shows the settings of a session to no other session.
CREATE OR REPLACE VIEW pgmoat.session AS
SELECT pg_catalog.pg_backend_pid() AS pid,
       pgmoat.to_inet(nullif(pg_catalog.current_setting('pgmoat.client_addr', true), '')) AS client_addr,
       CASE WHEN pg_catalog.current_setting('pgmoat.client_port', true) ~ '^[0-9]{1,5}$'
            THEN pg_catalog.current_setting('pgmoat.client_port', true)::integer END AS client_port,
       nullif(pg_catalog.current_setting('pgmoat.tls_version', true), '') AS tls_version,
       nullif(pg_catalog.current_setting('pgmoat.tls_cipher', true), '') AS tls_cipher,
       nullif(pg_catalog.current_setting('pgmoat.client_dn', true), '') AS client_dn,
       CASE WHEN pg_catalog.current_setting('pgmoat.connection_id', true) ~ '^[0-9]{1,20}$'
            THEN pg_catalog.current_setting('pgmoat.connection_id', true)::numeric END AS connection_id;
COMMENT ON VIEW pgmoat.session IS 'the client of this session as pgmoat saw it (client_facts=settings)';

-- client_facts=application_name: all sessions of the server, with the address that pgmoat appended to their
-- application_name. proxy_addr is what PostgreSQL takes for the client of such a session. The other columns are those
-- of pg_stat_activity, which hides the same from users without pg_read_all_stats.
CREATE OR REPLACE VIEW pgmoat.sessions AS
SELECT activity.pid,
       activity.datname,
       activity.usename,
       coalesce(named.parts[1], activity.application_name) AS application_name,
       CASE WHEN named.parts IS NULL THEN activity.client_addr
            ELSE pgmoat.to_inet(coalesce(named.parts[2], named.parts[3])) END AS client_addr,
       CASE WHEN named.parts IS NULL THEN activity.client_port
            ELSE named.parts[4]::integer END AS client_port,
       named.parts IS NOT NULL AS through_pgmoat,
       CASE WHEN named.parts IS NOT NULL THEN activity.client_addr END AS proxy_addr,
       CASE WHEN named.parts IS NOT NULL THEN activity.client_port END AS proxy_port,
       activity.backend_start,
       activity.xact_start,
       activity.query_start,
       activity.state_change,
       activity.wait_event_type,
       activity.wait_event,
       activity.state,
       activity.query
  FROM pg_catalog.pg_stat_activity AS activity
  LEFT JOIN LATERAL pg_catalog.regexp_match(activity.application_name,
           '^(.*) - (?:(?:\[([0-9a-fA-F:.]+(?:%[^\] ]+)?)\]|([0-9]{1,3}(?:\.[0-9]{1,3}){3})):([0-9]{1,5})|\[local\])$')
       AS named(parts) ON true
 WHERE activity.backend_type = 'client backend';
COMMENT ON VIEW pgmoat.sessions IS 'all sessions, with the client''s address behind pgmoat (client_facts=application_name)';

GRANT SELECT ON pgmoat.session, pgmoat.sessions TO PUBLIC;

COMMIT;
