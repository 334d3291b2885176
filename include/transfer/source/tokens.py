"""Tokens of OAuth 2: asked for once a process, again before they expire and once when one is refused."""

import json
import re
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass

import requests
from oauthlib.oauth2 import BackendApplicationClient, OAuth2Error

from include.transfer.errors import SourceRefused, TransferError
from include.transfer.redact import secrets_of_login
from include.transfer.source.fetch import chunks, request
from include.transfer.source.logins import ClientCredentials
from include.transfer.source.pace import Patience
from include.transfer.source.redirects import Login, OwnHostOnly

_RENEWED = 30.0  # seconds before it expires: a request may take as long to arrive
_LARGEST_ANSWER = 1 << 20
_FIX = "check the connection: login (the client's id), password (its secret), and token_url and scope in auth"


@dataclass(frozen=True)
class _Token:
    text: str
    until: float  # of the monotonic clock


_tokens: dict[ClientCredentials, _Token] = {}


class Tokens(Login):
    """`Authorization: Bearer …`, with a token for the client's credentials. `session` asks for them.

    `told`: is given what no log may show of each new token. Calls raise SourceRefused and SourceUnavailable,
    which name the token URL.
    """

    def __init__(
        self,
        client: ClientCredentials,
        session: requests.Session,
        told: Callable[[Collection[str]], None] = lambda _: None,
    ) -> None:
        self._client, self._told = client, told
        self._session = OwnHostOnly(session, client.token_url)

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        token = _tokens.get(self._client)
        if token is None or time.monotonic() >= token.until:
            token = self._new()
        request.headers["Authorization"] = f"Bearer {token.text}"
        return request

    def is_on(self, request: requests.PreparedRequest) -> bool:
        return "Authorization" in request.headers

    def renewed(self, refused: requests.PreparedRequest) -> bool:
        """Whether there is another token than the one that was refused."""
        token = _tokens.get(self._client)
        if token and refused.headers.get("Authorization") == f"Bearer {token.text}":
            del _tokens[self._client]
        return True

    @property
    def secrets(self) -> set[str]:
        token = _tokens.get(self._client)
        return self._client.secrets | (secrets_of_login("", token.text) if token else set())

    def _new(self) -> _Token:
        asked = time.monotonic()
        try:
            text, seconds = self._asked_for()
        except TransferError as error:
            error.rewrite(self._session.without_secrets)
            raise error from None
        self._told(secrets_of_login("", text))
        token = _Token(text, asked + seconds - _RENEWED)
        _tokens[self._client] = token
        return token

    def _asked_for(self) -> tuple[str, float]:
        """A new token and how many seconds it is good for."""
        client, given = BackendApplicationClient(self._client.user), {}
        if self._client.audience:
            given["audience"] = self._client.audience
        if self._client.in_form:
            given["client_secret"] = self._client.password
        form = client.prepare_request_body(
            scope=self._client.scope, include_client_id=self._client.in_form, **given
        )
        headers = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
        url = self._client.token_url
        try:
            with request(self._session, url, [], headers, Patience(), form.encode()) as response:
                return _read(client, _body(response), f"POST {url}")
        except SourceRefused as error:
            error.fix = _FIX
            raise


def _body(response: requests.Response) -> bytes:
    body = bytearray()
    for chunk in chunks(response):
        body += chunk
        if len(body) > _LARGEST_ANSWER:
            break
    return bytes(body)


def _read(client: BackendApplicationClient, body: bytes, where: str) -> tuple[str, float]:
    """Raises SourceRefused for an answer that holds no bearer token."""
    try:
        found = client.parse_request_body_response(json.dumps(json.loads(body)))
        text, seconds = found["access_token"], float(found.get("expires_in") or "inf")
        right = re.fullmatch(r"[\x21-\x7e]+", text) and found.get("token_type", "bearer").lower() == "bearer"
    except OAuth2Error as error:
        got = f"the answer has no token, but the error {error.error}"
        raise SourceRefused(f"{got}: {error.description or ''}"[:300], where=where) from None
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError):
        right = None
    if not right:
        raise SourceRefused("its answer is no bearer token in JSON", where=where)
    return text, seconds
