"""TCP and TLS to a store: time-outs, retries, proxies, authorities.

What a connection names comes first, then what the environment does: AWS_CA_BUNDLE, REQUESTS_CA_BUNDLE,
SSL_CERT_FILE, HTTP_PROXY, HTTPS_PROXY and NO_PROXY, as boto3 reads them.
"""

import os
import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from include.transfer.errors import BadSettings
from include.transfer.store.options import Options

if TYPE_CHECKING:
    import urllib3

CONNECT_SECONDS = 10.0
READ_SECONDS = 60.0
HASTY_SECONDS = 3.0
_WHERE = "the store's connection"
_BUNDLES = ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")


def connections_to(endpoint: str, options: Options, *, patient: bool) -> "urllib3.PoolManager":
    """A pool of connections. Raises BadSettings for files and proxies that cannot be used."""
    import urllib3

    pool: dict[str, Any] = {
        "timeout": urllib3.Timeout(
            connect=CONNECT_SECONDS if patient else HASTY_SECONDS,
            read=READ_SECONDS if patient else HASTY_SECONDS,
        ),
        "maxsize": 4 if patient else 8,
        "retries": _retries(patient),
    }
    proxy = _proxy(endpoint, options)
    if proxy or endpoint.startswith("https:") or options.verify is not None or options.client_cert:
        pool["ssl_context"] = _tls(options)  # 20 ms: to read all authorities
    if proxy is None:
        return urllib3.PoolManager(**pool)
    login = urlsplit(proxy).netloc.rpartition("@")[0]
    headers = urllib3.make_headers(proxy_basic_auth=unquote(login)) if login else None
    return urllib3.ProxyManager(proxy, proxy_headers=headers, **pool)


def is_distrust(error: BaseException) -> bool:
    """Whether an error of urllib3 says that the store's certificate is not trusted."""
    cause = getattr(error, "reason", None) or error
    return any(isinstance(each, ssl.SSLCertVerificationError) for each in (cause, *cause.args))


def _retries(patient: bool) -> "urllib3.Retry":
    import urllib3

    class Retry(urllib3.Retry):
        """A certificate does not become trusted by waiting."""

        def increment(self, *args: Any, **named: Any) -> "Retry":
            if (error := named.get("error")) is not None and is_distrust(error):
                raise error
            return super().increment(*args, **named)

    return Retry(
        total=5 if patient else 1,
        backoff_factor=0.2,
        backoff_jitter=0.2,
        status_forcelist=[500, 502, 503, 504],
        allowed_methods=None,  # every call of an upload may be repeated: a part is numbered, a PUT is whole
        raise_on_status=False,
    )


def _tls(options: Options) -> ssl.SSLContext:
    import certifi

    if options.verify is False:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    else:
        named = options.verify if isinstance(options.verify, str) else ""
        bundle = named or next(filter(None, map(os.environ.get, _BUNDLES)), None) or certifi.where()
        folder = Path(bundle).is_dir()
        try:
            context = ssl.create_default_context(
                cafile=None if folder else bundle, capath=bundle if folder else None
            )
        except OSError:
            what = "`verify` in the extra" if named else f"one of {', '.join(_BUNDLES)}"
            got = f"{what} names no file of authorities"
            raise BadSettings(got, where=_WHERE, fix="name a file in PEM that is on the worker") from None
    if options.client_cert:
        try:
            context.load_cert_chain(*options.client_cert)
        except OSError:
            got = "`config_kwargs.client_cert` in the extra names no certificate with its key"
            raise BadSettings(got, where=_WHERE, fix="name files in PEM that are on the worker") from None
    return context


def _proxy(endpoint: str, options: Options) -> str | None:
    from requests.utils import get_environ_proxies, select_proxy

    proxies = get_environ_proxies(endpoint) if options.proxies is None else dict(options.proxies)
    proxy = select_proxy(endpoint, proxies)
    if not proxy:
        return None
    proxy = proxy if "://" in proxy else f"http://{proxy}"
    try:
        parts = urlsplit(proxy)
        right = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        right = False
    if not right:
        raise BadSettings("its proxy is no http(s) URL", where=_WHERE, fix="set it to http://host:port")
    return proxy
