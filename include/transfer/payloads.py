"""What one step of a run hands to the next: plain values, since they cross between processes as JSON.

The tasks, the page and the tests read them by these types; what a step may change is one class here.
"""

from typing import Any, NotRequired, TypedDict


class Due(TypedDict):
    """The windows that a run takes, from `since` to `until`. `base`: the commit log's last entry then.

    `anchor`: where windows are cut: whole steps from there.
    """

    since: str
    until: str
    base: int
    anchor: str


class Counted(TypedDict):
    """What the source said of itself; None: it does not say (`total: none`, no version).

    `due`: the range of windows that was counted.
    """

    rows: int | None
    version: str | None
    due: NotRequired[Due]


class PlannedBatch(TypedDict):
    """Rows [start, start + limit) of `total`, planned at a version of the source.

    `limit`: None for a chain, of which one copy takes all rows. `label`: the rows as a person says them; a
    mapped task carries it. `since`, `until`: the window in which rows are counted; `maps`: all batches of the
    run.
    """

    start: int
    limit: int | None
    total: int | None
    version: str | None
    label: str
    since: NotRequired[str]
    until: NotRequired[str]
    maps: NotRequired[int]


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


class VerifiedWindow(TypedDict):
    """`kept`: the run whose objects already hold the same rows; "": none, and those of this run are new."""

    since: str
    until: str
    rows: int
    kept: str


class VerifiedRun(TypedDict):
    """What may be committed. `batches`: the planned ones, and those by which the source grew.

    `digest` names the batches' receipts; `appended`: rows behind the planned ones; `drift`: see drift.py;
    `proof`: see proof.py; `provenance`: what the source says that its rows are. `windows`: all of the run's;
    the rest tells of those that are new. `base`: the commit log's last entry when they were planned.
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
    windows: NotRequired[list[VerifiedWindow]]
    base: NotRequired[int]


class CommittedRun(TypedDict):
    """A run that readers see now; also the extra of its asset event.

    `appended`: keys of objects that were not planned; `removed`: old runs that went; `watermark`: how far a
    dataset's windows go without a gap.
    """

    manifest: str
    dataset: str
    run: str
    rows: int
    bytes: int
    format: str
    appended: list[str]
    removed: list[str]
    watermark: NotRequired[str | None]


class StandingRun(TypedDict):
    """A committed run that holds what the source has: nothing was copied."""

    manifest: str
    run: str
    rows: int
    version: NotRequired[str | None]
