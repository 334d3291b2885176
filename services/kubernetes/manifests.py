"""What is sent to the cluster: the files of k8s/, new secrets, and the connections with their keys."""

from __future__ import annotations

import base64
import json
import secrets
from typing import Any

import yaml

from services import connections
from services.kubernetes.tools import NAMESPACE
from services.local.home import PROJECT, Credentials
from services.local.ports import Ports

FOLDER = PROJECT / "k8s"
Object = dict[str, Any]


def load(name: str, tags: dict[str, str] | None = None) -> list[Object]:
    """The objects of one file of k8s/; `tags` replaces the tags of images by their names."""
    objects = [each for each in yaml.safe_load_all((FOLDER / name).read_text()) if each]
    for each in objects:
        pod = (each.get("spec") or {}).get("template", {}).get("spec", {})
        for container in pod.get("containers", []):
            image, _, _ = container["image"].rpartition(":")
            if tags and image in tags:
                container["image"] = f"{image}:{tags[image]}"
    return objects


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
    """New keys and passwords by the name of their secret, for those that the cluster does not have yet."""
    new = Credentials.generate()
    uri = f"postgresql://airflow:{new.postgres_password}@postgres:5432/airflow"
    passwords = json.dumps({"admin": new.airflow_password})
    store = {"access-key": new.s3_access_key, "secret-key": new.s3_secret_key}
    made = {
        "seaweedfs": store | {"admin-password": new.s3_admin_password},
        "seaweedfs-signing": {"key": new.s3_signing_key},
        "airflow-metadata": {"connection": uri, "password": new.postgres_password},
        "warehouse": {"password": new.warehouse_password},
        "airflow-jwt": {"jwt-secret": new.jwt_secret},
        "airflow-api": {"api-secret-key": secrets.token_urlsafe(48)},
        "airflow-fernet": {"fernet-key": new.fernet_key},
        "airflow-admin": {"passwords.json": passwords, "password": new.airflow_password},
    }
    return {name: secret(name, values) for name, values in made.items()}


def connections_secret(store: dict[str, str], warehouse: dict[str, str]) -> Object:
    """The connections of airflow_settings.yaml with the cluster's keys; its addresses are the same.

    `store` and `warehouse` are the values of the secrets of these names.
    """
    keys = {
        "locals3": {"login": store["access-key"], "password": store["secret-key"]},
        "warehouse": {"password": warehouse["password"]},
        "lake_catalog": {"password": warehouse["password"]},
    }
    found = [each.at(**keys.get(each.conn_id, {})) for each in connections.from_settings()]
    return secret(connections.SECRET, connections.environment(found))
