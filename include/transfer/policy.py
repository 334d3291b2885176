"""Policy: what a run does about what is in the lake already, and about a source that changes under it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from include.transfer.errors import BadSettings

ON_DRIFT = ("fail", "append")


@dataclass(frozen=True, kw_only=True)
class Policy:
    """Chosen per run in the trigger form; a DAG gives its own defaults with `form(dataset, Policy(...))`.

    Raises BadSettings, which names all that is wrong.
    """

    force: bool = False  # copy what the newest committed run holds, too, and commit what a gate would hold
    on_drift: str = "fail"  # the source changed during the run: `fail`, or `append` what it grew by
    keep_runs: int = 0  # committed runs to keep, the newest; 0: all

    def __post_init__(self) -> None:
        keep = self.keep_runs
        wrong = []
        if not isinstance(self.force, bool):
            wrong.append(f"force is {self.force!r}, not true or false")
        if self.on_drift not in ON_DRIFT:
            wrong.append(f"on_drift is {self.on_drift!r}, not one of {', '.join(ON_DRIFT)}")
        if not isinstance(keep, int) or isinstance(keep, bool) or keep < 0:
            wrong.append(f"keep_runs is {keep!r}, not a whole number of 0 or more")
        if wrong:
            raise BadSettings("; ".join(wrong))

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> "Policy":
        """The policy among a run's params; what a form does not have stays as it is by default."""
        known = {f.name for f in fields(cls)}
        return cls(**{name: params[name] for name in known & set(params) if params[name] is not None})

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)
