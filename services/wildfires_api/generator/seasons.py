"""When fires are found and how long they burn: months by cause, hours, minutes, days to containment.

Months are counts in a random sample of 10,000 fires; hours and minutes are shares among the fires of 1997-98;
both of the FPA-FOD, 4th edition (see `published`).
"""

from collections.abc import Callable
from datetime import date
from functools import cache

from services.wildfires_api.apportion import apportion

STEPS = 1000  # entries of a lookup table: an entry is drawn by its position

MONTHS_BY_CAUSE = (  # January to December, in the order of published.CAUSES
    (3, 1, 18, 38, 94, 236, 470, 451, 160, 15, 7, 4),
    (24, 42, 63, 72, 79, 84, 110, 96, 86, 48, 47, 35),
    (17, 19, 27, 41, 31, 26, 29, 26, 24, 22, 13, 5),
    (23, 24, 41, 42, 55, 37, 62, 39, 34, 37, 17, 6),
    (175, 290, 445, 365, 197, 127, 100, 104, 120, 132, 132, 101),
    (11, 17, 24, 22, 22, 15, 12, 9, 6, 11, 10, 6),
    (97, 157, 245, 263, 132, 76, 93, 75, 89, 103, 118, 62),
    (20, 29, 38, 59, 40, 21, 28, 29, 13, 15, 17, 18),
    (81, 107, 176, 233, 194, 156, 217, 145, 132, 108, 104, 62),
    (1, 1, 2, 3, 1, 19, 30, 1, 2, 2, 3, 2),
    (9, 4, 7, 11, 8, 7, 5, 7, 7, 6, 3, 1),
    (2, 3, 1, 2, 3, 3, 2, 3, 1, 1, 4, 1),
    (62, 104, 133, 94, 47, 68, 108, 87, 36, 43, 33, 36),
)
HOURS = (
    45,
    36,
    30,
    25,
    22,
    38,
    58,
    78,
    141,
    188,
    311,
    521,
    934,
    1313,
    1522,
    1385,
    1115,
    742,
    499,
    378,
    254,
    174,
    120,
    71,
)
ROUND_MINUTES = {
    0: 204,
    30: 130,
    15: 60,
    45: 59,
    20: 43,
    50: 41,
    40: 39,
    10: 38,
    25: 28,
    35: 26,
    5: 26,
    55: 23,
}
OTHER_MINUTES = 6  # weight of a minute that is not a multiple of five

DAYS_TO_CONTAINMENT = (  # lookup tables by size class A..G
    (0,) * 880 + (1,) * 80 + (2, 3) * 15 + (4, 5) * 4 + (12, 40),
    (0,) * 930 + (1,) * 50 + (2, 3) * 8 + (9, 30, 84),
    (0,) * 880 + (1,) * 85 + (2, 3, 4) * 8 + (6, 12, 25, 70),
    (0,) * 70 + (1,) * 14 + (2, 3, 4, 5) * 3 + (8, 20, 45, 85),
    (0,) * 40 + (1, 2, 2, 3) * 13 + (5, 6, 7, 12, 40, 50),
    (0,) * 15 + (1, 2, 3, 4, 6, 8, 12, 18, 30, 53, 65),
    (3, 4, 5, 6, 6, 7, 7, 8, 10, 14, 22, 35, 60, 90, 160),
)


def table_of(weights: tuple[int, ...]) -> tuple[int, ...]:
    """STEPS positions, each as often as its weight says."""
    return tuple(value for value, n in enumerate(apportion(STEPS, weights)) for _ in range(n))


MONTH_TABLES = tuple(table_of(months) for months in MONTHS_BY_CAUSE)
HOUR_TABLE = table_of(HOURS)
MINUTE_TABLE = table_of(tuple(ROUND_MINUTES.get(minute, OTHER_MINUTES) for minute in range(60)))
MINUTES_A_DAY = 24 * 60
JULIAN_DAY_OF_ORDINAL_ZERO = 1_721_424.5  # Julian day minus proleptic Gregorian ordinal


@cache
def month_starts(year: int) -> tuple[int, ...]:
    """Ordinals of the first days of a year's months, and of the next year's first day."""
    return tuple(date(year + month // 12, month % 12 + 1, 1).toordinal() for month in range(13))


@cache
def day_of_year(ordinal: int) -> tuple[int, float]:
    """The day's number in its year and its Julian day."""
    year_start = date(date.fromordinal(ordinal).year, 1, 1).toordinal()
    return ordinal - year_start + 1, ordinal + JULIAN_DAY_OF_ORDINAL_ZERO


def discovery(year: int, cause: int, random: Callable[[], float]) -> tuple[int, int]:
    """The day (proleptic ordinal) and the minute of it at which a fire was found."""
    starts = month_starts(year)
    month = MONTH_TABLES[cause][int(random() * STEPS)]
    day = starts[month] + int(random() * (starts[month + 1] - starts[month]))
    hour = HOUR_TABLE[int(random() * STEPS)]
    return day, 60 * hour + MINUTE_TABLE[int(random() * STEPS)]


def containment(found: int, minute: int, size_class: int, random: Callable[[], float]) -> tuple[int, int]:
    """The day and minute at which a fire found then was contained: the same day, never earlier."""
    days = DAYS_TO_CONTAINMENT[size_class]
    ended = found + days[int(random() * len(days))]
    if ended > found:
        return ended, 60 * HOUR_TABLE[int(random() * STEPS)] + MINUTE_TABLE[int(random() * STEPS)]
    later = 5 * int(random() * 48)
    return ended, minute + later if minute + later < MINUTES_A_DAY else minute


@cache
def clock(minute: int) -> str:
    """A minute of the day as four digits, zeros kept."""
    return f"{minute // 60:02}{minute % 60:02}"
