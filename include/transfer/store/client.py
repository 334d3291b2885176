"""An S3 client for the lake: the MinIO SDK, which speaks to any S3."""

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from include.transfer.errors import BadSettings
from include.transfer.redact import redact

if TYPE_CHECKING:
    from minio import Minio

CONNECT_SECONDS = 10.0
READ_SECONDS = 60.0
HASTY_SECONDS = 3.0


def connect(endpoint: str | None, region: str | None, credentials: Any, *, patient: bool = True) -> "Minio":
    """A client with time-outs and retries; one that is not `patient` gives up soon, for somebody who waits.

    `endpoint`: `http://host:port`, or None for AWS itself. `credentials`: (access key, secret key, session
    token), or an object of the AWS SDK that renews itself (a role). Raises BadSettings for an endpoint that
    is no URL.
    """
    import os

    import certifi
    import urllib3
    from minio import Minio

    host, secure = _host(endpoint or "https://s3.amazonaws.com")
    retry = urllib3.Retry(
        total=5 if patient else 1,
        backoff_factor=0.2,
        backoff_jitter=0.2,
        status_forcelist=[500, 502, 503, 504],
        allowed_methods=None,  # every call of an upload may be repeated: a part is numbered, a PUT is whole
        raise_on_status=False,
    )
    http = urllib3.PoolManager(
        timeout=urllib3.Timeout(
            connect=CONNECT_SECONDS if patient else HASTY_SECONDS,
            read=READ_SECONDS if patient else HASTY_SECONDS,
        ),
        maxsize=4 if patient else 8,
        retries=retry,
        cert_reqs="CERT_REQUIRED",
        ca_certs=os.environ.get("SSL_CERT_FILE") or certifi.where(),
    )
    provider = _provider(credentials)
    try:
        return Minio(endpoint=host, secure=secure, region=region, credentials=provider, http_client=http)
    except ValueError as error:
        raise BadSettings(str(error), where="endpoint_url or region_name in the connection's extra") from None


def _host(endpoint: str) -> tuple[str, bool]:
    """Host with port, and whether it is reached by TLS."""
    try:
        parts = urlsplit(endpoint)
        wrong = parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0
        wrong = wrong or " " in endpoint
    except ValueError:  # a port that is none, brackets that hold no IPv6 address
        wrong = True
    if wrong or "@" in parts.netloc or parts.path.strip("/") or parts.query or parts.fragment:
        raise BadSettings(
            f"endpoint_url is {redact(endpoint)!r}",
            where="the store's connection",
            fix="set it to http(s)://host:port, with neither a path nor a login",
        )
    return parts.netloc, parts.scheme == "https"


def _provider(credentials: Any) -> Any:
    """What the SDK asks for keys before every request."""
    from minio.credentials import Credentials, Provider, StaticProvider

    if credentials is None:
        raise BadSettings(
            "it names no keys, and no role was found",
            where="the store's connection",
            fix="set login and password",
        )
    if isinstance(credentials, tuple):
        return StaticProvider(*credentials)

    class Renewed(Provider):
        """Keys of a role: the AWS SDK fetches new ones before the old expire."""

        def retrieve(self) -> Credentials:
            keys = credentials.get_frozen_credentials()
            return Credentials(keys.access_key, keys.secret_key, keys.token)

    return Renewed()
