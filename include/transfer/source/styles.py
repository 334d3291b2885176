"""The styles of paging by name, and a dataset's `paging` read as one of them: the style and its settings.

A new style is one class in paging.py or chains.py, one line here, and its test.
"""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from include.transfer.documents import brief
from include.transfer.errors import BadSettings, refuse_unknown
from include.transfer.source.chains import Cursor, Link, Single
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
    own: dict[str, Any] = {name: "" if value is None else value for name, value in settings.items()}
    del own["style"]
    refuse_unknown(own, [f.name for f in fields(kind) if f.init], f"paging by {style}")
    _check(kind, own)
    return kind(**own)


def _check(kind: type[Paging], given: Mapping[str, Any]) -> None:
    for f in fields(kind):
        value = given.get(f.name, f.default)
        number = isinstance(f.default, int)
        right = (
            isinstance(value, int) and not isinstance(value, bool) and value >= 0
            if number
            else isinstance(value, str)
        )
        if f.name in given and not right:
            wanted = "a whole number of 0 or more" if number else "text"
            raise BadSettings(f"it is {brief(value)}", where=f"paging's {f.name}", fix=f"make it {wanted}")


def wrong_with(paging: Paging) -> str:
    """What its settings lack; empty: nothing."""
    wrong = getattr(paging, "wrong", str)()
    return wrong or ("paging's param is empty" if getattr(paging, "param", "-") == "" else "")
