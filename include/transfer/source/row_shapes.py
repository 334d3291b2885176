"""The shapes of rows by name, and a dataset's `rows` read as one of them. One small class a shape.

A new shape is one class here, how its text is rewritten in json_shapes.py, and its test.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from include.transfer.documents import brief
from include.transfer.errors import BadSettings, NotRows, refuse_unknown

if TYPE_CHECKING:
    from include.transfer.source.blocks import Block

WRAPPED = ""  # the key under which json_shapes.py puts a row that is an array


@dataclass(frozen=True, kw_only=True)
class Objects:
    """An array of objects; under `rows_key` also a single one, and without it lines, where there are two."""

    style: str = field(default="objects", init=False)


@dataclass(frozen=True, kw_only=True)
class Lines:
    """NDJSON, whatever its media type is said to be."""

    style: str = field(default="lines", init=False)


@dataclass(frozen=True, kw_only=True)
class ById:
    """An object of objects: `{"a1": {…}, "a2": {…}}`. The column `id` takes the keys."""

    style: str = field(default="by_id", init=False)
    id: str = "id"


@dataclass(frozen=True, kw_only=True)
class Arrays:
    """An array of arrays: `[["id", "name"], [1, "x"]]`. No `names`: the first of each answer has them."""

    style: str = field(default="arrays", init=False)
    names: Sequence[str] = ()


Shape = Objects | Lines | ById | Arrays
SHAPES: Mapping[str, type[Shape]] = {"objects": Objects, "lines": Lines, "by_id": ById, "arrays": Arrays}


def shape_of(given: Any) -> Shape:
    """The shape that a dataset's `rows` describes: a class, a name, or `{"style": "by_id", "id": "code"}`.

    Raises BadSettings for an unknown shape or setting, or a value of the wrong kind.
    """
    if isinstance(given, Shape):
        return given
    settings = {"style": given} if isinstance(given, str) else given
    settings = {"style": "objects", **settings} if isinstance(settings, Mapping) else {}
    style = settings.pop("style", None)
    kind = SHAPES.get(style) if isinstance(style, str) else None
    if kind is None:
        raise BadSettings(
            f"rows is {brief(given)}",
            fix=f"make it an object with a style of {', '.join(SHAPES)}, and the settings of that style",
        )
    refuse_unknown(settings, [f.name for f in fields(kind) if f.init], f"rows as {style}")
    names = settings.get("names", ())
    if not isinstance(settings.get("id", ""), str) or settings.get("id") == "":
        raise BadSettings(f"it is {brief(settings['id'])}", where="rows' id", fix="make it a column's name")
    if not _are_names(names):
        raise BadSettings(f"it is {brief(names)}", where="rows' names", fix="list the columns, each once")
    return kind(**settings | ({"names": tuple(names)} if names else {}))


def objects(shape: Shape, blocks: "Iterator[Block]") -> "Iterator[Block]":
    """Blocks as json_shapes.py rewrote them, as rows by their columns. Raises NotRows."""
    if isinstance(shape, ById):
        return (block.with_rows([_with_id(row, shape.id) for row in block.rows]) for block in blocks)
    return _named(shape.names, blocks) if isinstance(shape, Arrays) else blocks


def _with_id(row: dict[str, Any], column: str) -> dict[str, Any]:
    ((key, value),) = row.items()
    if column not in value:
        return {column: key, **value}
    if str(value[column]) == key:
        return value  # type: ignore[no-any-return]
    raise NotRows(
        f"the row under {key[:80]!r} has another value in {column!r}: {brief(value[column])}",
        fix="name another column for the key in the dataset's rows: its id",
    )


def _named(names: Sequence[str], blocks: "Iterator[Block]") -> "Iterator[Block]":
    for block in blocks:
        if not names:
            names = _header(block.rows[0])
            block = block.part(1, len(block.rows))  # noqa: PLW2901
        if block.rows:
            rows: list[Any] = [row.get(WRAPPED) for row in block.rows]
            for odd in rows:
                if not isinstance(odd, list) or len(odd) != len(names):
                    raise NotRows(
                        f"a row is {brief(odd)}, and {len(names)} columns are named",
                        fix="give the dataset's rows as many names as a row has values",
                    )
            yield block.with_rows([dict(zip(names, row, strict=True)) for row in rows])


def _header(row: dict[str, Any]) -> list[str]:
    names = row.get(WRAPPED)
    if _are_names(names) and names:
        return list(names)
    raise NotRows(
        f"the first row, {brief(names)}, does not name the columns",
        fix="give the dataset's rows their names: a list",
    )


def _are_names(names: Any) -> bool:
    right = isinstance(names, list | tuple) and all(isinstance(name, str) and name for name in names)
    return right and len(set(names)) == len(names)
