#!/bin/sh
# Creates or updates the connections of an Astro Deployment, and creates the pools that it lacks: a pool that exists
# keeps its slots. Written by `make export-config`: keep it secret.
#   sh astro.sh <deployment id>      (from `astro deployment list`; before: astro login, or ASTRO_API_TOKEN)
# shellcheck disable=SC2317,SC2329 # the appended lines call both functions
set -eu
deployment=${1:?"give the Deployment's id: sh $0 <deployment id>"}
if grep -q CHANGE""-ME "$0"; then
    echo "$0 still holds placeholders. Give the real values and run make export-config again:" >&2
    grep -o CHANGE""-ME'[A-Za-z0-9_.-]*' "$0" >&2
    exit 3
fi

# connection ID PASSWORD OPTION...
# Into Astro's environment manager, which keeps secrets outside Airflow's database. The password goes through a pipe,
# so that no list of processes shows it. The extra can only be an option.
connection() {
    id=$1 password=$2
    shift 2
    printf '%s' "$password" | astro env connection create --deployment-id "$deployment" --key "$id" "$@" ||
        printf '%s' "$password" | astro env connection update "$id" --deployment-id "$deployment" "$@"
}

# pool NAME OPTION...
pool() {
    if printf '%s\n' "$pools" | grep -Eq "(^|[[:space:]])$1([[:space:]]|\$)"; then
        echo "pool $1 exists and is left as it is"
        return
    fi
    name=$1
    shift
    astro deployment pool create --deployment-id "$deployment" --name "$name" "$@"
}

pools=$(astro deployment pool list --deployment-id "$deployment")
