"""The sampling frame: which fire stands at which row, so that every published total is met exactly."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace

import numpy as np
import numpy.typing as npt

from services.wildfires_api.fpa_fod import CAUSES, CLASS_BOUNDS, FIRES, state_years, table
from services.wildfires_api.generator.quotas import (
    TYPICAL_ACRES,
    G,
    Integers,
    apportion,
    class_quotas,
    scaled,
)

Floats = npt.NDArray[np.float64]

SYSTEMS = ("forest_service", "interior", "fish_wildlife", "state", "cal_fire", "ics_209", "nfirs")
FIRE_CODES_SINCE = 2003  # federal fire codes came into use then

GROUPS = state_years()
STATES = sorted({group.state for group in GROUPS})
STATE_OF_GROUP = np.array([STATES.index(group.state) for group in GROUPS])
YEAR_OF_GROUP = np.array([group.year for group in GROUPS])

# Columns that are null together share a bit.
BITS = {column: 1 << bit for bit, row in enumerate(table("nulls")) for column in row["columns"].split()}


@dataclass(frozen=True)
class Frame:
    """One entry a row in each array; `first` is the number of the first row, `rows` those of the whole."""

    seed: int
    rows: int
    first: int
    group: Integers  # position in GROUPS
    cause: Integers  # position in CAUSES
    size_class: Integers
    system: Integers  # position in SYSTEMS
    present: Integers  # BITS of the values that are not null
    large_acres: Floats  # of class G fires; 0 for others

    def __len__(self) -> int:
        return len(self.group)

    def has(self, column: str) -> npt.NDArray[np.bool_]:
        """Whether each row has a value in a column that can be null."""
        return np.asarray(self.present & BITS[column], np.bool_)

    def blocks(self, size: int) -> Iterator[Frame]:
        """The frame cut into parts of `size` rows, which can be worked on independently of one another."""
        arrays = [field.name for field in fields(self)[3:]]
        for first in range(0, len(self), size):
            cut = {name: getattr(self, name)[first : first + size] for name in arrays}
            yield replace(self, first=first, **cut)


def make_frame(rows: int, seed: int) -> Frame:
    """`rows` fires in shuffled order; 1,880,465 have the published totals, others are scaled to them."""
    rng = np.random.Generator(np.random.PCG64(seed))
    counts = cell_counts(rows)
    cells = np.repeat(np.arange(counts.size), counts.ravel())[np.argsort(rng.random(rows), kind="stable")]
    group, cause = (part.astype(np.uint16) for part in np.divmod(cells, len(CAUSES)))
    fires, acres = counts.sum(axis=1), np.array([each.acres for each in GROUPS]) * rows // FIRES
    quotas = class_quotas(rows, fires, acres)
    size_class = deal(group, quotas, rng)
    system = deal(STATE_OF_GROUP[group], _system_quotas(fires), rng)
    present = _present(group, size_class, system, rng)
    large_acres = _large_acres(group, size_class, quotas, acres, rng)
    return Frame(seed, rows, 0, group, cause, size_class, system, present, large_acres)


def cell_counts(rows: int) -> Integers:
    """Fires per group (rows) and cause (columns)."""
    published = np.array([group.fires for group in GROUPS])
    return apportion(rows, published.ravel()).reshape(published.shape)


def deal(groups: Integers, quotas: Integers, rng: np.random.Generator) -> Integers:
    """One label a row: label j for `quotas[g, j]` rows of group g, drawn at random."""
    # Halved, so that no sum is rounded up to the next group.
    order = np.argsort(groups + rng.random(len(groups)) / 2, kind="stable")
    labels = np.empty(len(groups), np.uint8)
    labels[order] = np.repeat(
        np.tile(np.arange(quotas.shape[1], dtype=np.uint8), len(quotas)), quotas.ravel()
    )
    return labels


def _system_quotas(fires: Integers) -> Integers:
    """Fires per state and system."""
    quotas: list[Integers] = []
    for at, row in enumerate(table("states")):
        federal = [int(row[f"{service}_permille"]) for service in ("fs", "doi", "fws")]
        rest = 1000 - sum(federal)
        others = (30, 69, 1, 0) if row["state"] == "CA" else (79, 0, 1, 20)
        weights = [100 * share for share in federal] + [rest * share for share in others]
        quotas.append(apportion(int(fires[np.equal(STATE_OF_GROUP, at)].sum()), weights))
    return np.array(quotas)


def _present(group: Integers, size_class: Integers, system: Integers, rng: np.random.Generator) -> Integers:
    """BITS of each row: every column's nulls as often as published, by the weights of `data/nulls.tsv`.

    Weights are per mille of the rows of a stratum: a size class, or a system before and since
    FIRE_CODES_SINCE. What they do not add up to, apportionment scales.
    """
    recent = YEAR_OF_GROUP[group] >= FIRE_CODES_SINCE
    strata = {"size_class": size_class, "system": system + recent.astype(np.uint8) * len(SYSTEMS)}
    present = np.zeros(len(group), np.uint16)
    for row in table("nulls"):
        stratum = strata[row["stratum"]]
        weights = np.resize(np.array(row["weights"].split(), np.int64), 2 * len(SYSTEMS))
        eligible = np.flatnonzero(present & BITS[row["within"]]) if row["within"] else np.arange(len(group))
        room = np.bincount(stratum[eligible], minlength=len(weights))
        picks = apportion(
            min(scaled(FIRES - int(row["nulls"]), len(group)), len(eligible)), room * weights, room
        )
        chosen = deal(stratum[eligible], np.stack([room - picks, picks], axis=1), rng)
        present[eligible] |= chosen.astype(np.uint16) * BITS[row["columns"].split()[0]]
    return present


def _large_acres(
    group: Integers, size_class: Integers, quotas: Integers, acres: Integers, rng: np.random.Generator
) -> Floats:
    """Acres of the class G fires: together, what a state's other fires should leave of its acres.

    Above the smallest of the class, sizes are spread exponentially, and by the acres of state and year.
    """
    smallest, largest = CLASS_BOUNDS[G]
    left = np.bincount(STATE_OF_GROUP, acres - quotas @ np.array((*TYPICAL_ACRES, smallest)))
    rows = np.flatnonzero(size_class == G)
    at = group[rows]
    state = STATE_OF_GROUP[at]
    share = -np.log1p(-rng.random(len(rows))) * (acres[at] + 1) / quotas[at, G]
    above = np.maximum(left, 0)[state] * share / np.bincount(state, share, len(left))[state]
    found = np.zeros(len(group))
    # Rounded, so that the last bit of a platform's logarithm does not matter.
    found[rows] = np.round(np.minimum(smallest + above, largest), 1)
    return found
