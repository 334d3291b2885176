"""The store's connection in pyiceberg's words."""

from collections.abc import Mapping

from include.transfer.store.options import RoleKeys, Settings

_ANY_REGION = "us-east-1"  # without one pyiceberg asks AWS for the bucket's
_KEYS = ("s3.access-key-id", "s3.secret-access-key", "s3.session-token")
# Any of these in the catalog's own properties: its keys are not the store's.
_OWN_KEYS = (*_KEYS[:2], "s3.profile-name", "s3.role-arn", "client.access-key-id", "client.role-arn")


def with_storage(catalog: Mapping[str, str], store: Settings) -> dict[str, str]:
    """The catalog's properties, and for objects those of the store; what the catalog says comes first."""
    found = {"s3.region": store.region or ("" if store.endpoint is None else _ANY_REGION)}
    found["s3.endpoint"] = store.endpoint or ""
    if store.options.addressing_style == "virtual":
        found["s3.force-virtual-addressing"] = "true"
    proxies = store.options.proxies or {}
    found["s3.proxy-uri"] = proxies.get("https") or proxies.get("http") or ""
    if not any(name in catalog for name in _OWN_KEYS):
        found |= dict(zip(_KEYS, _keys(store), strict=True))
    return {name: value for name, value in found.items() if value} | dict(catalog)


def _keys(store: Settings) -> tuple[str, str, str]:
    credentials = store.credentials
    if isinstance(credentials, RoleKeys):
        frozen = credentials.get_frozen_credentials()
        credentials = frozen.access_key, frozen.secret_key, frozen.token
    access, secret, token = credentials or ("", "", "")
    return access or "", secret or "", token or ""
