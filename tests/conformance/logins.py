"""Servers that want to know who asks, each in its own way, and count and serve rows to nobody else."""

import base64
from typing import Any, ClassVar
from urllib.parse import parse_qs

import requests

from include.transfer.source.endpoint import Endpoint
from include.transfer.source.logins import login_of
from tests.conformance.chains import LinksInTheBody
from tests.conformance.styles import Answer, Style
from tests.servers.http_server import Request

SECRET = "s/3cret=7f3a9c1e"
NO: Answer = (401, {}, {"detail": "no"})


class WantsALogin(Style):
    """`auth`: as in the connection's extra; `base`: where the server is, known once it is asked."""

    auth: ClassVar[dict[str, Any]] = {"style": "bearer"}

    def session(self, url: str) -> requests.Session:
        """A session with the login."""
        given = {name: value.replace("BASE", url) for name, value in self.auth.items()}
        return Endpoint(url, trust_env=False).with_login(login_of(given, "me", SECRET)).session()

    def refusal(self, request: Request) -> Answer | None:
        return None if self.knows(request) else NO

    def knows(self, request: Request) -> bool:
        """Whether the request has the login."""
        return request.headers.get("authorization") == f"Bearer {SECRET}"


class WantsAKeyInAHeader(WantsALogin):
    auth: ClassVar = {"style": "header", "name": "X-Api-Key"}

    def knows(self, request: Request) -> bool:
        return request.headers.get("x-api-key") == SECRET and "authorization" not in request.headers


class WantsAKeyInTheQuery(WantsALogin):
    auth: ClassVar = {"style": "query", "param": "appid"}

    def knows(self, request: Request) -> bool:
        return request.query.get("appid") == SECRET


class LinksWithTheKey(LinksInTheBody, WantsAKeyInTheQuery):
    """The links repeat the key, and receipts must not."""

    auth: ClassVar = {"style": "query", "param": "api_key"}

    def knows(self, request: Request) -> bool:
        return request.query.get("api_key") == SECRET

    def led(self, rows: list[dict[str, Any]], following: int | None, request: Request) -> Answer:
        link = f"/api/get?cursor=t{following}&api_key={SECRET}" if following else None
        return 200, {}, {"items": rows, "links": {"next": link}}


class GivesTokens(WantsALogin):
    """OAuth 2 client credentials (RFC 6749, 4.4). A token is good for `uses` requests."""

    auth: ClassVar = {"style": "oauth2", "token_url": "BASE/token", "scope": "read all", "audience": "us"}
    uses: ClassVar[int] = 3

    def __init__(self) -> None:
        super().__init__()
        self.tokens, self.used = 0, 0

    def refusal(self, request: Request) -> Answer | None:
        if request.path != "/token":
            return super().refusal(request)
        form = parse_qs(request.body.decode())
        wanted = {"grant_type": ["client_credentials"], "scope": ["read all"], "audience": ["us"]}
        if not self.client(request, form) or form != wanted:
            return 401, {}, {"error": "invalid_client"}
        self.tokens, self.used = self.tokens + 1, 0
        return 200, {}, {"access_token": f"t{id(self)}-{self.tokens}", "token_type": "bearer"} | self.more()

    def client(self, request: Request, form: dict[str, list[str]]) -> bool:
        """Whether the client's id and secret are right; `form` loses them."""
        return (
            request.headers.get("authorization")
            == "Basic " + base64.b64encode(f"me:{SECRET}".encode()).decode()
        )

    def more(self) -> dict[str, Any]:
        """What else stands beside a token."""
        return {"expires_in": 3600}

    def knows(self, request: Request) -> bool:
        self.used += 1
        right = request.headers.get("authorization") == f"Bearer t{id(self)}-{self.tokens}"
        return right and self.used <= self.uses


class GivesTokensToAForm(GivesTokens):
    auth: ClassVar = GivesTokens.auth | {"method": "client_secret_post"}

    def client(self, request: Request, form: dict[str, list[str]]) -> bool:
        right = form.pop("client_id", None) == ["me"] and form.pop("client_secret", None) == [SECRET]
        return right and "authorization" not in request.headers


class GivesTokensThatExpireAtOnce(GivesTokens):
    uses: ClassVar = 1

    def more(self) -> dict[str, Any]:
        return {"expires_in": "0"}


HONEST = [
    WantsALogin,
    WantsAKeyInAHeader,
    WantsAKeyInTheQuery,
    LinksWithTheKey,
    GivesTokens,
    GivesTokensToAForm,
    GivesTokensThatExpireAtOnce,
]
