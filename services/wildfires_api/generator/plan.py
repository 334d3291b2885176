"""Which fire stands at which row: every total that is published is dealt out exactly, in shuffled order.

Deterministic on every platform: whole-number apportionment, and `random.Random.random`, whose sequence
Python guarantees for a seed.
"""

from __future__ import annotations  # array[int] cannot be evaluated before Python 3.12

from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from random import Random

from services.wildfires_api.apportion import apportion
from services.wildfires_api.generator import nulls, sizes
from services.wildfires_api.generator.published import CAUSES, FIRES, FIRES_PER_CLASS, StateYear, state_years
from services.wildfires_api.generator.sources import profile_weights


@dataclass(frozen=True)
class Plan:
    """One entry a row: its cell (state-year x cause), size class, source profile and null pattern.

    `large` gives the acres of the class G fires by row number.
    """

    cells: array[int]
    classes: bytearray
    profiles: bytearray
    patterns: array[int]
    large: dict[int, float] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.cells)

    def part(self, first: int, rows: int) -> Plan:
        """The plan of rows [first, first + rows) alone; `large` keeps the numbers of the whole."""
        cut = slice(first, first + rows)
        large = {row: acres for row, acres in self.large.items() if first <= row < first + rows}
        return Plan(self.cells[cut], self.classes[cut], self.profiles[cut], self.patterns[cut], large)


def make_plan(rows: int, seed: int) -> Plan:
    """Plan `rows` fires; 1,880,465 reproduce the published totals, other numbers are scaled to them."""
    rng = Random(seed)  # noqa: S311 (data, not secrets)
    groups = state_years()
    per_cell = cell_counts(rows)
    cells = array("H", _expanded(per_cell))
    _shuffle(cells, rng.random)
    per_group = [sum(per_cell[at : at + len(CAUSES)]) for at in range(0, len(per_cell), len(CAUSES))]
    quotas = class_quotas(rows, groups, per_group)
    group_of = [cell // len(CAUSES) for cell in range(len(per_cell))]
    classes = _deal(cells, group_of, quotas, rng.random)
    profiles = _deal(cells, *_profile_quotas(groups, per_group), rng.random)
    patterns = nulls.deal(cells, classes, profiles, rng.random)
    return Plan(cells, classes, profiles, patterns, _large(cells, classes, groups, quotas))


def cell_counts(rows: int) -> list[int]:
    """Fires per state-year and cause, in the order of state_years and CAUSES."""
    return apportion(rows, [n for group in state_years() for n in group.fires])


def class_quotas(rows: int, groups: Sequence[StateYear], per_group: Sequence[int]) -> list[list[int]]:
    """Fires per size class for each state-year."""
    acres = [group.acres * rows // FIRES for group in groups]
    return sizes.class_quotas(per_group, acres, apportion(rows, FIRES_PER_CLASS))


def _profile_quotas(
    groups: Sequence[StateYear], per_group: Sequence[int]
) -> tuple[list[int], list[list[int]]]:
    states = sorted({group.state for group in groups})
    fires: Counter[str] = Counter()
    for group, n in zip(groups, per_group, strict=True):
        fires[group.state] += n
    state_of = [states.index(group.state) for group in groups for _ in CAUSES]
    return state_of, [apportion(fires[state], profile_weights(state)) for state in states]


def _expanded(counts: Sequence[int]) -> Iterator[int]:
    for value, count in enumerate(counts):
        for _ in range(count):
            yield value


def _shuffle(items: array[int], random: Callable[[], float]) -> None:
    for i in range(len(items) - 1, 0, -1):
        j = int(random() * (i + 1))
        items[i], items[j] = items[j], items[i]


def _deal(
    cells: array[int], group_of: Sequence[int], quotas: list[list[int]], random: Callable[[], float]
) -> bytearray:
    """Give each row one of its group's quotas, each exactly as often as it says."""
    left = [list(quota) for quota in quotas]
    remaining = [sum(quota) for quota in quotas]
    dealt = bytearray(len(cells))
    for row, cell in enumerate(cells):
        group = group_of[cell]
        draw = int(random() * remaining[group])
        remaining[group] -= 1
        quota = left[group]
        for value, count in enumerate(quota):
            if draw < count:
                quota[value] -= 1
                dealt[row] = value
                break
            draw -= count
    return dealt


def _large(
    cells: array[int], classes: bytearray, groups: Sequence[StateYear], quotas: list[list[int]]
) -> dict[int, float]:
    acres = [group.acres * len(cells) // FIRES for group in groups]
    waiting = sizes.large_sizes(quotas, acres, [group.state for group in groups])
    found: dict[int, float] = {}
    row = classes.find(sizes.G)
    while row >= 0:
        found[row] = waiting[cells[row] // len(CAUSES)].pop()
        row = classes.find(sizes.G, row + 1)
    return found
