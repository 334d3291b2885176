"""Where a run's objects are: `{dataset}/{run}/`, with names that sort in the order of the rows."""

import re
from dataclasses import dataclass

from include.transfer.batches import Batch
from include.transfer.dataset import NAME_PATTERN
from include.transfer.errors import BadSettings

# A manifest of 1,024 batches takes 0.5 MB. What is larger is none of this project's documents.
LARGEST_JSON_BYTES = 32 << 20

_RUN_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$"
_DATA = re.compile(r"data_from_\d+\.[a-z.]+")
_RECEIPT = re.compile(r"data_from_\d+\.(json|rows)")


@dataclass(frozen=True)
class Prefix:
    """The keys of one run of one dataset. Neither name can lead out of the dataset's own folder."""

    dataset: str
    run: str

    def __post_init__(self) -> None:
        if not re.fullmatch(NAME_PATTERN, self.dataset) or not re.fullmatch(_RUN_PATTERN, self.run):
            raise BadSettings(
                f"dataset {self.dataset!r} and run {self.run!r} cannot be parts of an object's key",
                fix=f"names that match {NAME_PATTERN} and {_RUN_PATTERN} can",
            )

    def __str__(self) -> str:
        return f"{self.dataset}/{self.run}/"

    @property
    def manifest(self) -> str:
        return f"{self}_manifest.json"

    @property
    def latest(self) -> str:
        return f"{self.dataset}/_latest.json"

    @property
    def removing(self) -> str:
        """Where runs are noted that are being removed: below the dataset, so that one listing shows all."""
        return f"{self.dataset}/_removing/"

    @property
    def tombstone(self) -> str:
        """There while this run is being removed."""
        return f"{self.removing}{self.run}.json"

    @property
    def receipts(self) -> str:
        return f"{self}_receipts/"

    @property
    def report(self) -> str:
        """Where the run's report is; what makes it writes nothing elsewhere."""
        return f"{self}_report/"

    def data(self, batch: Batch, suffix: str) -> str:
        return f"{self}data_from_{batch.start}{suffix}"

    def receipt(self, batch: Batch) -> str:
        return f"{self.receipts}data_from_{batch.start}.json"

    def hashes(self, batch: Batch) -> str:
        """The hashes of the batch's rows: see source/row_hashes.py."""
        return f"{self.receipts}data_from_{batch.start}.rows"

    def is_data(self, key: str) -> bool:
        """Whether `key` is a data object directly below this prefix."""
        return key.startswith(str(self)) and _DATA.fullmatch(key, len(str(self))) is not None

    def is_receipt(self, key: str) -> bool:
        """Whether `key` is a receipt of this run, or the hashes that belong to one."""
        return key.startswith(self.receipts) and _RECEIPT.fullmatch(key, len(self.receipts)) is not None

    def is_report(self, key: str) -> bool:
        """Whether `key` is a part of this run's report."""
        return key.startswith(self.report)

    def of(self, run: object) -> "Prefix | None":
        """Another run of the same dataset; None if `run` cannot be the name of one."""
        name = str(run)
        return Prefix(self.dataset, name) if re.fullmatch(_RUN_PATTERN, name) else None
