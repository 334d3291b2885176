"""How many fires of each size class burned in each state and year, so that acres come near the published."""

from collections import Counter
from collections.abc import Sequence
from math import isqrt, log

from services.wildfires_api.apportion import apportion
from services.wildfires_api.generator.published import CLASS_BOUNDS, SIZE_CLASSES

A, C, G = 0, 2, len(SIZE_CLASSES) - 1
TYPICAL_ACRES = (0, 2, 28, 155, 530, 2_100)  # means of the classes A to F in a random sample of the source
# Where a state's and year's fires were larger than this on average, its large fires did it: more acres do not
# mean more fires of the classes B and C.
TELLING_ACRES = 40
SPREAD_STEPS = (
    64  # different sizes that class G fires of one state and year can have, relative to one another
)


def class_quotas(fires: Sequence[int], acres: Sequence[int], totals: Sequence[int]) -> list[list[int]]:
    """Fires per class (A..G) for each group; each class sums to its total, each group to its fires.

    Classes are dealt from the largest down, by fires and acres; no group gets more large fires than its acres
    hold, unless the totals leave no other way.
    """
    left, budget = list(fires), list(acres)
    quotas = [[0] * len(totals) for _ in fires]
    for size_class in range(G, A, -1):
        smallest = int(CLASS_BOUNDS[size_class][0])
        caps = left
        if size_class > C:
            caps = [min(n, acres // smallest) for n, acres in zip(left, budget, strict=True)]
        if sum(caps) < totals[size_class]:
            caps = left
        taken = smallest if size_class == G else TYPICAL_ACRES[size_class]
        for group, n in enumerate(apportion(totals[size_class], _weights(size_class, left, budget), caps)):
            quotas[group][size_class] = n
            left[group] -= n
            budget[group] = max(budget[group] - n * taken, 0)
    for group, n in enumerate(left):
        quotas[group][A] = n
    return quotas


def _weights(size_class: int, fires: Sequence[int], acres: Sequence[int]) -> list[int]:
    pairs = zip(fires, acres, strict=True)
    if size_class == G:
        return [a if n else 0 for n, a in pairs]
    if size_class > C:
        return [isqrt(n * a) for n, a in pairs]
    return [isqrt(n * min(a, TELLING_ACRES * n)) for n, a in pairs]


def large_sizes(
    quotas: Sequence[Sequence[int]], acres: Sequence[int], regions: Sequence[str]
) -> list[list[float]]:
    """Acres of each group's class G fires: together, what its other fires should leave of its acres.

    What groups without such fires leave goes to those of their region. Beyond the smallest of the class,
    sizes are spread exponentially.
    """
    rest = [a - _expected(quota) for quota, a in zip(quotas, acres, strict=True)]
    fires: Counter[str] = Counter()
    unplaced: Counter[str] = Counter()
    for quota, left, region in zip(quotas, rest, regions, strict=True):
        fires[region] += quota[G]
        unplaced[region] += 0 if quota[G] else max(left, 0)
    sizes = []
    for at, (quota, left, region) in enumerate(zip(quotas, rest, regions, strict=True)):
        share = unplaced[region] * quota[G] // fires[region] if quota[G] else 0
        sizes.append(_spread(quota[G], left + share, at))
    return sizes


def _expected(quota: Sequence[int]) -> int:
    return sum(count * typical for count, typical in zip(quota, TYPICAL_ACRES, strict=False))


def _spread(fires: int, acres: int, first: int) -> list[float]:
    smallest, largest = CLASS_BOUNDS[G]
    steps = [(first + 37 * k) % SPREAD_STEPS for k in range(fires)]
    shares = [-log(1 - (step + 0.5) / SPREAD_STEPS) for step in steps]
    scale = max(acres - fires * smallest, 0) / (sum(shares) or 1)
    # Rounded, so that the last bit of a platform's logarithm does not matter.
    return [round(min(smallest + share * scale, largest), 1) for share in shares]
