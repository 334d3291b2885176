"""One entry of a dataset's commit log: what the dataset is since a commit. See log.py.

A contract with readers of any release: fields are only ever added; unknown ones are ignored, and missing ones
take their defaults, but for those that name the commit.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, get_origin

from include.transfer.commit.live import Live, place
from include.transfer.documents import brief, fits

ENTRY_VERSION = 1
_NEEDED = ("number", "run", "manifest", "sha256")


@dataclass(frozen=True)
class Entry:
    """`manifest`: the key of the run's manifest, `sha256` of its bytes; `rows` and `bytes` are the run's.

    `replaces`: runs of which rows are no longer the dataset's. `windows`: all that are live, in order; none:
    the run is the whole dataset. `watermark`: how far these go without a gap. `seen`: of all runs that the
    log has had, the one with the greatest name.
    """

    number: int
    run: str
    manifest: str
    sha256: str
    rows: int = 0
    bytes: int = 0
    replaces: list[str] = field(default_factory=list)
    watermark: str | None = None
    windows: list[Live] = field(default_factory=list)
    created_at: str = ""  # ISO 8601
    seen: str = ""
    version: int = ENTRY_VERSION

    def to_dict(self) -> dict[str, Any]:
        """As it is stored."""
        return asdict(self)

    @classmethod
    def from_dict(cls, stored: Any) -> "Entry | None":
        """None: `stored` is no entry; `complaints` says why."""
        if next(complaints(stored), None):
            return None
        known = {f.name: stored[f.name] for f in fields(cls) if f.name in stored}
        lines = [line for each in known.get("windows", []) if (line := Live.from_dict(each))]
        return cls(**known | {"windows": lines, "seen": known.get("seen") or known["run"]})

    @property
    def added(self) -> list[Live]:
        """The windows that this commit brought, as far as they are live in it: all."""
        return [line for line in self.windows if line.number == self.number]

    @property
    def runs(self) -> set[str]:
        """Every run that holds rows of the dataset as of this entry."""
        return {line.run for line in self.windows} or {self.run}


_KINDS: dict[str, Any] = {f.name: get_origin(f.type) or f.type for f in fields(Entry)} | {
    "watermark": str | None,
}


def complaints(stored: Any) -> Iterator[str]:
    """Why `stored` is no entry of a log; nothing: it is one."""
    if not isinstance(stored, Mapping):
        yield "it is no JSON object, or larger than any entry"
        return
    given = [name for name in _KINDS if name in stored or name in _NEEDED]
    wrong = [name for name in given if not fits(stored.get(name), _KINDS[name])]
    yield from (f"its {name} is {brief(stored.get(name))}" for name in wrong)
    if wrong:
        return
    if not all(isinstance(run, str) for run in stored.get("replaces", [])):
        yield f"its replaces are {brief(stored['replaces'])}"
    end = None
    for each in stored.get("windows", []):
        line = Live.from_dict(each)
        if line is None or (end is not None and place(line.since) < place(end)):
            yield f"among its windows is {brief(each)}"
            return
        end = line.until
