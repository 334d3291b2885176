"""Logins: how a source is told who asks, where that is not basic auth. One small class a style.

The object `auth` in the extra of a connection names the style; the secret is the connection's password.
"""

import re
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any

import requests

from include.transfer.errors import BadSettings, refuse_unknown
from include.transfer.redact import secrets_of_login
from include.transfer.source.base_url import check_base_url
from include.transfer.source.queries import value_in, with_value, without_value
from include.transfer.source.redirects import Login

_OF_THE_CONNECTION = ("user", "password")
_METHODS = ("client_secret_basic", "client_secret_post")  # as RFC 7591 names them
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[\x21-\x7e\xa0-\xff](?:[\x20-\x7e\xa0-\xff]*[\x21-\x7e\xa0-\xff])?")


class _OfPassword(Login):
    """A login whose one secret is the password."""

    user: str
    password: str

    @property
    def secrets(self) -> set[str]:
        return secrets_of_login("", self.password)


@dataclass(frozen=True, kw_only=True)
class InHeader(_OfPassword):
    """`X-Api-Key: …`"""

    style: str = field(default="header", init=False)
    name: str
    user: str = field(default="", repr=False)
    password: str = field(repr=False)

    def wrong(self) -> str:
        """What it lacks; empty: nothing."""
        if not _HEADER_NAME.fullmatch(self.name):
            return "its name is not the name of a header"
        return "" if _HEADER_VALUE.fullmatch(self.password) else "the password cannot be sent in a header"

    def is_on(self, request: requests.PreparedRequest) -> bool:
        return self.name in request.headers

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers[self.name] = self._value
        return request

    @property
    def _value(self) -> str:
        return self.password


@dataclass(frozen=True, kw_only=True)
class Bearer(InHeader):
    """`Authorization: Bearer …`: the password is the token."""

    style: str = field(default="bearer", init=False)
    name: str = field(default="Authorization", init=False)

    @property
    def _value(self) -> str:
        return f"Bearer {self.password}"


@dataclass(frozen=True, kw_only=True)
class InQuery(_OfPassword):
    """`?api_key=…`"""

    style: str = field(default="query", init=False)
    param: str
    user: str = field(default="", repr=False)
    password: str = field(repr=False)

    def wrong(self) -> str:
        """What it lacks; empty: nothing."""
        return (
            "" if self.param and self.password else "it needs a param, and the connection a password: the key"
        )

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.url = with_value(str(request.url), self.param, self.password)
        return request

    def is_on(self, request: requests.PreparedRequest) -> bool:
        return value_in(str(request.url), self.param) == self.password

    def removed(self, url: str) -> str:
        return without_value(url, self.param) if value_in(url, self.param) == self.password else url


@dataclass(frozen=True, kw_only=True)
class ClientCredentials:
    """OAuth 2 client credentials (RFC 6749, 4.4): user and password are the client's id and secret.

    `method`: how these are sent to `token_url`: as basic auth, or in the form (client_secret_post).
    """

    style: str = field(default="oauth2", init=False)
    user: str = field(repr=False)
    password: str = field(repr=False)
    token_url: str
    scope: str = ""
    audience: str = ""
    method: str = _METHODS[0]

    def wrong(self) -> str:
        """What it lacks; empty: nothing."""
        if not (self.user and self.password):
            return "the connection lacks a login, the client's id, or a password, its secret"
        try:
            check_base_url(self.token_url)
        except BadSettings as error:
            return f"its token_url cannot be asked: {error.got}"
        return "" if self.method in _METHODS else f"its method is none of {', '.join(_METHODS)}"

    @property
    def secrets(self) -> set[str]:
        """What no log may show, in all its forms."""
        return secrets_of_login(self.user, self.password)

    @property
    def in_form(self) -> bool:
        """Whether the client's secret is sent in the form."""
        return self.method == "client_secret_post"


AnyLogin = InHeader | Bearer | InQuery | ClientCredentials
_STYLES: Mapping[str, type[AnyLogin]] = {
    "bearer": Bearer,
    "header": InHeader,
    "query": InQuery,
    "oauth2": ClientCredentials,
}


def login_of(auth: Any, user: str, password: str) -> AnyLogin:
    """What the object `auth` of an extra describes, with the connection's login and password.

    Raises BadSettings, without any value, for an unknown style or setting and for one that is missing.
    """
    where = "auth in the extra"
    style = auth.get("style") if isinstance(auth, Mapping) else None
    kind = _STYLES.get(style) if isinstance(style, str) else None
    if kind is None:
        fix = (
            f'make it an object such as {{"style": "bearer"}}, of style {", ".join(_STYLES)}; '
            'a header that is called auth is {"style": "header", "name": "auth"}'
        )
        raise BadSettings("it has no style that is known", where=where, fix=fix)
    own = {name: value for name, value in auth.items() if name != "style"}
    settings = [f for f in fields(kind) if f.init and f.name not in _OF_THE_CONNECTION]
    refuse_unknown(own, [f.name for f in settings], where)
    needed = [f.name for f in settings if f.default is MISSING]
    if not all(own.get(name) for name in needed) or not all(isinstance(each, str) for each in own.values()):
        fix = f"give {', '.join(needed) or 'every setting'} as text"
        raise BadSettings(f"style {style} lacks a setting, or one is no text", where=where, fix=fix)
    login = kind(**own, user=user, password=password.strip())
    if wrong := login.wrong():
        raise BadSettings(wrong, where=where, fix=f"correct the connection: its auth is of style {style}")
    return login
