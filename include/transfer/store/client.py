"""An S3 client for the lake: the MinIO SDK, which speaks to any S3."""

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from include.transfer.errors import BadSettings
from include.transfer.store.connections import connections_to
from include.transfer.store.options import Options

if TYPE_CHECKING:
    from minio import Minio


# Without one the client asks for the bucket's, a right more. Stores other than AWS mostly take any.
_ANY_REGION = "us-east-1"


def connect(
    endpoint: str | None,
    region: str | None,
    credentials: Any,
    options: Options = Options(),  # noqa: B008  # frozen
    *,
    patient: bool = True,
) -> "Minio":
    """A client with time-outs and retries; one that is not `patient` gives up soon, for somebody who waits.

    `endpoint`: `http://host:port`, or None for AWS itself. `credentials`: (access key, secret key, session
    token), or RoleKeys. Raises BadSettings for an endpoint that
    is no URL, and for options that no connection can be made with.
    """
    from minio import Minio

    endpoint = str(endpoint or "") or "https://s3.amazonaws.com"
    if not region and "amazonaws.com" not in endpoint:
        region = _ANY_REGION
    host, secure = _host(endpoint)
    http = connections_to(endpoint, options, patient=patient)
    provider = _provider(credentials)
    try:
        client = Minio(endpoint=host, secure=secure, region=region, credentials=provider, http_client=http)
    except ValueError as error:
        raise BadSettings(str(error), where="endpoint_url or region_name in the connection's extra") from None
    if options.addressing_style == "virtual":
        client.enable_virtual_style_endpoint()  # type: ignore[no-untyped-call]
    elif options.addressing_style == "path":
        client.disable_virtual_style_endpoint()  # type: ignore[no-untyped-call]
    return client


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
            "endpoint_url is not the URL of a host",
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
