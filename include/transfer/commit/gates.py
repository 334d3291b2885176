"""What must not change between two commits of a dataset unless a person says so."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import reduce

from include.transfer.commit.manifest import Manifest
from include.transfer.errors import Finding
from include.transfer.formats import FORMATS


@dataclass(frozen=True)
class Gates:
    """`shrinks_by`: the share of its rows that a snapshot may lose. `declared`: columns of declared types."""

    shrinks_by: float
    declared: Collection[str] = ()

    def findings(self, before: Manifest, now: Manifest) -> Iterator[Finding]:
        """Why `now` is not to follow `before`. A few windows may well lack rows, or values of a column."""
        if before.windows is None and now.windows is None:
            yield from self._shrunk(before, now)
            yield from _emptied(before, now)
        yield from self._retyped(before, now)

    def _shrunk(self, before: Manifest, now: Manifest) -> Iterator[Finding]:
        lost = before.rows - now.rows
        if lost > before.rows * self.shrinks_by:
            yield Finding(
                f"the source {now.url}",
                f"{now.rows:,} rows were copied, and run {before.prefix.run} has {before.rows:,}: "
                f"{lost / before.rows:.0%} are gone, and shrinks_by is {self.shrinks_by:g}",
                "look at the source; if that is right, trigger the run with force, or set shrinks_by to 1",
            )

    def _retyped(self, before: Manifest, now: Manifest) -> Iterator[Finding]:
        """Inferred types: what the dataset declares, somebody has changed on purpose."""
        if not (FORMATS[before.format].TYPED and FORMATS[now.format].TYPED):
            return
        unknown = {*self.declared, *_nulls(before), *_nulls(now)}
        for column, kind in now.types.items():
            was = before.types.get(column, kind)
            if kind != was and column not in unknown:
                yield Finding(
                    f"column {column}",
                    f"its values are of type {kind}, and those of run {before.prefix.run} of type {was}",
                    "declare its type in the dataset's types, or trigger the run with force",
                )


def _emptied(before: Manifest, now: Manifest) -> Iterator[Finding]:
    if not before.receipts or any(receipt.nulls is None for receipt in before.receipts):
        return  # an earlier release's: it may have been so
    for column in sorted(_nulls(now) & set(before.columns) - _nulls(before)):
        yield Finding(
            f"column {column}",
            f"it is null in every row, and in run {before.prefix.run} it is not",
            "look at the source; if that is right, trigger the run with force",
        )


def _nulls(manifest: Manifest) -> set[str]:
    """Columns that are known to be null in every row."""
    each = [set(receipt.nulls or ()) for receipt in manifest.receipts]
    return reduce(set.intersection, each) if each else set()
