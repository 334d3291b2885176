"""Fire, incident and complex names, with the oddities of the real ones: quotes, commas, padding, digits."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from services.wildfires_api.generator.words import ENDINGS, FEATURES, NA_LIKE, PLACES, QUALIFIERS, SURNAMES

T = TypeVar("T")

LONGEST = 50  # characters of a FIRE_NAME
PLAIN_WORDS = tuple(word.upper() for word in (*PLACES, *SURNAMES, *FEATURES))
FEATURE_WORDS = tuple(word.upper() for word in FEATURES)
ODD_SHARE = 0.04

# Forms of odd names: {w} and {v} are words, {n} a number.
ODD_FORMS = (
    "{n:04}",
    "{n:04}",
    "{n}",
    '{n:03} "{w1}" ROAD',
    '{n} {w} RD "NE"',
    '{w} DRAW ("{w1}")',
    'O"{w} RANCH',
    '"{w}"',
    '"{w}, {v1}#{n}"           ',
    '"{w}, {v1}."             ',
    '"{w} BURN, {v}"  ',
    '"""{w1}"""          ',
    "{w},{v}",
    "{w} {v} FARM. {n} {n}TH AVE, FORT {w}",
    "{w} #2",
    "{w1}/{v1}",
    "HWY {n}  / {w} BL",
    "STATE HWY {n} N. & CR {n} FIRE",
    "{n}@ FM {n}",
    "{w}`S DAY",
    "FIRE:{w1}",
    "{n} {w}?",
    "{w}'S GATE",
    "${n}",
    "{w}{{",
    "DOF #{n} ^8 & {w}",
    "***{w} TAC 1***      ",
    "{w} [{n}]",
    "HWY !{n} {w}",
    "{w} ({n}) **",
    "{w}_2",
    "{w} ",
    "{w} ",
    "{w:<25}",
    "{w:<25}",
    "{w} TRAIL                                          ",
    "NO NAME",
    "UNKNOWN",
    "NONE",
    "N.A.",
    "TRUE",
    "FALSE",
)


def fire_name(random: Callable[[], float]) -> str:
    """An upper-case name of one to four words, or an odd one; at most 50 characters."""
    draw = random()
    if draw < ODD_SHARE:
        return odd_name(random)
    word = pick(PLAIN_WORDS, random)
    if draw < 0.48:
        return word
    if draw < 0.78:
        return f"{word} {pick(FEATURE_WORDS, random)}"
    if draw < 0.86:
        return f"{word} {pick(ENDINGS, random)}"
    if draw < 0.93:
        return f"{pick(QUALIFIERS, random)} {word}"
    if draw < 0.98:
        return f"{word} {pick(FEATURE_WORDS, random)} {pick(ENDINGS, random)}"
    return f"{pick(QUALIFIERS, random)} {word} {pick(FEATURE_WORDS, random)} {pick(ENDINGS, random)}"


def odd_name(random: Callable[[], float]) -> str:
    """A name that breaks careless code."""
    word, other = pick(PLAIN_WORDS, random), pick(PLAIN_WORDS, random)
    form = pick(ODD_FORMS, random)
    return form.format(w=word, v=other, w1=word[0], v1=other[0], n=int(random() * 2500))[:LONGEST]


def na_like_name(random: Callable[[], float]) -> str:
    """Text that a careless reader takes for a null."""
    return pick(NA_LIKE, random)


def complex_name(random: Callable[[], float]) -> str:
    """A name of several fires fought as one; one in twelve with U+00A0 for a space, as in the source."""
    space = "\u00a0" if random() < 1 / 12 else " "
    first = pick(PLAIN_WORDS, random)
    if random() < 0.2:
        first += f"-{pick(PLAIN_WORDS, random)}"
    return f"{first} COMPLEX{space}" if random() < 0.3 else f"{first}{space}COMPLEX"


def pick(choices: Sequence[T], random: Callable[[], float]) -> T:
    """One of `choices`, all as likely."""
    return choices[int(random() * len(choices))]
