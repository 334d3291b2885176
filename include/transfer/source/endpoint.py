"""Endpoint: a source's base URL and what goes with every request, as plain values between processes."""

import json
import os
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import requests
from requests.structures import CaseInsensitiveDict
from requests.utils import get_environ_proxies

from include.transfer.errors import BadSettings
from include.transfer.redact import secrets_held
from include.transfer.source.base_url import check_base_url, without_login
from include.transfer.source.logins import AnyLogin, ClientCredentials, login_of

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_WORDS = {"true": True, "false": False}


@dataclass(frozen=True)
class Endpoint:
    """A server with its credentials: `headers`, `auth`, `login` and `proxies` hold secrets.

    `auth`: user and password of basic auth; `login`: of another style, in its place. `verify`: whether its
    certificate is checked, or by which authorities; `cert`: the client's own.
    """

    base_url: str
    headers: dict[str, str] = field(default_factory=dict)
    auth: tuple[str, str] | None = None
    proxies: dict[str, str] = field(default_factory=dict)
    verify: bool | str = True
    cert: Any = None
    max_redirects: int = 30
    trust_env: bool = True
    login: AnyLogin | None = None

    def __post_init__(self) -> None:
        """Refuse a URL that no request can be sent to."""
        check_base_url(self.base_url)

    @classmethod
    def of(cls, session: requests.Session, base_url: str) -> "Endpoint":
        """What a session of requests carries.

        Raises BadSettings, which names the setting and not its value, for what no request can be made of.
        """
        check_base_url(base_url)
        url, login = without_login(base_url)
        proxies = session.proxies or {}
        verify = _bool("verify", session.verify, text_too=True)
        _require(
            isinstance(proxies, Mapping) and _texts(proxies.values()), "proxies", "a URL for each scheme"
        )
        _require(
            not isinstance(verify, str) or os.path.exists(verify),  # noqa: PTH110  # of any odd text
            "verify",
            "true, false, or a file of authorities that is on the worker",
        )
        _require(str(session.max_redirects).isdecimal(), "max_redirects", "a number")
        return cls(
            base_url=url,
            headers={name: _header(name, value) for name, value in session.headers.items()},
            auth=_login(session.auth) or login,
            proxies=dict(proxies),
            verify=verify,
            cert=_certificate(session.cert),
            max_redirects=int(session.max_redirects),
            trust_env=bool(_bool("trust_env", session.trust_env)),
        )

    def with_login(self, login: AnyLogin) -> "Endpoint":
        """The same server, told in another way than by basic auth who asks."""
        return replace(self, auth=None, login=login)

    def session(self, told: Callable[[Collection[str]], None] = lambda _: None) -> requests.Session:
        """A session that sends these with every request, and what the environment names where these do not.

        `told`: is given what no log may show of secrets that come later, such as tokens. requests itself lets
        the environment's authorities and proxies win over a session's, and a login in ~/.netrc over its
        headers.
        """
        session = requests.Session()
        session.headers = CaseInsensitiveDict(self.headers)
        session.auth = self._auth(told)
        session.cert = self.cert
        session.max_redirects = self.max_redirects
        session.verify, session.proxies = self.verify, dict(self.proxies)
        session.trust_env = self.trust_env and self.verify is True and not self.proxies
        if self.trust_env and self.verify is True:
            bundle = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
            session.verify = bundle or True
        if self.trust_env and not self.proxies:
            session.proxies = get_environ_proxies(self.base_url)
        return session

    def _auth(self, told: Callable[[Collection[str]], None]) -> Any:
        if not isinstance(self.login, ClientCredentials):
            return self.login or (_encoded(self.auth) if self.auth else _no_login)
        from include.transfer.source.tokens import Tokens  # few connections need its library

        client = self.login
        auth = None if client.in_form else (client.user, client.password)
        headers = {name: value for name, value in self.headers.items() if name.lower() == "user-agent"}
        at_url = replace(self, base_url=client.token_url, headers=headers, auth=auth, login=None)
        return Tokens(client, at_url.session(), told)

    @property
    def secrets(self) -> set[str]:
        """What no log may show, in all its forms."""
        held = secrets_held(self.headers, self.auth, self.proxies)
        return held | self.login.secrets if self.login else held

    def to_json(self) -> str:
        """With its secrets: for another process's environment, never for a log."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Endpoint":
        """Raises BadSettings, without the text, for what `to_json` did not write."""
        try:
            values: Mapping[str, Any] = json.loads(text)
            auth, cert, login = (values.get(name) for name in ("auth", "cert", "login"))
            if login:
                login = login_of(login, login.pop("user"), login.pop("password"))
            plain = {**values, "auth": tuple(auth) if auth else None, "login": login}
            return cls(**plain | {"cert": tuple(cert) if isinstance(cert, list) else cert})
        except (ValueError, TypeError, AttributeError, KeyError):
            raise BadSettings("it is no endpoint as JSON", where="LAKE_SOURCE") from None


def _no_login(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _login(auth: Any) -> tuple[str, str] | None:
    if auth is None:
        return None
    user, password = auth if isinstance(auth, tuple) else (auth.username, auth.password)
    return str(user or ""), str(password or "")


def _encoded(auth: tuple[str, str]) -> Any:
    """As text, which requests sends as Latin-1, or as UTF-8 where that does not have all characters."""
    try:
        ":".join(auth).encode("latin-1")
    except UnicodeEncodeError:
        return tuple(part.encode() for part in auth)
    return auth


def _header(name: str, value: Any) -> str:
    """A header's value as it is sent. White space around it means nothing in HTTP: it came with pasting."""
    _require(_HEADER_NAME.fullmatch(name) is not None, "a name in the extra", "the name of a header")
    number = isinstance(value, int | float) and not isinstance(value, bool)
    _require(number or isinstance(value, str | bytes), f"header {name}", "text")
    text = value.decode("latin-1") if isinstance(value, bytes) else str(value).strip()
    _require(re.search(r"[\x00-\x08\x0a-\x1f\x7f]", text) is None, f"header {name}", "one line")
    _require(all(ord(each) < 256 for each in text), f"header {name}", "of Latin-1's characters")
    return text


def _bool(name: str, value: Any, *, text_too: bool = False) -> Any:
    """A connection as a URI holds all values as text."""
    value = True if value is None else _WORDS.get(value.lower(), value) if isinstance(value, str) else value
    right = isinstance(value, bool) or (text_too and isinstance(value, str) and value)
    _require(bool(right), name, "true or false" + (", or a file of authorities" if text_too else ""))
    return value


def _certificate(cert: Any) -> Any:
    pair = tuple(cert) if isinstance(cert, list | tuple) else (cert,)
    _require(
        not cert or (len(pair) <= 2 and _texts(pair) and all(map(os.path.exists, pair))),
        "cert",
        "a file that is on the worker, or [file, key]",
    )
    return (pair if len(pair) == 2 else pair[0]) if cert else None


def _texts(values: Any) -> bool:
    return all(isinstance(value, str) for value in values)


def _require(right: bool, where: str, wanted: str) -> None:
    if not right:
        fix = f"make it {wanted}"
        raise BadSettings("it cannot be used as it is", where=f"{where} of the connection", fix=fix)
