"""What must not be repeated of a connection: found in it and in what was sent, hidden in what is said.

Everything that came out of a connection is a secret, as far as logs stay readable:

- a password, and whatever a header or parameter holds whose name sounds like a secret (key, token, auth,
  cookie …): from 4 characters on. So is a login without a password: it is a key.
- any other header, a login beside its password, and the words of a value: from 6 characters on, unless made
  of plain words of up to 19 letters together (admin, wildfires-eu) or a number of up to 5 digits (8080).
- never true, false, none and null; what every client sends (Accept, User-Agent, Host …); hosts and paths.

Each is hidden as it is, line by line, and in the forms that servers and libraries make of it: quoted for a
URL, in base64 (with its login, too), escaped for JSON, HTML or Python, UTF-8 taken for Latin-1 and the other
way round.
"""

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import takewhile
from typing import Any
from urllib.parse import parse_qsl, quote, quote_plus, unquote, urlencode, urlsplit, urlunsplit

_SECRET_NAME = re.compile(r"key|token|secret|passw|pwd|sig|auth|credential|cookie", re.IGNORECASE)
_PUBLIC = {
    *("accept", "accept-charset", "accept-encoding", "accept-language", "cache-control", "connection"),
    *("content-length", "content-type", "host", "keep-alive", "origin", "range", "referer", "user-agent"),
}
_WORDS = {"", "true", "false", "none", "null"}
_SCHEMES = {"apikey", "basic", "bearer", "digest", "negotiate", "token"}
_PLAIN = re.compile(r"(?=.{1,19}$)[a-z]+(?:[-_. ][a-z]+)*|[0-9]{1,5}", re.IGNORECASE)
_SHORTEST, _SHORTEST_SETTING = 4, 6


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
    """What must not be repeated of a request, in all forms."""
    parts = urlsplit(url)
    found: set[str] = set()
    if parts.username or parts.password:
        found |= secrets_of_login(unquote(parts.username or ""), unquote(parts.password or ""))
    for name, value in parse_qsl(parts.query):
        found |= _credential(value) if _SECRET_NAME.search(name) else set()
    for name, value in headers.items():
        if name.lower() not in _PUBLIC:
            found |= _of_header(name, value)
    return found


def secrets_held(headers: Mapping[str, Any], auth: Any, proxies: Mapping[str, str]) -> set[str]:
    """Those of a connection, in all forms. `auth`: user and password as text or bytes, else nothing known."""
    found = secrets_in("", {name: str(value) for name, value in headers.items()})
    if isinstance(auth, tuple):
        found |= secrets_of_login(*(part.decode() if isinstance(part, bytes) else part for part in auth))
    return found.union(*(secrets_in(proxy, {}) for proxy in proxies.values()))


def secrets_of_login(user: str, password: str) -> set[str]:
    """A login's, in all forms."""
    if not password:
        return _credential(user) | _base64(f"{user}:")
    return _setting(user) | _credential(password) | _base64(f"{user}:{password}")


def _of_header(name: str, value: str) -> set[str]:
    if "://" in value:
        return secrets_in(value, {})
    if not _SECRET_NAME.search(name):
        return _setting(value) | _words(value)
    scheme, _, rest = value.strip().partition(" ")
    if scheme.lower() not in _SCHEMES:
        return _credential(value) | _words(value)
    login = _decoded(rest) if scheme.lower() == "basic" else ()
    return _credential(rest) | _words(rest) | {form for pair in login for form in secrets_of_login(*pair)}


def _words(value: str) -> set[str]:
    words = re.split(r"[\s;,]+", value)
    pairs = {word: re.fullmatch(r"[\w-]+=\"?([^\"=][^\"]*)\"?", word) for word in words}
    return {form for word, pair in pairs.items() for form in _setting(pair[1] if pair else word)}


def _decoded(text: str) -> Iterator[tuple[str, str]]:
    """User and password of a basic login."""
    try:
        data = base64.b64decode(text)
    except ValueError:
        return
    for encoding in ("utf-8", "latin-1"):
        user, _, password = data.decode(encoding, "replace").partition(":")
        yield user, password


def _setting(value: str) -> set[str]:
    bare = value.strip()
    return set() if len(bare) < _SHORTEST_SETTING or _PLAIN.fullmatch(bare) else _credential(bare)


def _credential(value: str) -> set[str]:
    lines = {value, value.strip(), *map(str.strip, value.splitlines())}
    return {form for line in lines if line.lower() not in _WORDS for form in _forms(line)}


def _forms(text: str) -> set[str]:
    """`text` as servers and libraries write it; nothing so short that it would be found in other words."""
    if len(text) < _SHORTEST:
        return set()
    utf8 = text.encode(errors="replace")
    found = {text, html.escape(text), repr(text)[1:-1], utf8.decode("latin-1")}
    found |= {json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]}
    found |= {each.replace("/", "\\/") for each in found}
    quoted = {quote(utf8), quote(utf8, safe=""), quote_plus(utf8)}
    found |= quoted | {re.sub("%..", lambda code: code[0].lower(), each) for each in quoted}
    found.add(text.encode("latin-1", "replace").decode(errors="replace"))
    return found | _base64(text)


def _base64(text: str) -> set[str]:
    encodings = (text.encode(encoding, "replace") for encoding in ("utf-8", "latin-1"))
    return {
        encode(data).decode().rstrip("=")
        for data in encodings
        for encode in (base64.b64encode, base64.urlsafe_b64encode)
    }


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
