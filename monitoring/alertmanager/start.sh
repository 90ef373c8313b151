#!/bin/sh
# Alertmanager in its container: the ways whose secret is mounted, then the program with this script's options.
set -eu
here=$(dirname "$0")
sh "$here/ready.sh" "$here/alertmanager.yml" /run/secrets > /tmp/alertmanager.yml
exec /bin/alertmanager --config.file=/tmp/alertmanager.yml "$@"
