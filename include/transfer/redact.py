"""What must not be repeated of a request: found in what was sent, hidden in what is said."""

import re
from collections.abc import Iterable, Mapping
from itertools import takewhile
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

_SECRET_NAME = re.compile(r"key|token|secret|passw|pwd|sig|auth|credential", re.IGNORECASE)


def redact(url: str) -> str:
    """`url` without its user, password and any query value whose name sounds like a secret."""
    try:
        parts = urlsplit(url)
    except ValueError:  # brackets that hold no IPv6 address
        return "(not a URL)"
    query = [(k, "***" if _SECRET_NAME.search(k) else v) for k, v in parse_qsl(parts.query, True)]
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, urlencode(query, safe="*,"), ""))


def secrets_in(url: str, headers: Mapping[str, str]) -> set[str]:
    """What must not be repeated of a request: credentials, as they were sent, and each word of them."""
    parts = urlsplit(url)
    found = {value for name, value in parse_qsl(parts.query) if _SECRET_NAME.search(name)}
    found |= {part for part in (parts.username, parts.password) if part}
    for name, value in headers.items():
        if _SECRET_NAME.search(name) or name.lower() == "cookie":
            found |= {value, *re.split(r"[\s;,=]+", value)}
    return {secret for secret in found if len(secret) > 3}


_TELLING = 6  # characters of a secret that may not be seen either: an excerpt can end in the middle of one


def hidden(text: str, secrets: Iterable[str]) -> str:
    """`text` with *** for every secret in it, also for one that an excerpt cuts at its end or beginning."""
    found = sorted(secrets, key=len, reverse=True)
    for secret in found:
        text = text.replace(secret, "***")
    for secret in (secret for secret in found if len(secret) > _TELLING):
        text = _without_start(text, secret)
        text = _without_start(text[::-1], secret[::-1])[::-1]
    return text


def _without_start(text: str, secret: str) -> str:
    """`text` without any longest beginning of `secret`."""
    kept, at = [], 0
    while (found := text.find(secret[:_TELLING], at)) >= 0:
        kept += [text[at:found], "***"]
        pairs = zip(text[found:], secret, strict=False)
        at = found + sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    return "".join([*kept, text[at:]])
