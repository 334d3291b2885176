#!/bin/sh
# Starts what the command names, as the image that it replaces does: the store, the broker, or without one PostgreSQL.
set -eu
data=/var/lib/postgresql/data

as() { # UID COMMAND...
    user=$1
    shift
    [ "$(id -u)" = 0 ] || exec "$@"
    exec setpriv --reuid="$user" --regid="$user" --clear-groups "$@"
}

case ${1:-postgres} in
mini)
    mkdir -p /data
    [ "$(id -u)" != 0 ] || chown 1000:1000 /data
    as 1000 weed "$@"
    ;;
postgres)
    [ "$(id -u)" != 0 ] || chown 999:999 "$data"
    if [ ! -e "$data/PG_VERSION" ]; then
        password=$(mktemp)
        printf '%s' "$POSTGRES_PASSWORD" >"$password"
        chmod 644 "$password"
        # shellcheck disable=SC2086 # several words, as in the image
        (as 999 initdb -D "$data" --encoding=UTF8 --username="$POSTGRES_USER" --pwfile="$password" ${POSTGRES_INITDB_ARGS:-})
        rm "$password"
        echo "host all all all scram-sha-256" >>"$data/pg_hba.conf"
        (as 999 postgres --single -j -D "$data" postgres >/dev/null <<SQL
CREATE DATABASE "${POSTGRES_DB:-$POSTGRES_USER}"
SQL
        ) || true # the database of the name "postgres" is there already
    fi
    as 999 postgres -D "$data" -c listen_addresses='*' -c unix_socket_directories=/tmp
    ;;
*)
    exec "$@"
    ;;
esac
