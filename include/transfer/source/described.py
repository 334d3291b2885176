"""A setting that is an object (`paging`, `window`), read as the class that it describes."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeVar

from include.transfer.documents import brief
from include.transfer.errors import BadSettings, refuse_unknown

T = TypeVar("T")


def described(kind: type[T], given: Any, where: str, what: str = "") -> T:
    """One of `kind`, a dataclass whose fields are texts or whole numbers of 0 or more, as their defaults are.

    A form gives null for a text that is left empty. `where`: the setting, for messages; `what`: with its
    style. Raises BadSettings for an unknown name, or a value of the wrong kind.
    """
    if not isinstance(given, Mapping):
        raise BadSettings(f"{where} is {brief(given)}, not an object")
    own: dict[str, Any] = {name: "" if value is None else value for name, value in given.items()}
    known = {f.name: f for f in fields(kind) if f.init}  # type: ignore[arg-type]
    refuse_unknown(own, list(known), what or where)
    for name, value in own.items():
        number = isinstance(known[name].default, int)
        whole = isinstance(value, int) and not isinstance(value, bool) and value >= 0
        if not (whole if number else isinstance(value, str)):
            wanted = "a whole number of 0 or more" if number else "text"
            raise BadSettings(f"it is {brief(value)}", where=f"{where}'s {name}", fix=f"make it {wanted}")
    return kind(**own)
