"""Policy: what a run does about what is in the lake already, and about a source that changes under it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from include.transfer.errors import BadSettings

ON_DRIFT = ("fail", "append")


@dataclass(frozen=True, kw_only=True)
class Policy:
    """Chosen per run in the trigger form; a DAG gives its own defaults with `form(dataset, Policy(...))`."""

    force: bool = False  # copy although the source is what the newest committed run holds
    on_drift: str = "fail"  # the source changed during the run: `fail`, or `append` what it grew by
    keep_runs: int = 0  # committed runs to keep, the newest; 0: all

    def __post_init__(self) -> None:
        """Refuse what means nothing."""
        keep = self.keep_runs
        wrong = [
            f"force is {self.force!r}, expected true or false" if not isinstance(self.force, bool) else "",
            f"on_drift is {self.on_drift!r}, expected one of {', '.join(ON_DRIFT)}"
            if self.on_drift not in ON_DRIFT
            else "",
            f"keep_runs is {keep!r}, expected a whole number of 0 or more"
            if not isinstance(keep, int) or isinstance(keep, bool) or keep < 0
            else "",
        ]
        if message := "; ".join(filter(None, wrong)):
            raise BadSettings(message)

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> "Policy":
        """The policy among a run's params; what a form does not have stays as it is by default."""
        known = {f.name for f in fields(cls)}
        return cls(**{name: params[name] for name in known & set(params)})

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


# What the trigger form says of each: title, description, JSON Schema.
POLICY_HELP: dict[str, tuple[str, str, dict[str, Any]]] = {
    "force": (
        "Copy even if unchanged",
        "A source that is what the newest committed run holds, by version and count, is not copied again.",
        {"type": "boolean"},
    ),
    "on_drift": (
        "When the source changes during the run",
        "fail: commit nothing. append: if it only grew, copy the new tail too; for sources that are only "
        "ever appended to.",
        {"type": "string", "enum": list(ON_DRIFT)},
    ),
    "keep_runs": (
        "Committed runs to keep",
        "After a commit older ones of the dataset are removed, manifest first; 0: all are kept.",
        {"type": "integer", "minimum": 0, "maximum": 10_000},
    ),
}
