"""What one step of a run hands to the next: plain values, since they cross between processes as JSON.

The tasks, the page and the tests read them by these types; what a step may change is one class here.
"""

from typing import Any, NotRequired, TypedDict


class Counted(TypedDict):
    """What the source said of itself; None: it does not say (`total: none`, no version)."""

    rows: int | None
    version: str | None


class PlannedBatch(TypedDict):
    """Rows [start, start + limit) of `total`, planned at a version of the source.

    `limit`: None for a chain, of which one copy takes all rows. `label`: the rows as a person says them; a
    mapped task carries it.
    """

    start: int
    limit: int | None
    total: int | None
    version: str | None
    label: str


class Vouched(TypedDict):
    """The part of a copied batch that verify compares with the store."""

    start: int
    rows: int
    sha256: str


class CopiedBatch(Vouched):
    """A receipt, as `commit/receipt.py` describes it. Times in seconds, memory in MiB."""

    key: str
    bytes: int
    etag: str
    columns: list[str]
    source_version: str | None
    reused: bool
    seconds: float
    peak_rss_mb: float
    types: dict[str, str]
    fingerprint: str
    url: str
    hashes: str
    chain: dict[str, str | None]
    version: int


class CountedBatch(Vouched):
    """A copied batch and what a later step made of its rows: fires by year."""

    years: dict[str, int]


class VerifiedRun(TypedDict):
    """What may be committed. `batches`: the planned ones, and those by which the source grew.

    `digest` names the batches' receipts; `appended`: rows behind the planned ones; `drift`: see drift.py;
    `proof`: see proof.py; `provenance`: what the source says that its rows are.
    """

    rows: int
    version: str | None
    url: str
    digest: str
    batches: list[PlannedBatch]
    appended: int
    drift: dict[str, Any] | None
    proof: NotRequired[dict[str, Any]]
    provenance: NotRequired[str]


class CommittedRun(TypedDict):
    """A run that readers see now; also the extra of its asset event.

    `appended`: keys of objects that were not planned; `removed`: old runs that went.
    """

    manifest: str
    dataset: str
    run: str
    rows: int
    bytes: int
    format: str
    appended: list[str]
    removed: list[str]


class StandingRun(TypedDict):
    """A committed run that holds what the source has: nothing was copied."""

    manifest: str
    run: str
    rows: int
    version: NotRequired[str | None]
