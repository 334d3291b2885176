"""Dividing published totals among groups of fires, in integers so that every platform agrees."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from services.wildfires_api.fpa_fod import CLASS_BOUNDS, FIRES, FIRES_PER_CLASS

Integers = npt.NDArray[np.integer[Any]]

A, C, G = 0, 2, len(FIRES_PER_CLASS) - 1
TYPICAL_ACRES = (0, 2, 28, 155, 530, 2_100)  # means of the classes A to F in a random sample of the source
# Where a state's and year's fires were larger than this on average, its large fires did it: more acres do not
# mean more fires of the classes B and C.
TELLING_ACRES = 40


def scaled(total: int, rows: int) -> int:
    """`total` of all published fires, for `rows` fires: rounded half up."""
    return (2 * total * rows + FIRES) // (2 * FIRES)


def apportion(total: int, weights: Sequence[int] | Integers, caps: Integers | None = None) -> Integers:
    """Divide `total` in proportion to `weights`, no share above its cap; the result sums to `total`.

    Largest-remainder (Hamilton) apportionment; ties go to the earlier share. What a cap refuses is divided
    among the others, first by weight and, when only weightless shares have room, by room.
    Raises ValueError when the caps cannot hold `total`.
    """
    weights = np.asarray(weights, np.int64)
    caps = np.where(weights > 0, total, 0) if caps is None else caps
    if total > caps.sum():
        raise ValueError(f"cannot place {total} in shares that hold {caps.sum()}")
    shares = np.zeros(len(weights), np.int64)
    while left := total - int(shares.sum()):
        room = caps - shares
        wanted = np.where(room > 0, weights, 0)
        if not wanted.any():
            wanted = room
        more, remainders = np.divmod(left * wanted, wanted.sum())
        more[np.argsort(-remainders, kind="stable")[: left - int(more.sum())]] += 1
        shares += np.minimum(more, room)
    return shares


def class_quotas(rows: int, fires: Integers, acres: Integers) -> Integers:
    """Fires per size class (a column each) for each group of `fires` fires that burned `acres` acres.

    Each class sums to its share of `rows`, each group to its fires. Classes are dealt from the largest down,
    by fires and acres; no group gets more large fires than its acres hold, unless the totals leave no other
    way.
    """
    totals = apportion(rows, FIRES_PER_CLASS)
    left, budget = fires.copy(), acres.copy()
    quotas = np.zeros((len(fires), len(totals)), np.int64)
    for size_class in range(G, A, -1):
        smallest = int(CLASS_BOUNDS[size_class][0])
        caps = np.minimum(left, budget // smallest) if size_class > C else left
        if caps.sum() < totals[size_class]:
            caps = left
        dealt = apportion(int(totals[size_class]), _class_weights(size_class, left, budget), caps)
        quotas[:, size_class] = dealt
        left -= dealt
        budget = np.maximum(budget - dealt * (smallest if size_class == G else TYPICAL_ACRES[size_class]), 0)
    quotas[:, A] = left
    return quotas


def _class_weights(size_class: int, fires: Integers, acres: Integers) -> Integers:
    if size_class == G:
        return np.where(fires > 0, acres, 0)
    if size_class <= C:
        acres = np.minimum(acres, TELLING_ACRES * fires)
    # The products are far below 2**53, where a square root is exact to the last bit everywhere.
    weights: Integers = np.sqrt(fires * acres).astype(np.int64)
    return weights
