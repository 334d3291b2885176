"""By what a table is partitioned: the field of the dataset's window, cut as the windows are.

The objects are there already, and Iceberg takes one only where all of its rows are of one partition. The
contract has texts and numbers and no times: so it is the beginning of a text (`2026-01`), or a range of
numbers.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from include.transfer.source.marks import DAY, SECOND, Step

if TYPE_CHECKING:
    from pyiceberg.manifest import DataFile
    from pyiceberg.table import Transaction

    from include.transfer.source.windows import Window


class Partition(NamedTuple):
    """Iceberg's transform truncate: `width` characters of a text, or numbers."""

    field: str
    width: int

    @property
    def name(self) -> str:
        """Of the partition's own field."""
        return f"{self.field}_part"

    def add_to(self, change: "Transaction") -> None:
        """Partition a table by it; its bounds are kept, however many columns there are."""
        from pyiceberg.transforms import TruncateTransform

        change.set_properties({f"write.metadata.metrics.column.{self.field}": "full"})
        with change.update_spec() as spec:
            spec.add_field(self.field, TruncateTransform(self.width), self.name)


def partition_of(window: "Window | None", types: Mapping[str, str]) -> Partition | None:
    """How the table of a dataset with this window may be partitioned; None: not at all."""
    if window is None:
        return None
    style, kind = window.field_format or window.format, types.get(window.field)
    step = window.axis.step(window.step)
    if kind == "string" and (style in ("date", "time") or style.startswith("%Y-%m-%d")):
        return Partition(window.field, _characters(step))
    unit = {"integer": 1, "epoch": SECOND, "epoch_ms": SECOND // 1_000}.get(style)
    if kind != "int64" or unit is None or step.months or (step.days and window.zone != "UTC"):
        return None
    width = step.days * DAY + step.exact
    start = window.read(window.start) if window.start else 0
    return None if width % unit or start % width else Partition(window.field, width // unit)


def _characters(step: Step) -> int:
    """How much of 2026-01-31T23 the rows of a window have in common, as a rule."""
    if step.months:
        return 7 if step.months == 1 else 4
    if step.days:
        return 10 if step.days == 1 else 7
    return 13 if step.exact <= 3600 * SECOND else 10


def leave(change: "Transaction") -> None:
    """Partition what is added from now on by nothing; what is there stays as it is."""
    fields = [field.name for field in change.table_metadata.spec().fields]
    with change.update_spec() as spec:
        for name in fields:
            spec.remove_field(name)


class Unplaced(ValueError):
    """An object has rows of several partitions, or none is known."""


@contextmanager
def placed(metadata: Any, uri: str) -> "Iterator[Callable[[DataFile], DataFile]]":
    """While an object of a partitioned table is described: raise Unplaced where that tells no partition."""
    fields = metadata.spec().fields

    def checked(file: "DataFile") -> "DataFile":
        if any(file.partition[at] is None for at in range(len(fields))):
            raise Unplaced("its bounds are not known")
        return file

    try:
        yield checked
    except ValueError as error:
        if not fields:
            raise
        raise Unplaced(f"{uri}: {error}") from None
