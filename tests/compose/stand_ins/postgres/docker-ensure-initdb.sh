#!/usr/bin/env bash
# The official image's way to make the database, unless it is there, and to end.
set -Eeuo pipefail
# shellcheck source=docker-entrypoint.sh
source /usr/local/bin/docker-entrypoint.sh
set_up
if [[ ! -s "${PGDATA}/PG_VERSION" ]]; then initialize; fi
