"""Where a source may send a request on to, and what goes with it: one policy for all its requests."""

from collections.abc import Collection
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
from requests.auth import AuthBase

from include.transfer.errors import SourceRefused
from include.transfer.redact import hidden, secrets_held, secrets_in
from include.transfer.source.addresses import Guard, GuardedAdapter

MOST_REDIRECTS = 10
_LARGEST_BODY = 64 << 10  # of a redirect that is read, so that its connection can be used again
# What a request to another host keeps: all else may have come from the connection, and is for its host alone.
_FOR_ANYBODY = {"accept", "accept-encoding", "connection", "user-agent"}


class Login(AuthBase):
    """What goes with requests to a connection's own origin, beside its headers; called, it is put on one."""

    def is_on(self, request: requests.PreparedRequest) -> bool:
        """Whether the request still has it: one that was redirected elsewhere has not."""
        return False

    def removed(self, url: str) -> str:
        """`url` without what was put on it: servers repeat that in links and redirects."""
        return url

    def renewed(self, refused: requests.PreparedRequest) -> bool:
        """Whether another call puts on something else than what was refused with 401."""
        return False

    @property
    def secrets(self) -> Collection[str]:
        """What no log may show, in all its forms."""
        return ()


class OwnHostOnly(requests.Session):
    """The `given` session for requests below `base_url`, which follows redirects by these rules:

    to http and https alone, `MOST_REDIRECTS` times at the most; to no loopback, link-local or private address
    unless the base URL's host is there too; and to another scheme, host or port without a header of the
    connection, a login, a cookie or a client's certificate; with a body to its own origin alone, and only
    where it stays one (307, 308). Raises SourceRefused.
    """

    def __init__(self, given: requests.Session, base_url: str) -> None:
        super().__init__()
        for name in requests.Session.__attrs__:
            setattr(self, name, getattr(given, name))
        self.max_redirects = min(self.max_redirects, MOST_REDIRECTS)
        self._own = _prepared(base_url)
        self._environments: dict[tuple[Any, ...], dict[str, Any]] = {}
        self._guard = Guard(_host(self._own))
        for scheme in ("http://", "https://"):
            self.mount(scheme, GuardedAdapter(self._guard))

    def merge_environment_settings(
        self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any
    ) -> dict[str, Any]:
        """Called by requests for each request. The environment is read once a server, for that takes as long
        as a small page."""
        proxies = dict(proxies or {})
        asked = *urlsplit(url)[:2], *sorted(proxies.items()), stream, verify, cert
        if asked not in self._environments:
            found = super().merge_environment_settings(url, proxies, stream, verify, cert)
            self._environments[asked] = dict(found)
        found = self._environments[asked]
        return {**found, "proxies": dict(found["proxies"])}

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """Called by requests, several times an answer, before it would read any body of a redirect whole."""
        try:
            target = super().get_redirect_target(resp)
            if target is None:
                return None
            parts = urlsplit(urljoin(resp.url, target))
            right = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        except ValueError:  # UnicodeError is one
            right = False
        if not right:
            raise SourceRefused("it redirects to no http(s) URL", fix="check the connection's host")
        if resp.request.body and not (
            resp.status_code in (307, 308) and same_origin(urljoin(resp.url, target), self._own)
        ):
            raise SourceRefused(
                f"it redirects a POST, with {resp.status_code}", fix="set the path or URL to where that leads"
            )
        resp.raw.read(_LARGEST_BODY, decode_content=False)
        resp.close()
        return target

    def rebuild_auth(self, prepared_request: requests.PreparedRequest, response: requests.Response) -> None:
        """Called by requests, which would add a login from ~/.netrc here; `send` decides what goes where."""
        if isinstance(self.auth, Login):
            kept = same_origin(str(prepared_request.url), self._own) and self.auth.is_on(response.request)
            if kept:
                self.auth(prepared_request)
            else:
                prepared_request.url = self.auth.removed(str(prepared_request.url))

    def send(self, request: requests.PreparedRequest, **named: Any) -> requests.Response:
        """Called by requests for the first request and for each that a redirect leads to."""
        url = str(request.url)
        if not same_origin(url, self._own):
            self._guard.check_literal(_host(url))
            for name in [name for name in request.headers if name.lower() not in _FOR_ANYBODY]:
                del request.headers[name]
            named["cert"] = None
        response = super().send(request, **named)
        if response.status_code != requests.codes.unauthorized or not isinstance(self.auth, Login):
            return response
        if response.history or not (self.auth.is_on(request) and self.auth.renewed(request)):
            return response
        response.close()
        return super().send(self.auth(request), **named)

    def without_login(self, url: str) -> str:
        """A link without what the login would put on it."""
        return self.auth.removed(url) if isinstance(self.auth, Login) else url

    def without_secrets(self, text: str, response: requests.Response | None = None) -> str:
        """`text` without what the connection holds and what was sent: sources repeat it, and proxies do.

        All text of a server goes through here before it is part of an error or a log line.
        """
        found = secrets_held(self.headers, self.auth, self.proxies)
        found.update(self.auth.secrets if isinstance(self.auth, Login) else ())
        for answer in [*response.history, response] if response is not None else []:
            sent = {name: str(value) for name, value in answer.request.headers.items()}
            found |= secrets_in(str(answer.request.url), sent)
        return hidden(text, found)


def _prepared(url: str) -> str:
    """As it is sent; empty for what is no URL, to which no request will be sent."""
    try:
        return str(requests.Request("GET", url).prepare().url)
    except (requests.RequestException, ValueError):
        return ""


def _host(url: str) -> str:
    """As a connection knows it."""
    return (urlsplit(url).hostname or "").rstrip(".")


def same_origin(one: str, other: str) -> bool:
    """Whether two URLs have the same scheme, host and port."""
    default = {"http": 80, "https": 443}
    first, second = (urlsplit(url) for url in (one, other))
    return (first.scheme, first.hostname, first.port or default.get(first.scheme)) == (
        second.scheme,
        second.hostname,
        second.port or default.get(second.scheme),
    )
