"""The styles of paging by name, and a dataset's `paging` read as one of them: the style and its settings.

A new style is one class in paging.py or chains.py, one line here, and its test.
"""

from collections.abc import Mapping
from typing import Any

from include.transfer.documents import brief
from include.transfer.errors import BadSettings
from include.transfer.source.chains import Cursor, Link, Single
from include.transfer.source.described import described
from include.transfer.source.paging import Offset, Page

Paging = Offset | Page | Cursor | Link | Single
PAGINGS: Mapping[str, type[Paging]] = {
    "offset": Offset,
    "page": Page,
    "cursor": Cursor,
    "link": Link,
    "none": Single,
}


def paging_of(given: Any) -> Paging:
    """The style that a dataset's `paging` describes: one of the classes, or `{"style": "page", "size": 100}`.

    Raises BadSettings for an unknown style or setting, or a value of the wrong kind.
    """
    if isinstance(given, Paging):
        return given
    settings = {"style": given} if isinstance(given, str) else given
    settings = {"style": "offset", **settings} if isinstance(settings, Mapping) else {}
    style = settings.get("style")
    kind = PAGINGS.get(style) if isinstance(style, str) else None
    if kind is None:
        raise BadSettings(
            f"paging is {brief(given)}",
            fix=f"make it an object with a style of {', '.join(PAGINGS)}, and the settings of that style",
        )
    own = {name: value for name, value in settings.items() if name != "style"}
    return described(kind, own, "paging", f"paging by {style}")


def wrong_with(paging: Paging) -> str:
    """What its settings lack; empty: nothing."""
    wrong = getattr(paging, "wrong", str)()
    return wrong or ("paging's param is empty" if getattr(paging, "param", "-") == "" else "")
