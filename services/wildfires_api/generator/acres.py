"""Fire sizes within a size class, as people report them: mostly a few round figures."""

from collections.abc import Callable

from services.wildfires_api.generator.names import pick
from services.wildfires_api.generator.published import CLASS_BOUNDS


def _repeated(often: dict[float, int]) -> tuple[float, ...]:
    return tuple(size for size, times in often.items() for _ in range(times))


# Figures reported often and how often, by class A..F: counts in a random sample (see `published`).
USUAL = (
    _repeated({0.1: 2472, 0.2: 417, 0.25: 321, 0.01: 193, 0.05: 34, 0.03: 20, 0.02: 16, 0.15: 13, 0.001: 5}),
    _repeated(
        {1.0: 1181, 0.5: 594, 2.0: 582, 5.0: 324, 3.0: 300, 0.3: 268, 4.0: 203, 1.5: 128, 6.0: 109, 8.0: 103}
    ),
    _repeated({10.0: 189, 20.0: 128, 15.0: 99, 30.0: 65, 25.0: 63, 12.0: 55, 40.0: 49}),
    _repeated({100.0: 26, 150.0: 14, 200.0: 13, 125.0: 9, 250.0: 9, 120.0: 8, 110.0: 6, 160.0: 4, 175.0: 3}),
    _repeated({300.0: 14, 500.0: 5, 800.0: 4, 350.0: 3, 600.0: 3, 450.0: 3, 950.0: 2, 900.0: 2}),
    _repeated({1000.0: 3, 1500.0: 3, 1200.0: 2, 1100.0: 2, 2000.0: 2, 1300.0: 1}),
)
USUAL_SHARE = (0.97, 0.85, 0.75, 0.6, 0.45, 0.3)
TINY_SHARE = 0.0002  # of class A: the smallest size there is
DECIMALS = (2, 1, 1, 1, 1, 1)


def acres(size_class: int, random: Callable[[], float]) -> float:
    """A size of one of the classes A..F (0..5), small ones likelier."""
    draw = random()
    low, high = CLASS_BOUNDS[size_class]
    if size_class == 0 and draw < TINY_SHARE:
        return low
    if draw < USUAL_SHARE[size_class]:
        return pick(USUAL[size_class], random)
    skew = random()
    value = round(low + (high - low) * skew * skew, DECIMALS[size_class] if draw < 0.98 else 2)
    return min(max(value, round(low, 2) or 0.01), high)
