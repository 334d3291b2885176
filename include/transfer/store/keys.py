"""Where a run's objects are: `{dataset}/{run}/data_from_{first row}.{mark}{suffix}`.

In a window: `data_{since}_{until}.{mark}{suffix}`, and behind its first batch `data_{since}_{until}_{row}…`.

The mark is the attempt's own, so no two attempts write the same name; it is letters alone, since earlier
releases read such names too. It begins with the generation: what the attempt found committed when it began
(see commit/standing.py). The first releases wrote no marks.
"""

import hashlib
import re
import secrets
import string
from dataclasses import dataclass, replace

from include.transfer.batches import Batch
from include.transfer.dataset import NAME_PATTERN
from include.transfer.errors import BadSettings

# A manifest of 1,024 batches takes 0.5 MB. What is larger is none of this project's documents.
LARGEST_JSON_BYTES = 32 << 20

_RUN_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$"
_GENERATION_LETTERS, _RANDOM_LETTERS = 8, 16
_MARK = rf"[a-z]{{{_GENERATION_LETTERS + _RANDOM_LETTERS}}}"
_WINDOW = r"[0-9]{8,}(?:T[0-9]{6}Z)?_[0-9]{8,}(?:T[0-9]{6}Z)?"
_ROWS = rf"data_(?:from_(?P<start>\d+)|(?P<window>{_WINDOW})(?:_(?P<part>\d+))?)"
_DATA = re.compile(rf"{_ROWS}(?:\.(?P<mark>{_MARK}))?(?P<suffix>\.[a-z.]+)")
_RECEIPT = re.compile(rf"{_ROWS}\.(?:json|rows|(?P<mark>{_MARK})\.rows)|windows\.json")


@dataclass(frozen=True)
class Prefix:
    """The keys of one run of one dataset. Neither name can lead out of the dataset's own folder.

    `window`: of whose objects and receipts (`Window.key`); empty: of a run without windows.
    """

    dataset: str
    run: str
    window: str = ""

    def __post_init__(self) -> None:
        if self.window and not re.fullmatch(_WINDOW, self.window):
            raise BadSettings(f"window {self.window!r} cannot be a part of an object's key")
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
    def plan(self) -> str:
        """What the run was planned to copy: see commit/plan_document.py."""
        return f"{self}_plan.json"

    @property
    def latest(self) -> str:
        return f"{self.dataset}/_latest.json"

    @property
    def owner(self) -> str:
        """Who writes the dataset: see commit/owner.py."""
        return f"{self.dataset}/_owner.json"

    @property
    def log(self) -> str:
        """What the dataset was after each commit: see commit/log.py."""
        return f"{self.dataset}/_log/"

    def entry(self, number: int) -> str:
        """The entry of this number in that log."""
        return f"{self.log}{number:012}.json"

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

    def new_data(self, batch: Batch, suffix: str, standing: str) -> str:
        """A name that nobody has had; `standing`: the ETag of the manifest when the attempt began, or ""."""
        random = "".join(secrets.choice(string.ascii_lowercase) for _ in range(_RANDOM_LETTERS))
        return f"{self}{self._rows(batch.start)}.{_generation(standing)}{random}{suffix}"

    def _rows(self, start: int) -> str:
        if not self.window:
            return f"data_from_{start}"
        return f"data_{self.window}_{start}" if start else f"data_{self.window}"

    def is_data_of(self, key: str, batch: Batch, suffix: str) -> bool:
        """Whether `key` is a name that some attempt gives the object of `batch`."""
        found = self._data(key)
        if found is None:
            return False
        mark = f".{found['mark']}" if found["mark"] else ""
        return found[0] == f"{self._rows(batch.start)}{mark}{suffix}"

    def receipt(self, batch: Batch) -> str:
        return f"{self.receipts}{self._rows(batch.start)}.json"

    @property
    def windows(self) -> str:
        """The windows that this run takes, as it was planned: see windowed/planned.py."""
        return f"{self.receipts}windows.json"

    def within(self, window: str) -> "Prefix":
        """The same run's keys in a window, or in none."""
        return replace(self, window=window)

    def hashes(self, data: str) -> str:
        """The hashes of the rows in the object `data`, of this run or another: see source/row_hashes.py."""
        own = self.of(data.removeprefix(f"{self.dataset}/").partition("/")[0])
        if own and own.run != self.run:
            return own.hashes(data)
        found = self._data(data)
        name = found[0].removesuffix(found["suffix"]) if found else "data_from_"
        return f"{self.receipts}{name}.rows"

    def began_with(self, key: str, standing: str) -> bool:
        """Whether the attempt that wrote `key` found the manifest with the ETag `standing` when it began."""
        found = self._data(key) or self._receipt(key)
        mark = found["mark"] if found else None
        return bool(mark) and str(mark).startswith(_generation(standing))

    def is_data(self, key: str) -> bool:
        """Whether `key` is a data object directly below this prefix."""
        return self._data(key) is not None

    def is_receipt(self, key: str) -> bool:
        """Whether `key` is a receipt of this run, or the hashes that belong to one."""
        return self._receipt(key) is not None

    def _data(self, key: str) -> re.Match[str] | None:
        return _DATA.fullmatch(key, len(str(self))) if key.startswith(str(self)) else None

    def _receipt(self, key: str) -> re.Match[str] | None:
        return _RECEIPT.fullmatch(key, len(self.receipts)) if key.startswith(self.receipts) else None

    def is_report(self, key: str) -> bool:
        """Whether `key` is a part of this run's report."""
        return key.startswith(self.report)

    def of(self, run: object) -> "Prefix | None":
        """Another run of the same dataset; None if `run` cannot be the name of one."""
        name = str(run)
        return Prefix(self.dataset, name) if re.fullmatch(_RUN_PATTERN, name) else None


def window_in(key: str) -> str:
    """The window that a data object's key names, as `Prefix.window`; empty: none."""
    found = _DATA.fullmatch(key, key.rfind("/") + 1)
    return (found["window"] or "") if found else ""


def _generation(standing: str) -> str:
    digest = hashlib.sha256(standing.encode()).digest()[:_GENERATION_LETTERS]
    return "".join(string.ascii_lowercase[byte % 26] for byte in digest)
