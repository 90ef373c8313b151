#!/usr/bin/env bash
# What the official image's entry point promises, as far as it matters here. As there, the variables that it reads
# (the password too) stay in the server's environment: what compose does about that has to be proven against it.
set -Eeuo pipefail

from_file() {
    local name="$1" file="${1}_FILE" value="${2:-}"
    if [[ -n "${!name:-}" && -n "${!file:-}" ]]; then
        echo "error: both ${name} and ${file} are set" >&2
        exit 1
    fi
    if [[ -n "${!name:-}" ]]; then
        value="${!name}"
    elif [[ -n "${!file:-}" ]]; then
        value="$(< "${!file}")"
    fi
    export "${name}=${value}"
    unset "${file}"
}

initialize() {
    if [[ -z "${POSTGRES_PASSWORD}" && "${POSTGRES_HOST_AUTH_METHOD}" != "trust" ]]; then
        echo "Error: Database is uninitialized and superuser password is not specified." >&2
        exit 1
    fi
    # Arguments as the official script has them: unquoted by design, ours come last and win.
    eval "initdb --username=\"\${POSTGRES_USER}\" --pwfile=<(printf '%s\n' \"\${POSTGRES_PASSWORD}\") ${POSTGRES_INITDB_ARGS}"
    printf '\nhost all all all %s\n' "${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}" >> "${PGDATA}/pg_hba.conf"
    printf "listen_addresses = '*'\nunix_socket_directories = '/var/run/postgresql, /tmp'\n" >> "${PGDATA}/postgresql.conf"
    pg_ctl -D "${PGDATA}" -o "-c listen_addresses='' -p 5432" -w start
    if [[ "${POSTGRES_DB}" != "postgres" ]]; then
        psql -v ON_ERROR_STOP=1 --username "${POSTGRES_USER}" --dbname postgres --no-password \
            --set db="${POSTGRES_DB}" <<< 'CREATE DATABASE :"db";'
    fi
    local file
    for file in /docker-entrypoint-initdb.d/*; do
        case "${file}" in
            *.sh) "${file}" ;;
            *.sql) psql -v ON_ERROR_STOP=1 --username "${POSTGRES_USER}" --dbname "${POSTGRES_DB}" --no-password -f "${file}" ;;
        esac
    done
    pg_ctl -D "${PGDATA}" -m fast -w stop
}

set_up() {
    from_file POSTGRES_PASSWORD
    from_file POSTGRES_USER postgres
    from_file POSTGRES_DB "${POSTGRES_USER}"
    from_file POSTGRES_INITDB_ARGS
    : "${POSTGRES_HOST_AUTH_METHOD:=}"
    mkdir -p "${PGDATA}"
    chmod 0700 "${PGDATA}" || true
}

main() {
    if [[ "${1:0:1}" == "-" ]]; then set -- postgres "$@"; fi
    if [[ "$1" == "postgres" ]]; then
        set_up
        if [[ "$(id -u)" == "0" ]]; then
            chown -R postgres "${PGDATA}" /var/run/postgresql
            exec setpriv --reuid postgres --regid postgres --init-groups "$0" "$@"
        fi
        if [[ ! -s "${PGDATA}/PG_VERSION" ]]; then initialize; fi
    fi
    exec "$@"
}

if [[ "${BASH_SOURCE[0]}" == "$0" ]]; then main "$@"; fi
