"""One parameter of a URL's query: read, set or removed, with all others left as they are written."""

from urllib.parse import quote, unquote_plus, urlsplit, urlunsplit


def value_in(url: str, name: str) -> str | None:
    """The value of the last parameter of this name; None: there is none."""
    values = [unquote_plus(value) for key, _, value in _pairs(url) if unquote_plus(key) == name]
    return values[-1] if values else None


def without_value(url: str, name: str) -> str:
    """The URL without parameters of this name."""
    kept = ["".join(pair) for pair in _pairs(url) if unquote_plus(pair[0]) != name]
    return urlunsplit(urlsplit(url)._replace(query="&".join(kept)))


def with_value(url: str, name: str, value: str) -> str:
    """The URL with one parameter of this name."""
    parts = urlsplit(without_value(url, name))
    added = f"{quote(name, safe='')}={quote(value, safe='')}"
    return urlunsplit(parts._replace(query=f"{parts.query}&{added}" if parts.query else added))


def _pairs(url: str) -> list[tuple[str, str, str]]:
    return [each.partition("=") for each in urlsplit(url).query.split("&") if each]
