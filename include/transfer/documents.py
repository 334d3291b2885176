"""JSON from outside (a store, a form, another release), read strictly and within bounds.

What passes can be shown, compared and added up: finite numbers of 64 bits, values nested a few levels deep.
"""

import reprlib
from typing import Any

MOST_LEVELS = 32
_LARGEST = 1 << 63

_brief = reprlib.Repr()
_brief.maxlevel = 2
_brief.maxstring = _brief.maxother = 60


class BadDocument(ValueError):
    """Why a text is none of this project's documents."""


def read(text: bytes | bytearray | str) -> Any:
    """The value of a JSON text. Raises BadDocument."""
    import orjson  # a DAG file loads this module by its datasets, and reads no document

    try:
        value = orjson.loads(text)
    except ValueError as error:
        raise BadDocument("it is no JSON, or has a number that 64 bits do not hold") from error
    _require_few_levels(value)
    return value


def _require_few_levels(value: Any) -> None:
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(MOST_LEVELS):
        inner = (each.values() if isinstance(each, dict) else each for each in level)
        level = [each for values in inner for each in values if isinstance(each, dict | list)]
        if not level:
            return
    raise BadDocument(f"it is nested more than {MOST_LEVELS} levels deep")


def fits(value: Any, kind: Any) -> bool:
    """Whether a value is of this type, and if a number, a finite one of 64 bits.

    JSON's true is no number, though Python's is.
    """
    if isinstance(value, bool):
        return kind is bool
    if isinstance(value, int | float):
        return isinstance(value, kind) and -_LARGEST <= value < _LARGEST
    return isinstance(value, kind)


def brief(value: Any) -> str:
    """A value as a message shows it, however large it is."""
    return _brief.repr(value)[:80]
