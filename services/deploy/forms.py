"""Connections and pools as text, one function for each form that a deployment takes them in."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from services.deploy.connections import Connection

SECRET = "airflow-connections"  # noqa: S105 - a name, the one that k8s/values.yaml reads
# Readers of such files disagree on these (comments, variables, quotes). Within JSON they can be escaped.
ESCAPED = {ord(character): f"\\u{ord(character):04x}" for character in "$#'`"}


def environment(connections: list[Connection]) -> str:
    """Lines NAME=JSON for `docker --env-file`, compose, `.env`, systemd: every reader sees the same value."""
    lines = [
        "# Connections as Airflow reads them from its environment, by `make export-config`: keep it secret."
    ]
    lines += [f"{each.variable}={_json(each)}" for each in connections]
    return "\n".join(lines) + "\n"


def airflow_connections(connections: list[Connection]) -> str:
    """For `airflow connections import`, in the form of `airflow connections export`."""
    return _pretty(
        {
            each.conn_id: each.fields
            | ({"extra": json.dumps(each.fields["extra"])} if "extra" in each.fields else {})
            for each in connections
        }
    )


def airflow_pools(pools: list[dict[str, Any]]) -> str:
    """For `airflow pools import`. `pools` has the bodies of `services.local.settings.load`."""
    return _pretty({pool["name"]: {key: pool[key] for key in pool if key != "name"} for pool in pools})


def kubernetes_secret(connections: list[Connection]) -> str:
    """A Secret with one key for each connection's variable; its namespace is chosen by `kubectl apply -n`."""
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": SECRET, "labels": {"app.kubernetes.io/part-of": "wildfire-lake"}},
            "type": "Opaque",
            "stringData": {each.variable: _json(each) for each in connections},
        },
        sort_keys=False,
        width=10_000,
    )


# Connections go to Astro's environment manager, which keeps secrets outside of Airflow's database; pools have
# no place but that database.
ASTRO = """#!/bin/sh
# Creates or updates connections and pools of an Astro Deployment. By `make export-config`: keep it secret.
#   sh astro.sh <deployment id>      (from `astro deployment list`; before: astro login, or ASTRO_API_TOKEN)
set -eu
deployment=${1:?"give the Deployment's id: sh $0 <deployment id>"}
if grep -q CHANGE""-ME "$0"; then
    echo "$0 still holds placeholders. Give the real values and run make export-config again:" >&2
    grep -o CHANGE""-ME'[A-Za-z0-9_.-]*' "$0" >&2
    exit 3
fi

# connection ID PASSWORD OPTION...
# The password goes through a pipe, so that no list of processes shows it. The extra can only be an option.
connection() {
    id=$1 password=$2
    shift 2
    printf '%s' "$password" | astro env connection create --deployment-id "$deployment" --key "$id" "$@" ||
        printf '%s' "$password" | astro env connection update "$id" --deployment-id "$deployment" "$@"
}

pool() {
    astro deployment pool create --deployment-id "$deployment" "$@" ||
        astro deployment pool update --deployment-id "$deployment" "$@"
}

"""


def astro_commands(connections: list[Connection], pools: list[dict[str, Any]]) -> str:
    """A shell script of Astro CLI commands that can be run again."""
    lines = [shlex.join(["connection", each.conn_id, *_astro_options(each.fields)]) for each in connections]
    for pool in pools:
        options = ["--name", pool["name"], "--slots", str(pool["slots"])]
        lines.append(shlex.join(["pool", *options, "--description", pool["description"]]))
    return ASTRO + "\n".join(lines) + "\n"


def _astro_options(fields: dict[str, Any]) -> list[str]:
    """The password, then the options; Astro has no description of a connection."""
    options = {
        "--type": "conn_type",
        "--host": "host",
        "--port": "port",
        "--schema": "schema",
        "--login": "login",
    }
    given = [
        word for option, name in options.items() if name in fields for word in (option, str(fields[name]))
    ]
    extra = ["--extra", json.dumps(fields["extra"])] if "extra" in fields else []
    return [fields.get("password", ""), *given, *extra]


def _json(connection: Connection) -> str:
    return json.dumps(connection.fields).translate(ESCAPED)


def _pretty(value: Any) -> str:
    return json.dumps(value, indent=2) + "\n"
