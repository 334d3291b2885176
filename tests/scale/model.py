"""What a cost grows by: fixed + per_row · rows + per_map · maps, fitted to what was measured."""

from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np

from tests.scale.measuring import Measured

COMPUTED = ("tasks", "scheduler", "api-server", "postgres")  # on Airflow's machines, wherever they are


class Model(NamedTuple):
    fixed: float
    per_row: float
    per_map: float

    def at(self, rows: float, maps: float) -> float:
        return self.fixed + self.per_row * rows + self.per_map * maps


def cost_of(run: Measured, name: str) -> float:
    """A cost by its name; `computed`: the CPU seconds of tasks, scheduler, API server and database."""
    return sum(run.costs[each] for each in COMPUTED) if name == "computed" else run.costs[name]


def fitted(runs: Sequence[Measured], name: str) -> Model:
    """Least squares of the relative errors, so that a small run counts as much as a large one.

    No term is negative, since more rows or maps save nothing: of all choices of terms that are not, the one
    that errs least.
    """
    costs = np.array([max(cost_of(run, name), 1e-3) for run in runs])
    terms = np.array([(1, run.rows, run.maps) for run in runs]) / costs[:, None]
    best, least = np.zeros(3), np.inf
    for size in (1, 2, 3):
        for chosen in map(list, combinations(range(3), size)):
            found = np.linalg.lstsq(terms[:, chosen], np.ones(len(runs)), rcond=None)[0]
            error = np.square(terms[:, chosen] @ found - 1).sum()
            if (found >= 0).all() and error < least - 1e-12:
                best, least = np.zeros(3), error
                best[chosen] = found
    return Model(*map(float, best))
