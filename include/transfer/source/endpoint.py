"""Endpoint: a source's base URL and what goes with every request, as plain values between processes."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import requests
from requests.structures import CaseInsensitiveDict

from include.transfer.errors import BadSettings
from include.transfer.redact import redact


@dataclass(frozen=True)
class Endpoint:
    """A server with its credentials: `headers` and `auth` hold secrets.

    `verify`: whether its certificate is checked, or by which authorities; `cert`: the client's own.
    """

    base_url: str
    headers: dict[str, str] = field(default_factory=dict)
    auth: tuple[str, str] | None = None
    proxies: dict[str, str] = field(default_factory=dict)
    verify: bool | str = True
    cert: Any = None
    max_redirects: int = 30
    trust_env: bool = True

    def __post_init__(self) -> None:
        """Refuse a connection without a host before the first request does so less clearly."""
        if "://" not in self.base_url or self.base_url.endswith("://"):
            raise BadSettings(
                f"its URL is {redact(self.base_url)!r}, without a host",
                where="the connection",
                fix="set its host",
            )

    @classmethod
    def of(cls, session: requests.Session, base_url: str) -> "Endpoint":
        """What a session of somebody else's making carries."""
        auth = session.auth
        if auth is not None and not isinstance(auth, tuple):
            auth = (getattr(auth, "username", ""), getattr(auth, "password", ""))
        return cls(
            base_url=base_url,
            headers={str(name): str(value) for name, value in session.headers.items()},
            auth=auth,
            proxies={name: str(url) for name, url in (session.proxies or {}).items()},
            verify=session.verify if session.verify is not None else True,
            cert=session.cert,
            max_redirects=session.max_redirects,
            trust_env=bool(session.trust_env),
        )

    def session(self) -> requests.Session:
        """A session that sends these with every request."""
        session = requests.Session()
        session.headers = CaseInsensitiveDict(self.headers)
        session.auth = self.auth
        session.proxies = dict(self.proxies)
        session.verify = self.verify
        session.cert = self.cert
        session.max_redirects = self.max_redirects
        session.trust_env = self.trust_env
        return session

    def to_json(self) -> str:
        """With its secrets: for another process's environment, never for a log."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Endpoint":
        """Raises BadSettings, without the text, for what `to_json` did not write."""
        try:
            values: Mapping[str, Any] = json.loads(text)
            auth, cert = values.get("auth"), values.get("cert")
            plain = {**values, "auth": tuple(auth) if auth else None}
            return cls(**plain | {"cert": tuple(cert) if isinstance(cert, list) else cert})
        except (ValueError, TypeError, AttributeError):
            raise BadSettings("it is no endpoint as JSON", where="LAKE_SOURCE") from None
