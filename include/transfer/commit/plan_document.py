"""The plan of a run, `_plan.json`: what is copied, from where, and the columns that all its objects have.

Written by plan.py. Runs of earlier releases have none: there each object's first row decides.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from include.transfer.commit.receipt import Receipt
from include.transfer.dataset import TYPES, Dataset
from include.transfer.documents import fits
from include.transfer.errors import Finding, Unplanned
from include.transfer.formats import FORMATS
from include.transfer.schema.columns import MOST_COLUMNS, RESCUED
from include.transfer.store.bucket import Bucket
from include.transfer.store.keys import Prefix

PLAN_VERSION = 1


@dataclass(frozen=True)
class Plan:
    """What a run was planned to copy.

    `slices`: start and number of rows of each, None for a chain; `types`: column → type, empty where rows
    are kept as they come; `inferred`: from a sample, and not declared.
    """

    prefix: Prefix
    url: str
    count: int | None
    version: str | None
    fingerprint: str
    slices: tuple[tuple[int, int | None], ...]
    types: Mapping[str, str]
    inferred: bool

    def to_dict(self) -> dict[str, Any]:
        """As it is stored."""
        return {
            "version": PLAN_VERSION,
            "dataset": self.prefix.dataset,
            "run": self.prefix.run,
            "source": {"url": self.url, "count": self.count, "version": self.version},
            "fingerprint": self.fingerprint,
            "slices": [{"start": start, "limit": limit} for start, limit in self.slices],
            "contract": {"inferred": self.inferred, "types": dict(self.types)},
        }

    @classmethod
    def from_dict(cls, stored: Any, prefix: Prefix) -> "Plan | None":
        """The plan of the run at `prefix`; None if `stored` is not one: torn, foreign, of another run.

        Unknown fields are ignored.
        """
        if not _of_types(stored, _NEEDED) or (stored["dataset"], stored["run"]) != (
            prefix.dataset,
            prefix.run,
        ):
            return None
        source, contract = stored["source"], stored["contract"]
        if not (_of_types(source, _SOURCE) and _of_types(contract, _CONTRACT)):
            return None
        if not all(_of_types(each, _SLICE) for each in stored["slices"]) or not _typed(contract["types"]):
            return None
        return cls(
            prefix=prefix,
            url=source["url"],
            count=source["count"],
            version=source["version"],
            fingerprint=stored["fingerprint"],
            slices=tuple((each["start"], each["limit"]) for each in stored["slices"]),
            types=contract["types"],
            inferred=contract["inferred"],
        )


_NEEDED: dict[str, Any] = {
    "version": int,
    "dataset": str,
    "run": str,
    "source": Mapping,
    "fingerprint": str,
    "slices": list,
    "contract": Mapping,
}
_SOURCE: dict[str, Any] = {"url": str, "count": int | None, "version": str | None}
_CONTRACT: dict[str, Any] = {"inferred": bool, "types": Mapping}
_SLICE: dict[str, Any] = {"start": int, "limit": int | None}


def _of_types(value: Any, kinds: Mapping[str, Any]) -> bool:
    return isinstance(value, Mapping) and all(
        name in value and fits(value[name], kind) for name, kind in kinds.items()
    )


def _typed(types: Mapping[str, Any]) -> bool:
    return len(types) <= MOST_COLUMNS and all(kind in TYPES for kind in types.values())


def contracted(bucket: Bucket, prefix: Prefix, dataset: Dataset) -> Mapping[str, str]:
    """Column → type of all objects of a run, as declared or as planned; empty: the first rows decide.

    Raises Unplanned for a plan that is damaged, or of other settings.
    """
    if dataset.types:
        return dataset.types
    stored, etag = bucket.get_document(prefix.plan)
    if not etag:
        return {}
    plan = Plan.from_dict(stored, prefix)
    if plan is None:
        raise Unplanned("it is no plan of this run", where=bucket.uri(prefix.plan))
    if plan.fingerprint != dataset.fingerprint:
        raise Unplanned("the run was planned with other settings", where=bucket.uri(prefix.plan))
    return plan.types


def follows(receipt: Receipt, dataset: Dataset, types: Mapping[str, str]) -> bool:
    """Whether an object has the columns that its run's contract names."""
    format_ = FORMATS[dataset.format]
    if not types or (dataset.rescues and not format_.TABULAR):
        return True
    added = [RESCUED] if dataset.rescues else []
    if receipt.columns != [*types, *added]:
        return False
    return not format_.TYPED or receipt.types == {**types, **dict.fromkeys(added, "string")}


def check_contract(receipts: Sequence[Receipt], dataset: Dataset, types: Mapping[str, str]) -> list[Finding]:
    """Objects with other columns than planned: a copy that began before the run was planned anew."""
    got = "its columns or their types are others than those of the run's plan"
    return [
        Finding(f"{receipt.name}: {receipt.key}", got, "clear this batch's copy")
        for receipt in receipts
        if not follows(receipt, dataset, types)
    ]
