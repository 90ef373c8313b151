#!/bin/sh
# `ready.sh FILE SECRETS`: FILE without the receivers' ways whose secret is not in the folder SECRETS, to standard output. A
# message to an address that is not there would be tried, and fail, for ever. Each such way is a list's item that begins
# with its secret: `- url_file: /run/secrets/…`. For the containers' start.sh and for the local stack.
set -eu
SECRETS=$2 exec awk '
function filled(path,   line, found) { found = (getline line < path) > 0 && line != ""; close(path); return found }
{ match($0, /^ */); indent = RLENGTH }
skipped && indent > depth { next }
{ skipped = 0 }
/^ *- [a-z_]+_file: \/run\/secrets\// {
    name = $3; sub(/.*\//, "", name)
    path = ENVIRON["SECRETS"] "/" name
    if (!filled(path)) { skipped = 1; depth = indent; next }
    gsub(/\047/, "\047\047", path)  # A quote within quotes, in YAML.
    printf "%" indent "s- %s \047%s\047\n", "", $2, path
    next
}
{ print }
' "$1"
