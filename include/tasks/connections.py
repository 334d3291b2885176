"""Airflow's connections as what a copy works with: the source behind one of type http, the store behind aws.

Nothing of Airflow is imported before one is opened.
"""

import json
import logging
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from copy import copy
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow.sdk import Connection

    from include.transfer.dataset import Dataset
    from include.transfer.source.api import Api
    from include.transfer.source.endpoint import Endpoint
    from include.transfer.store.bucket import Bucket
    from include.transfer.store.options import Options, Settings

log = logging.getLogger(__name__)

_FORMS = {
    "http": "give it as JSON, with the whole URL as its host (http(s)://host:port/path: Airflow takes the"
    " path of a connection's URI for its schema) and an object as its extra",
    "aws": "make its extra an object, with the names of boto3 in config_kwargs",
    "generic": "make its extra an object of pyiceberg's properties, all of them texts",
}


def open_endpoint(conn_id: str) -> "Endpoint":
    """The server behind an http connection, as Airflow's hook reads it: URL, login, headers, proxies, TLS.

    From here on Airflow masks what it holds in this log: of an extra Airflow itself knows some names only.
    """
    from airflow.providers.http.hooks.http import HttpHook

    from include.transfer.source.endpoint import Endpoint
    from include.transfer.source.logins import login_of

    logins = []

    class Hook(HttpHook):
        @classmethod
        def get_connection(cls, conn_id: str) -> "Connection":
            found, auth = _without_auth(readable(super().get_connection(conn_id)))
            if auth is not None:
                logins.append(login_of(auth, found.login or "", found.password or ""))
            return found

    hook = Hook(method="GET", http_conn_id=conn_id)
    with named(conn_id, "http"):
        session = hook.get_conn()
        endpoint = Endpoint.of(session, hook.base_url)
        endpoint = endpoint.with_login(logins[0]) if logins else endpoint
    mask(endpoint.secrets)
    return endpoint


def open_api(dataset: "Dataset", sharing: int = 1) -> "Api":
    """The source of the dataset. `sharing`: how many tasks have its requests_per_minute together."""
    from include.transfer.source.api import Api
    from include.transfer.source.pace import Pace

    endpoint = open_endpoint(dataset.conn_id)
    pace = Pace(dataset.requests_per_minute / sharing)
    return Api(endpoint.session(mask), endpoint.base_url, dataset, pace=pace)


def open_bucket(store_conn_id: str, bucket: str, *, patient: bool = True) -> "Bucket":
    """A bucket behind an aws connection: any S3, with keys, or on AWS with a role."""
    from include.transfer.store.bucket import Bucket
    from include.transfer.store.client import connect

    settings = store_settings(store_conn_id)
    with named(store_conn_id, "aws"):
        client = connect(*settings, patient=patient)
    return Bucket(client, bucket, settings.options.put_headers, lambda: settings.secrets)


def open_both(dataset: "Dataset", sharing: int = 1) -> "tuple[Api, Bucket]":
    """Both ends of a copy."""
    return open_api(dataset, sharing), open_bucket(dataset.store_conn_id, dataset.bucket)


def store_url(store_conn_id: str) -> str:
    """Where the store is, without its keys."""
    return store_settings(store_conn_id).endpoint or "https://s3.amazonaws.com"


def store_settings(conn_id: str) -> "Settings":
    """Endpoint, region, credentials and options as the Amazon provider reads them from the connection."""
    from airflow.providers.amazon.aws.utils.connection_wrapper import AwsConnectionWrapper
    from airflow.sdk import BaseHook

    from include.transfer.store.options import Options, Settings

    with named(conn_id, "aws"):
        settings = AwsConnectionWrapper(conn=readable(BaseHook.get_connection(conn_id)))
        endpoint, options = settings.get_service_endpoint_url("s3"), Options.of(settings.extra_config)
    if settings.aws_access_key_id and not settings.role_arn:
        keys = settings.aws_access_key_id, settings.aws_secret_access_key, settings.aws_session_token
        found = Settings(endpoint, settings.region_name, keys, options)
        mask(found.secrets)
        return found
    return _with_role(conn_id, endpoint, options)


def _with_role(conn_id: str, endpoint: str | None, options: "Options") -> "Settings":
    from airflow.providers.amazon.aws.hooks.base_aws import AwsGenericHook  # 0.4 s: only where a role is used
    from botocore.exceptions import BotoCoreError, ClientError

    from include.transfer.errors import StoreUnavailable
    from include.transfer.store.options import RoleKeys, Settings

    try:
        session = AwsGenericHook(aws_conn_id=conn_id, client_type="s3").get_session()
        credentials = session.get_credentials()
        keys = RoleKeys(credentials) if credentials else None
        return Settings(endpoint, session.region_name, keys, options)
    except (BotoCoreError, ClientError) as error:
        got = f"AWS gave no keys of a role ({type(error).__name__})"
        raise StoreUnavailable(got, where=f"connection {conn_id}", fix="check its role and region") from None


def connection_json(conn_id: str, kind: str) -> str:
    """A connection for another process's environment. From here on Airflow masks its secrets in this log."""
    from airflow.sdk import BaseHook

    from include.transfer.redact import secrets_of_login

    with named(conn_id, kind):
        found = readable(BaseHook.get_connection(conn_id))
    mask(secrets_of_login(found.login or "", found.password or ""))
    names = ("conn_type", "host", "port", "schema", "login", "password")
    fields = {name: getattr(found, name) for name in names if getattr(found, name) not in (None, "")}
    return json.dumps(fields | {"extra": found.extra_dejson})


def mask(secrets: Collection[str]) -> None:
    """Let Airflow hide these in this task's log; it warns of those that are too short for it."""
    from airflow.sdk.log import mask_secret

    mask_secret([*sorted(secret for secret in secrets if len(secret) > 4)])


def readable(connection: "Connection") -> "Connection":
    """Raises BadSettings for an extra that is no JSON: Airflow takes it for empty."""
    from include.transfer.errors import BadSettings

    try:
        json.loads(connection.extra or "{}")
    except ValueError:
        raise BadSettings(
            "its extra is not JSON, so that Airflow would take it for empty",
            where="the extra",
            fix='make it a JSON object of headers and options, such as {"Authorization": "Bearer …"}',
        ) from None
    return connection


def _without_auth(connection: "Connection") -> "tuple[Connection, Any]":
    """A copy without `auth` in its extra, which the hook would send as a header; and that."""
    extra = json.loads(connection.extra or "{}")
    if not isinstance(extra, dict) or "auth" not in extra:
        return connection, None
    auth = extra.pop("auth")
    plain = copy(connection)
    plain.extra = json.dumps(extra)
    return plain, {} if auth is None else auth


@contextmanager
def named(conn_id: str, kind: str) -> Iterator[None]:
    """Name the connection in every error, and say of one that is missing what to make.

    Whatever else a hook or a library says of a connection holds its values.
    """
    from airflow.sdk.exceptions import AirflowNotFoundException

    from include.transfer.errors import BadSettings, NoConnection, about

    try:
        with about(f"connection {conn_id}"):
            yield
    except AirflowNotFoundException:
        if _is_missing(conn_id):
            fix = f"create it, of type {kind}, or name another"
            raise BadSettings(
                "Airflow has none of this name", where=f"connection {conn_id}", fix=fix
            ) from None
        # Said of a server that does not answer, too: a task must not fail for good because that is restarted.
        raise NoConnection(
            "Airflow gave none of this name",
            where=f"connection {conn_id}",
            fix=f"create it, of type {kind}; if it exists, check its form, and Airflow's API server",
        ) from None
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise BadSettings(
            f"it cannot be read ({type(error).__name__})",
            where=f"connection {conn_id}",
            fix=_FORMS[kind],
        ) from None


def _is_missing(conn_id: str) -> bool:
    """Whether Airflow's API server says that there is no such connection; False: it did not say so."""
    from airflow.sdk.exceptions import ErrorType
    from airflow.sdk.execution_time import task_runner
    from airflow.sdk.execution_time.comms import ErrorResponse, GetConnection

    supervisor = getattr(task_runner, "SUPERVISOR_COMMS", None)
    if supervisor is None:
        return False
    try:
        answer = supervisor.send(GetConnection(conn_id=conn_id))
    except Exception:  # what it raises is its own business: nobody answered
        log.debug("the connection %s could not be asked for again", conn_id, exc_info=True)
        return False
    return isinstance(answer, ErrorResponse) and answer.error == ErrorType.CONNECTION_NOT_FOUND
