"""What is sent to the cluster: the files of k8s/, and what is made of airflow_settings.yaml and new keys."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Mapping
from typing import Any

import yaml

from services.kubernetes.programs import NAMESPACE
from services.local import settings
from services.local.home import PROJECT, Credentials
from services.local.ports import Ports

FOLDER = PROJECT / "k8s"
Object = dict[str, Any]

# Where the services are for those in the namespace.
SERVICES = {
    "wildfires_api": {"host": "wildfires-api", "port": 8000},
    "warehouse": {"host": "warehouse-db", "port": 5432},
}
STORE = "http://seaweedfs:8333"


def load(name: str, tags: dict[str, str] | None = None) -> list[Object]:
    """The objects of one file of k8s/; `tags` replaces the tags of images by their names."""
    objects = [each for each in yaml.safe_load_all((FOLDER / name).read_text()) if each]
    for each in objects:
        for container in _containers(each):
            image, _, _ = container["image"].rpartition(":")
            if tags and image in tags:
                container["image"] = f"{image}:{tags[image]}"
    return objects


def _containers(found: Object) -> list[Object]:
    spec = found.get("spec") or {}
    pod = (spec.get("template") or {}).get("spec") or {}
    return [*pod.get("initContainers", []), *pod.get("containers", [])]


def as_list(objects: list[Object]) -> str:
    """One JSON document that `kubectl apply -f -` reads."""
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})


def kind_cluster(ports: Ports) -> str:
    """k8s/kind.yaml with the host ports that the user chose."""
    (cluster,) = load("kind.yaml")
    chosen = {30080: ports.airflow, 30333: ports.s3, 30646: ports.s3_admin}
    for mapping in cluster["nodes"][0]["extraPortMappings"]:
        mapping["hostPort"] = chosen[mapping["containerPort"]]
    return json.dumps(cluster)


def secret(name: str, values: dict[str, str]) -> Object:
    metadata = {"name": name, "namespace": NAMESPACE}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata,
        "type": "Opaque",
        "stringData": values,
    }


def values_of(found: Object) -> dict[str, str]:
    """A secret's values as `kubectl get -o json` shows them, decoded."""
    return {key: base64.b64decode(value).decode() for key, value in (found.get("data") or {}).items()}


def generated_secrets() -> dict[str, Object]:
    """New keys and passwords by the name of their secret; those that the cluster has already are not used."""
    new = Credentials.generate()
    uri = f"postgresql://airflow:{new.postgres_password}@postgres:5432/airflow"
    passwords = json.dumps({"admin": new.airflow_password})
    store = {"access-key": new.s3_access_key, "secret-key": new.s3_secret_key}
    made = [
        secret("seaweedfs", store | {"admin-password": new.s3_admin_password}),
        secret("airflow-metadata", {"connection": uri, "password": new.postgres_password}),
        secret("warehouse", {"password": new.warehouse_password}),
        secret("airflow-jwt", {"jwt-secret": new.jwt_secret}),
        secret("airflow-api", {"api-secret-key": secrets.token_urlsafe(48)}),
        secret("airflow-fernet", {"fernet-key": new.fernet_key}),
        secret("airflow-admin", {"passwords.json": passwords, "password": new.airflow_password}),
    ]
    return {each["metadata"]["name"]: each for each in made}


def connections(
    keys: tuple[str, str],
    warehouse_password: str,
    endpoint: str = STORE,
    services: Mapping[str, Object] = SERVICES,
) -> Object:
    """The secret `airflow-connections`: those of airflow_settings.yaml as JSON, in the cluster."""
    values = {}
    for body in settings.load(PROJECT / "airflow_settings.yaml").connections:
        conn_id = body["connection_id"]
        fields = {key: value for key, value in body.items() if key != "connection_id"}
        fields |= services.get(conn_id, {})
        if "extra" in fields:
            fields["extra"] = json.loads(fields["extra"])
        if conn_id == "warehouse":
            fields["password"] = warehouse_password
        if conn_id == "locals3":
            fields |= {"login": keys[0], "password": keys[1]}
            fields["extra"] |= {"endpoint_url": endpoint}
        values[f"AIRFLOW_CONN_{conn_id.upper()}"] = json.dumps(fields)
    return secret("airflow-connections", values)


def pools() -> Object:
    """The ConfigMap that the pools' Job imports: those of airflow_settings.yaml in Airflow's own form."""
    listed = {
        pool["name"]: {key: pool[key] for key in ("slots", "description", "include_deferred")}
        for pool in settings.load(PROJECT / "airflow_settings.yaml").pools
    }
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "airflow-pools", "namespace": NAMESPACE},
        "data": {"pools.json": json.dumps(listed, indent=1)},
    }
