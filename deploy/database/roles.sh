#!/bin/sh
# Two roles and the database: `latchkey_owner` migrates and owns the tables, `latchkey` uses them. So the password that
# the web servers have opens no door to the triggers that protect the request log (docs/operations.md).
#
# PostgreSQL's image runs this when it makes its data folder. By hand, as a superuser:
#   SECRETS=/etc/latchkey/secrets PGHOST=... sh deploy/database/roles.sh
set -eu
secrets=${SECRETS:-/run/secrets}

psql -v ON_ERROR_STOP=1 -q -U "${POSTGRES_USER:-postgres}" -d postgres \
  -v owner="$(cat "$secrets/owner_password")" -v portal="$(cat "$secrets/portal_password")" <<'SQL'
CREATE ROLE latchkey_owner LOGIN PASSWORD :'owner';
CREATE ROLE latchkey LOGIN PASSWORD :'portal';
CREATE DATABASE latchkey OWNER latchkey_owner ENCODING 'UTF8' TEMPLATE template0;
REVOKE ALL ON DATABASE latchkey FROM PUBLIC;
GRANT CONNECT ON DATABASE latchkey TO latchkey;
\connect latchkey
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO latchkey;
-- For the tables of today's migrations and of all to come.
ALTER DEFAULT PRIVILEGES FOR ROLE latchkey_owner IN SCHEMA public
  GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO latchkey;
ALTER DEFAULT PRIVILEGES FOR ROLE latchkey_owner IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO latchkey;
SQL
