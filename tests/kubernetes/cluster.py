"""The project's values, pod template and secrets around a real scheduler, and the double as its cluster."""

import configparser
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import yaml

from services import connections
from services.local import airflow_env
from services.local.home import PROJECT, Credentials, Home
from services.local.ports import Ports
from services.local.stack import Stack
from tests.kubernetes.api_server import ApiServer
from tests.long.traces import database

BUNDLE = "airflow.dag_processing.bundles.local.LocalDagBundle"
BUNDLES = [
    {"name": "dags-folder", "classpath": BUNDLE, "kwargs": {"path": str(PROJECT / "dags")}},
    {"name": "faults", "classpath": BUNDLE, "kwargs": {"path": str(PROJECT / "tests/kubernetes/dags")}},
]
# What the stack has of its own.
OF_THE_STACK = (
    "auth_manager",
    "simple_auth_manager_users",
    "simple_auth_manager_passwords_file",
    "parallelism",
)


@dataclass
class Cluster:
    stack: Stack
    api_server: ApiServer

    def age(self, task_id: str) -> None:
        """Let a task have been queued an hour ago.

        A short `task_queued_timeout` would do too, but a task's token lives no longer than that, and on a
        busy machine a task that comes late finds "Invalid auth token".
        """
        self._an_hour_ago("queued_dttm", task_id)

    def silence(self, task_id: str) -> None:
        """Let a task have sent its last heartbeat an hour ago."""
        self._an_hour_ago("last_heartbeat_at", task_id)

    def _an_hour_ago(self, column: LiteralString, task_id: str) -> None:
        query = f"UPDATE task_instance SET {column} = {column} - interval '1 hour' WHERE task_id = %s"
        with psycopg.connect(database(self.stack)) as connection:
            connection.execute(query, (task_id,))

    def pods_of(self, task_id: str, run_id: str) -> list[dict[str, Any]]:
        """Every pod that was ever made for the task, as it was made, in that order."""
        found = []
        for pod in self.api_server.created:
            about = pod["metadata"]["annotations"]
            if (about["task_id"], about["run_id"]) == (task_id, run_id):
                found.append(pod)
        return found


def chart_config(execution_api: str) -> dict[str, dict[str, Any]]:
    """k8s/values.yaml's `config` with what the chart adds to it, at this machine's addresses."""
    values = yaml.safe_load((PROJECT / "k8s/values.yaml").read_text())
    config = {section: dict(found) for section, found in values["config"].items()}
    for name in OF_THE_STACK:
        del config["core"][name]
    config["core"] |= {"executor": values["executor"], "execution_api_server_url": execution_api}
    config["dag_processor"] = {"dag_bundle_config_list": json.dumps(BUNDLES)}
    config["scheduler"] |= {"task_queued_timeout_check_interval": 2}
    return config


def as_file(config: dict[str, dict[str, Any]]) -> str:
    """The text of airflow.cfg, which the chart puts into the ConfigMap `airflow-config`."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_dict(config)
    text = io.StringIO()
    parser.write(text)
    return text.getvalue()


def as_environment(config: dict[str, dict[str, Any]]) -> dict[str, str]:
    return {
        f"AIRFLOW__{s.upper()}__{n.upper()}": str(v) for s, found in config.items() for n, v in found.items()
    }


@contextmanager
def cluster(folder: Path) -> Iterator[Cluster]:
    """A stack whose scheduler has both executors, and the double that runs its pods."""
    home, ports = Home(folder / "stack"), Ports.free()
    home.prepare()
    keys = Credentials.load(home)
    config = chart_config(f"http://127.0.0.1:{ports.airflow}/execution/")
    image = airflow_env.clean_environment(home) | {
        "AIRFLOW__CORE__HOSTNAME_CALLABLE": "tests.kubernetes.hostname.of_the_pod"
    }
    secret = connections.environment(airflow_env.local_connections(ports, keys))
    with ApiServer(folder / "cluster", image) as server:
        server.kubelet.secrets[connections.SECRET] = secret
        server.kubelet.config_maps["airflow-config"] = {"airflow.cfg": as_file(config)}
        executor = {
            "in_cluster": False,
            "config_file": server.kubeconfig,
            "pod_template_file": PROJECT / "k8s/pod-template.yaml",
            "worker_container_repository": "wildfire-lake",
            "worker_container_tag": "local",
        }
        overrides = as_environment(config) | as_environment({"kubernetes_executor": executor}) | secret
        with Stack(home, ports, env_overrides=overrides) as stack:
            yield Cluster(stack, server)
