"""The columns of a table, from the contracts of the runs whose objects it holds."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from include.transfer.publish.catalog import TableRefused

if TYPE_CHECKING:
    from pyiceberg.schema import Schema
    from pyiceberg.table import Transaction
    from pyiceberg.types import PrimitiveType


def iceberg_type(kind: str) -> "PrimitiveType":
    """A type of the contract (string, int64, double, boolean) as Iceberg has it."""
    from pyiceberg import types

    known: dict[str, PrimitiveType] = {
        "string": types.StringType(),
        "int64": types.LongType(),
        "double": types.DoubleType(),
        "boolean": types.BooleanType(),
    }
    return known[kind]


def schema_of(columns: Mapping[str, str]) -> "Schema":
    """Every column may be null, as in the objects."""
    from pyiceberg.schema import Schema
    from pyiceberg.types import NestedField

    fields = (NestedField(at, name, iceberg_type(kind)) for at, (name, kind) in enumerate(columns.items(), 1))
    return Schema(*fields)


def evolve(change: "Transaction", contracts: Iterable[Mapping[str, str]]) -> None:
    """Add the columns that the table lacks, and widen what Iceberg can widen; none is removed.

    Raises TableRefused for a column of another type: objects of both would be in one table.
    """
    for columns in contracts:
        held = {field.name: field.field_type for field in change.table_metadata.schema().fields}
        differing = {name: kind for name, kind in columns.items() if held.get(name) != iceberg_type(kind)}
        if not differing:
            continue
        with change.update_schema() as schema:
            for name, kind in differing.items():
                if name not in held:
                    schema.add_column((name,), iceberg_type(kind))
                elif (str(held[name]), kind) in _WIDER:
                    schema.update_column((name,), iceberg_type(kind))
                else:
                    raise _refused(name, str(held[name]), kind)


_WIDER = {("int", "int64"), ("float", "double")}


def _refused(name: str, held: str, kind: str) -> TableRefused:
    return TableRefused(
        f"column {name} is {held} in the table and {kind} in the run",
        fix=f"declare {name} in the dataset's types as it was; or drop the table without purging it, and "
        "clear this task: the table is made anew",
    )
