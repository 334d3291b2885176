"""Paths of a dataset, checked when it is defined: nothing heavy is imported."""

import re
from typing import Any
from urllib.parse import unquote


def leaves_base_path(name: str, path: Any) -> str:
    """What is wrong with a path, as any server or proxy may read it; empty: it stays below the connection's.

    The value is not repeated: a URL that somebody pasted may hold a login.
    """
    plain = re.split("[?#]", path)[0] if isinstance(path, str) else ".."
    while (unquoted := unquote(plain)) != plain:
        plain = unquoted
    climbs = any(segment.split(";")[0] == ".." for segment in re.split(r"[/\\]", plain))
    if not climbs and not re.match(r"\s*([a-z][a-z0-9+.-]*:)?[/\\]{2}", plain, re.IGNORECASE):
        return ""
    return f"{name} leaves the base path of the connection: make it a path below that, without a host and .."
