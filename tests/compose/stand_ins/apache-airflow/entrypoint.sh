#!/usr/bin/env bash
# What the official image's entry point does for the commands that we use.
set -euo pipefail
umask 0002
LD_PRELOAD="/usr/lib/$(uname -m)-linux-gnu/libstdc++.so.6"
export LD_PRELOAD

if [[ "$(id -g)" != "0" && "$(id -u)" != "50000" ]]; then
    echo "The container has to run with the group 0." >&2
    exit 1
fi
if ! whoami &>/dev/null; then
    echo "default:x:$(id -u):0:default user:${AIRFLOW_USER_HOME_DIR}:/sbin/nologin" >> /etc/passwd
    export HOME="${AIRFLOW_USER_HOME_DIR}"
fi

case "${1:-}" in
    bash) shift; exec /bin/bash "$@" ;;
    python) shift; exec python "$@" ;;
    airflow) shift ;;
esac

checks="${CONNECTION_CHECK_MAX_COUNT:-20}"
if [[ "${1:-}" =~ ^(scheduler|dag-processor|triggerer|api-server)$ && "${checks}" -gt 0 ]]; then
    until airflow db check >/dev/null 2>&1; do
        checks=$((checks - 1))
        if [[ "${checks}" -le 0 ]]; then
            echo "The database does not answer." >&2
            exit 1
        fi
        sleep "${CONNECTION_CHECK_SLEEP_TIME:-3}"
    done
fi
exec airflow "$@"
