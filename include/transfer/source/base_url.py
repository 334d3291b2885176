"""A source's base URL, checked before the first request refuses it less clearly."""

import re
from urllib.parse import unquote, urlsplit, urlunsplit

import requests

from include.transfer.errors import BadSettings

_FORM = "make its host the whole URL: http(s)://host:port/path"


def check_base_url(url: str) -> None:
    """Raise BadSettings, without the URL, unless requests can be sent below it."""
    if wrong := _wrong_with(url):
        got, fix = wrong
        raise BadSettings(got, where="the connection's URL", fix=fix)


def without_login(url: str) -> tuple[str, tuple[str, str] | None]:
    """The URL, and the login that stood in it."""
    parts = urlsplit(url)
    login, _, host = parts.netloc.rpartition("@")
    user, _, password = login.partition(":")
    return urlunsplit(parts._replace(netloc=host)), (unquote(user), unquote(password)) if login else None


def _wrong_with(url: str) -> tuple[str, str] | None:
    """What is wrong, and what to do."""
    scheme, _, rest = url.partition("://")
    host = re.split(r"[/?#]", rest)[0].rpartition("@")[2]
    if not url.isprintable() or re.search(r"\s", url):
        return "it holds white space or a control character", "remove it from the host"
    if not rest or not host:
        return "it has no host", f"set its host; {_FORM}"
    if scheme.lower() not in ("http", "https"):
        got = "it begins with neither http:// nor https:// (Airflow takes a URI's path for its schema)"
        return got, f"give the connection as JSON, and {_FORM}"
    if host.count(":") > 1 and "[" not in host:
        got = "its host has more than one colon"
        return (
            got,
            "put an IPv6 address in brackets, as in [::1], and the port into the host or its own field",
        )
    if re.search(r"/.*:\d+$", rest):
        return "its port stands behind the path", f"leave the port's own field empty, and {_FORM}"
    if "?" in url or "#" in url:
        return "it has a query", "move that from the host into the dataset's query or paths"
    return None if _can_be_asked(url) else ("it is no URL of a host", f"correct its host; {_FORM}")


def _can_be_asked(url: str) -> bool:
    try:
        prepared = requests.Request("GET", without_login(url)[0]).prepare()
        parts = urlsplit(str(prepared.url))
        # As the resolver does: it refuses labels that are empty or too long.
        (parts.hostname or "").encode("idna")
        return urlsplit(url).port != 0 and bool(parts.hostname)
    except (requests.RequestException, ValueError):  # UnicodeError is one
        return False
