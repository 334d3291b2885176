"""Bodies of requests: a dataset's `body`, with the paging's values at the places in it that its params name.

`body:variables.after` is the key `after` of the object `variables`; a number is an index of an array.
"""

import copy
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from include.transfer.source.chains import Cursor
from include.transfer.source.paging import Params

if TYPE_CHECKING:
    from include.transfer.dataset import Dataset

_PLACE = "body:"


def placed(dataset: "Dataset", params: Params) -> tuple[Params, bytes | None]:
    """What is sent of `params` in the query, and the body with the others; None: there is no body.

    Offsets, pages and limits are numbers there. A token is text, unless the dataset's body has a number at
    its place.
    """
    if dataset.body is None:
        return params, None
    token = dataset.paging.param if isinstance(dataset.paging, Cursor) else ""
    query, body = in_body(dataset.body, params, token)
    return query, as_json(body)


def in_body(body: Mapping[str, Any], params: Params, text: str = "") -> tuple[Params, dict[str, Any]]:
    """The body with the values that have their places in it, and the params that have none.

    Digits are numbers there, but not those of the param `text`.
    """
    filled = copy.deepcopy(dict(body))
    for name, value in params:
        if name.startswith(_PLACE):
            _put(filled, name.removeprefix(_PLACE), value, number=name != text)
    return [pair for pair in params if not pair[0].startswith(_PLACE)], filled


def as_json(body: Mapping[str, Any]) -> bytes:
    """A body as it is sent."""
    return json.dumps(dict(body), ensure_ascii=False, allow_nan=False).encode()


def wrong_with_body(body: Mapping[str, Any] | None, paging: Any, window: Any = None) -> str:
    """What keeps the body from being sent, or values from being put into it; empty: nothing."""
    if body is not None:
        try:
            body = json.loads(as_json(body))
        except (ValueError, TypeError, RecursionError):
            return "body is no JSON"
    places = [("paging's", paging, name) for name in ("param", "limit_param")]
    places += [("window's", window, name) for name in ("since", "until")]
    for whose, of, setting in places:
        name = getattr(of, setting, "")
        if not name.startswith(_PLACE):
            continue
        if body is None:
            return f"{whose} {setting} is a place in a body: it needs a body"
        if wrong := _put(dict(body), name.removeprefix(_PLACE), "0", number=True):
            return f"{whose} {setting}: {wrong}"
    return ""


def _put(body: dict[str, Any], path: str, value: str, *, number: bool) -> str:
    """Put the value at its place, and make the objects that lead there; what is wrong, if it has none."""
    at: Any = body
    *outer, last = path.split(".")
    if not all((*outer, last)):
        return "it names no place in the body"
    for key in outer:
        if isinstance(at, dict):
            if at.get(key) is None:
                at[key] = {}
            at = at[key]
        elif (there := _index(at, key)) is not None:
            at = at[there]
        if not isinstance(at, dict | list):
            return f"{key} is no object in the body"
    place = last if isinstance(at, dict) else _index(at, last)
    if place is None:
        return f"{'.'.join(outer)} has no place {last} in the body"
    before = at.get(place) if isinstance(at, dict) else at[place]
    if isinstance(before, dict | list):
        return f"{last} is an object or an array in the body"
    numeric = number or (isinstance(before, int | float) and not isinstance(before, bool))
    at[place] = int(value) if numeric and value.isdecimal() else value
    return ""


def _index(array: list[Any], key: str) -> int | None:
    return int(key) if key.isdecimal() and int(key) < len(array) else None
