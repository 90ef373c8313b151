#!/bin/sh
# Roles and databases of Airflow and of the agents (postgres-init of docker-compose.yml). It may run again: what is there
# stays, and the roles get the passwords that `.env` has now. No password is on a command line, in the environment or in the
# server's log: psql reads them from the mounted files.
set -eu
umask 077

# `:` and `\` are what a password file has to escape.
password=$(sed 's/[\\:]/\\&/g' /run/secrets/postgres_password)
export PGPASSFILE=/tmp/pgpass
printf 'postgres:5432:*:postgres:%s\n' "$password" > "$PGPASSFILE"

exec psql --no-psqlrc --quiet --tuples-only --set ON_ERROR_STOP=1 --host postgres --username postgres --dbname postgres <<'SQL'
SET log_statement = 'none';
SET log_min_error_statement = 'panic';
SET log_min_duration_statement = -1;

\set password `cat /run/secrets/airflow_database_password`
SELECT 'CREATE ROLE airflow LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'airflow') \gexec
ALTER ROLE airflow PASSWORD :'password';
SELECT 'CREATE DATABASE airflow OWNER airflow' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'airflow') \gexec

\set password `cat /run/secrets/langgraph_database_password`
SELECT 'CREATE ROLE langgraph LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'langgraph') \gexec
ALTER ROLE langgraph PASSWORD :'password';
SELECT 'CREATE DATABASE agents OWNER langgraph' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'agents') \gexec

-- Each role reaches its own database only.
REVOKE ALL ON DATABASE airflow, agents, postgres FROM PUBLIC;
\echo roles airflow and langgraph, databases airflow and agents: ready
SQL
