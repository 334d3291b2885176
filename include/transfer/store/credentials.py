"""The store as the environment names it: AWS's own variables, or Airflow's connection in one."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from include.transfer.errors import BadSettings
from include.transfer.store.bucket import Bucket
from include.transfer.store.client import connect
from include.transfer.store.options import Options, RoleKeys, Settings

CONNECTION = "AIRFLOW_CONN_LOCALS3"


def store_settings(environ: Mapping[str, str], endpoint: str = "", region: str = "") -> Settings:
    """Endpoint, region, keys and options; what is given as an argument comes first.

    AWS_ACCESS_KEY_ID and its kin, else AIRFLOW_CONN_LOCALS3, else whatever the AWS SDK finds (a profile, a
    role), where it is installed. Raises BadSettings where there are no keys; never quotes one.
    """
    if environ.get("AWS_ACCESS_KEY_ID"):
        found = _aws(environ)
    elif environ.get(CONNECTION):
        found = _connection(environ[CONNECTION])
    else:
        found = Settings(*_aws_places(environ), _sdk_credentials())
    return found._replace(endpoint=endpoint or found.endpoint, region=region or found.region)


def open_named(environ: Mapping[str, str], bucket: str, endpoint: str = "", region: str = "") -> Bucket:
    """A bucket of that store. Raises BadSettings."""
    settings = store_settings(environ, endpoint, region)
    return Bucket(connect(*settings), bucket, secrets=lambda: settings.secrets)


def _aws_places(environ: Mapping[str, str]) -> tuple[str | None, str | None]:
    endpoint = environ.get("AWS_ENDPOINT_URL_S3") or environ.get("AWS_ENDPOINT_URL")
    return endpoint, environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION")


def _aws(environ: Mapping[str, str]) -> Settings:
    secret = environ.get("AWS_SECRET_ACCESS_KEY")
    if not secret:
        raise BadSettings("AWS_ACCESS_KEY_ID is set without AWS_SECRET_ACCESS_KEY", fix="set both")
    keys = (environ["AWS_ACCESS_KEY_ID"], secret, environ.get("AWS_SESSION_TOKEN"))
    return Settings(*_aws_places(environ), keys)


def _connection(text: str) -> Settings:
    """As Airflow reads it: JSON, or a URI."""
    try:
        fields = json.loads(text) if text.lstrip().startswith("{") else _uri_fields(text)
        extra = fields.get("extra") or {}
        extra = json.loads(extra) if isinstance(extra, str) else dict(extra)
    except (ValueError, TypeError, AttributeError):
        raise BadSettings(
            "it is neither JSON nor a URI",
            where=CONNECTION,
            fix='make it {"conn_type": "aws", "login": …, "password": …, "extra": {"endpoint_url": …}}',
        ) from None  # the text holds the secret key
    login = fields.get("login") or extra.get("aws_access_key_id")
    password = fields.get("password") or extra.get("aws_secret_access_key")
    if not login or not password:
        raise BadSettings(
            "it has no login and password", where=CONNECTION, fix="set both, or AWS_ACCESS_KEY_ID and its kin"
        )
    keys = (login, password, extra.get("aws_session_token"))
    return Settings(extra.get("endpoint_url"), extra.get("region_name"), keys, Options.of(extra))


def _uri_fields(text: str) -> dict[str, Any]:
    parts = urlsplit(text)
    query = dict(parse_qsl(parts.query))
    extra = json.loads(query["__extra__"]) if "__extra__" in query else query
    login, password = (unquote(part) if part else None for part in (parts.username, parts.password))
    return {"login": login, "password": password, "extra": extra}


def _sdk_credentials() -> Any:
    try:
        import botocore.session
        from botocore.exceptions import BotoCoreError
    except ImportError:
        found = None
    else:
        try:
            found = botocore.session.get_session().get_credentials()
        except BotoCoreError as error:
            raise BadSettings(f"the AWS SDK finds no keys ({error})") from None
    if found is None:
        raise BadSettings(
            "there are no keys for the store",
            fix=f"set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_ENDPOINT_URL, or {CONNECTION}",
        )
    return RoleKeys(found)
