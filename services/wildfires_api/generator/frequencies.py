"""How often values occur, and drawing them: `data/frequencies.json`, agencies, states and counties.

Months are counts in a random sample of 10,000 fires, acres too; hours and minutes are shares among the fires
of 1997-98; both of the FPA-FOD, 4th edition (see `fpa_fod`). Texts are forms of `str.format`, with the fields
that `rows` gives them. The boxes of `data/states.tsv` hold the coordinates seen in samples of the source; its
columns per mille are shares of federal services among a state's fires in a random sample.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np

from services.wildfires_api.fpa_fod import DATA, table
from services.wildfires_api.generator.frame import STATES, SYSTEMS, Floats, Frame
from services.wildfires_api.generator.quotas import Integers

PLACES_PER_STATE = 8


class Choices:
    """Values with weights, one mapping for each of several groups."""

    def __init__(self, groups: Iterable[Mapping[Any, Any]], kind: type = str) -> None:
        listed = [[(kind(value), int(weight)) for value, weight in group.items()] for group in groups]
        width = max(map(len, listed))
        padded = [items + [(items[-1][0], 0)] * (width - len(items)) for items in listed]
        values, weights = ([[item[part] for item in items] for items in padded] for part in (0, 1))
        self._values: Any = np.array(values, object if kind is str else kind)
        self._cumulative = np.cumsum(weights, axis=1)

    def draw(self, uniform: Floats, group: Integers | int = 0) -> Any:
        """A value for each of `uniform` (from 0 to 1), from the mapping of its group."""
        cumulative = self._cumulative[group]
        steps = (uniform * cumulative[..., -1])[:, None] >= cumulative
        return self._values[group, steps.sum(axis=1)]


class Draws:
    """Random draws for a block, one a row: the same for a seed, whatever was drawn for other blocks."""

    def __init__(self, block: Frame) -> None:
        self._rows = len(block)
        self._rng = np.random.Generator(np.random.PCG64((block.seed, block.first)))

    def uniform(self) -> Floats:
        return self._rng.random(self._rows)

    def below(self, bound: Integers | int) -> Integers:
        return (self.uniform() * bound).astype(np.int64)

    def pick(self, values: Sequence[str]) -> list[str]:
        return [values[at] for at in self.below(len(values)).tolist()]

    def choose(self, choices: Choices, group: Integers | int = 0) -> Any:
        return choices.draw(self.uniform(), group)


_seen: dict[str, Any] = json.loads((DATA / "frequencies.json").read_text(encoding="utf-8"))

MONTHS = Choices((dict(enumerate(weights)) for weights in _seen["months"]), int)  # from 0; by cause
HOURS = Choices([dict(enumerate(_seen["hours"]))], int)
MINUTES = Choices([dict(enumerate(_seen["minutes"]))], int)
DAYS_TO_CONTAINMENT = Choices(_seen["days_to_containment"], int)  # by size class
USUAL_ACRES = Choices([*_seen["acres"], {"5000": 1}], float)  # by size class
DECIMALS = Choices([_seen["decimals"]], int)
TEXTS = {  # column → forms by system
    column: Choices(forms.get(system, forms.get("*")) for system in SYSTEMS)
    for column, forms in _seen["texts"].items()
}
# A word that stands there more often is drawn more often.
WORDS: dict[str, list[str]] = {kind: words.split() for kind, words in _seen["words"].items()}
PLAIN_WORDS = [word.upper() for kind in ("places", "surnames", "features") for word in WORDS[kind]]
FEATURES = [word.upper() for word in WORDS["features"]]

_offices, _states = table("agencies"), table("states")
UNIT_COLUMNS = [name for name in _offices[0] if name.isupper()]
OFFICES = Choices(
    (
        {at: int(row["share"]) for at, row in enumerate(_offices) if row["system"] == system}
        for system in SYSTEMS
    ),
    int,
)
OFFICE_OWNERS = Choices((dict(pair.split(":") for pair in row["owners"].split()) for row in _offices), int)
BOXES = np.array(  # south, north, west, east, in degrees
    [[float(row[edge]) for edge in ("south", "north", "west", "east")] for row in _states]
)


@cache
def unit(office: int, state: int, place: int) -> tuple[str, ...]:
    """UNIT_COLUMNS of one place of an office (by row of `data/agencies.tsv`) in a state."""
    name = WORDS["places"][(7 * state + 11 * place) % len(WORDS["places"])]
    fields = {
        "S": STATES[state],
        "N": _states[state]["name"],
        "P": name,
        "p": name[:2].upper(),
        "r": state % 10 + 1,
        "k": place,
    }
    return tuple(_offices[office][column].format_map(fields) for column in UNIT_COLUMNS)


@cache
def counties() -> list[list[tuple[str, str]]]:
    """FIPS code (three digits, text) and name of the counties of each of STATES."""
    found: dict[str, list[tuple[str, str]]] = {state: [] for state in STATES}
    for row in table("counties"):
        found[row["state"]].append((row["fips"], row["name"]))
    return list(found.values())
