"""How a store is reached and written to, as the extra of an aws connection says: by the names of boto3."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from include.transfer.errors import BadSettings
from include.transfer.redact import secrets_held

_HEADERS = {
    "ServerSideEncryption": "x-amz-server-side-encryption",
    "SSEKMSKeyId": "x-amz-server-side-encryption-aws-kms-key-id",
    "StorageClass": "x-amz-storage-class",
}
_STYLES = ("auto", "path", "virtual")


@dataclass(frozen=True)
class Options:
    """`verify`: whether certificates are checked (None: as the environment says), or a file of authorities.

    `proxies`: by scheme, None for those of the environment. `put_headers`: go with every object written.
    """

    verify: bool | str | None = None
    client_cert: tuple[str, str | None] | None = None
    proxies: Mapping[str, str] | None = None
    addressing_style: str = "auto"
    put_headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, extra: Mapping[str, Any]) -> "Options":
        """Raises BadSettings, which names the setting and not its value."""
        config = _object(extra, "config_kwargs")
        s3 = _object(config, "s3", "config_kwargs.")
        proxies = _object(config, "proxies", "config_kwargs.")
        written = _object(
            _object(_object(extra, "service_config"), "s3", "service_config."),
            "extra_args",
            "service_config.s3.",
        )
        style = s3.get("addressing_style") or "auto"
        _require(style in _STYLES, "config_kwargs.s3.addressing_style", f"one of {', '.join(_STYLES)}")
        _require(_texts(proxies.values()), "config_kwargs.proxies", "a URL for each scheme")
        for name, value in written.items():
            where = f"service_config.s3.extra_args.{name}"
            _require(name in _HEADERS, where, f"left out, or one of {', '.join(_HEADERS)}")
            _require(_texts([value]) and value.isascii() and value.isprintable(), where, "plain text")
        return cls(
            verify=_verify(extra.get("verify")),
            client_cert=_certificate(config.get("client_cert")),
            proxies=proxies or None,
            addressing_style=style,
            put_headers={_HEADERS[name]: value for name, value in written.items()},
        )


class RoleKeys:
    """Keys of a role, which the AWS SDK renews; remembers all that it gave. `source`: its credentials."""

    def __init__(self, source: Any) -> None:
        self._source = source
        self.given: set[tuple[str, str, str]] = set()

    def get_frozen_credentials(self) -> Any:
        keys = self._source.get_frozen_credentials()
        self.given.add((keys.access_key, keys.secret_key, keys.token or ""))
        return keys


class Settings(NamedTuple):
    """A store: `credentials` are (access key, secret key, session token), or RoleKeys."""

    endpoint: str | None
    region: str | None
    credentials: Any
    options: Options = Options()

    @property
    def secrets(self) -> set[str]:
        """What no log may show, in all its forms; of a role, the keys that it has given so far."""
        given = self.credentials.given if isinstance(self.credentials, RoleKeys) else {self.credentials}
        found = secrets_held({}, None, self.options.proxies or {})
        for access, secret, token in filter(None, given):
            found |= secrets_held({"token": token or ""}, (access, secret), {})
        return found


def _verify(value: Any) -> bool | str | None:
    """A connection as a URI holds all values as text."""
    words = {"true": True, "false": False, "": None}
    if isinstance(value, str):
        return words.get(value.lower(), value)
    _require(value is None or isinstance(value, bool), "verify", "true, false or a file of authorities")
    return value  # type: ignore[no-any-return]


def _certificate(value: Any) -> tuple[str, str | None] | None:
    if not value:
        return None
    pair = (value, None) if isinstance(value, str) else tuple(value) if isinstance(value, list) else ()
    _require(
        len(pair) == 2 and _texts(filter(None, pair)), "config_kwargs.client_cert", "a file, or [file, key]"
    )
    return pair


def _object(holder: Mapping[str, Any], name: str, within: str = "") -> Mapping[str, Any]:
    value: Any = holder.get(name) or {}
    if isinstance(value, str):  # in a connection as a URI
        try:
            value = json.loads(value)
        except ValueError:
            value = None
    _require(isinstance(value, Mapping), f"{within}{name}", "an object")
    return value  # type: ignore[no-any-return]


def _texts(values: Any) -> bool:
    return all(isinstance(value, str) for value in values)


def _require(right: bool, name: str, wanted: str) -> None:
    if not right:
        raise BadSettings(
            f"`{name}` in the extra is not as it must be",
            where="the store's connection",
            fix=f"make it {wanted}",
        )
