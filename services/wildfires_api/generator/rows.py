"""The rows of a block of the frame: all columns of a fire agree with one another."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

import numpy as np

from include.wildfires import WILDFIRE_TYPES
from services.wildfires_api.fpa_fod import CAUSES, OWNERS, SIZE_CLASSES
from services.wildfires_api.generator import frequencies as seen
from services.wildfires_api.generator import numeric_columns as numeric
from services.wildfires_api.generator.frame import BITS, STATE_OF_GROUP, STATES, YEAR_OF_GROUP, Frame
from services.wildfires_api.generator.numeric_columns import Columns

Fields = list[dict[str, Any]]

LONGEST_TEXT = 50
CODE_SIGNS = "ABCDEFGHJKLMNPQRSTUVWXYZ0123456789"


def records(block: Frame) -> Iterator[dict[str, Any]]:
    """The block's rows; the same in whatever order blocks are made."""
    columns = _columns(block, seen.Draws(block))
    present = {name: _nulled(block, name, columns[name]) for name in WILDFIRE_TYPES}
    for values in zip(*present.values(), strict=True):
        yield dict(zip(present, values, strict=True))


def _columns(block: Frame, draws: seen.Draws) -> Columns:
    """Each column's values, one a row, before nulls."""
    office, place = draws.choose(seen.OFFICES, block.system), draws.below(seen.PLACES_PER_STATE)
    state, year = STATE_OF_GROUP[block.group].tolist(), YEAR_OF_GROUP[block.group].tolist()
    units = list(map(seen.unit, office.tolist(), state, place.tolist()))
    owner = draws.choose(seen.OFFICE_OWNERS, office).tolist()
    fips, county = zip(*_counties(state, draws), strict=True)
    columns: Columns = {
        "FOD_ID": numeric.fod_ids(block, draws),
        **dict(zip(seen.UNIT_COLUMNS, zip(*units, strict=True), strict=True)),
        "FIRE_YEAR": year,
        **numeric.dates(block, draws),
        "STAT_CAUSE_CODE": (block.cause + 1.0).tolist(),
        "STAT_CAUSE_DESCR": [CAUSES[cause] for cause in block.cause.tolist()],
        "FIRE_SIZE": numeric.acres(block, draws).tolist(),
        "FIRE_SIZE_CLASS": [SIZE_CLASSES[each] for each in block.size_class.tolist()],
        **numeric.coordinates(block, draws),
        "OWNER_CODE": list(map(float, owner)),
        "OWNER_DESCR": [OWNERS[code] for code in owner],
        "STATE": [STATES[each] for each in state],
        "FIPS_CODE": fips,
        "FIPS_NAME": county,
    }
    fields = _fields(block, columns, draws)
    columns |= {column: _text(block, column, fields, draws) for column in seen.TEXTS}
    return columns | _other_names(block, columns, fields, draws)


def _counties(state: list[int], draws: seen.Draws) -> Iterator[tuple[str, str]]:
    """FIPS code and name; a few counties have most of a state's fires."""
    known = seen.counties()
    skew = (draws.uniform() * draws.uniform()).tolist()
    return (known[each][int(at * len(known[each]))] for each, at in zip(state, skew, strict=True))


def _fields(block: Frame, columns: Columns, draws: seen.Draws) -> Fields:
    """What the forms of texts are filled with: a mapping for each row."""
    first = 300_000 + block.first
    number = draws.below(3000) + 1
    report = (draws.uniform() * draws.uniform() * 400).astype(np.int64) + 1  # mostly small
    fields = {
        "row": range(first, first + len(block)),
        "y": columns["FIRE_YEAR"],
        "S": columns["STATE"],
        "o": [unit[-3:] for unit in columns["NWCG_REPORTING_UNIT_ID"]],
        "n": number.tolist(),
        "s": (number % 300).tolist(),
        "r": report.tolist(),
        "x": list(map("".join, zip(*(draws.pick(CODE_SIGNS) for _ in range(4)), strict=True))),
        "w": draws.pick(seen.PLAIN_WORDS),
        "v": draws.pick(seen.PLAIN_WORDS),
        "f": draws.pick(seen.FEATURES),
        "e": draws.pick(seen.WORDS["endings"]),
        "q": draws.pick(seen.WORDS["qualifiers"]),
        "g": map(int, columns["FIPS_CODE"]),
        "c": columns["FIPS_NAME"],
        "C": map(str.upper, columns["FIPS_NAME"]),
    }
    return [dict(zip(fields, values, strict=True)) for values in zip(*fields.values(), strict=True)]


def _text(block: Frame, column: str, fields: Fields, draws: seen.Draws) -> list[str | None]:
    """A column of text; nulls are not made first, since most of some columns are null."""
    forms = draws.choose(seen.TEXTS[column], block.system)
    present = block.has(column).tolist() if column in BITS else [True] * len(block)
    return [
        form.format_map(each)[:LONGEST_TEXT] if there else None
        for form, each, there in zip(forms, fields, present, strict=True)
    ]


def _nulled(block: Frame, column: str, values: Sequence[Any]) -> Sequence[Any]:
    """The values, null where the frame says so."""
    if column not in BITS:
        return values
    present = block.has(column).tolist()
    return [value if there else None for value, there in zip(values, present, strict=True)]


def _other_names(block: Frame, columns: Columns, fields: Fields, draws: seen.Draws) -> Columns:
    """Names in other systems, for the few fires that are in any; much the same name everywhere."""
    wanted = {name: block.has(name) for name in ("ICS_209_NAME", "MTBS_ID", "COMPLEX_NAME")}
    found: dict[str, list[Any]] = {name: [None] * len(block) for name in (*wanted, "MTBS_FIRE_NAME")}
    uniform = draws.uniform().tolist()
    for at in np.flatnonzero(np.any(list(wanted.values()), axis=0)).tolist():
        name, words, draw = columns["FIRE_NAME"][at], fields[at], uniform[at]
        complex_name = _complex_name(words, draw) if wanted["COMPLEX_NAME"][at] else None
        # Others named what its own agency did not; the mapping project calls the rest so.
        known_as = complex_name or name or (f"{words['w']} {words['f']}" if draw < 0.98 else "UNNAMED")
        found["COMPLEX_NAME"][at] = complex_name
        found["ICS_209_NAME"][at] = known_as if draw < 0.6 else known_as.title()
        found["MTBS_ID"][at] = _mtbs_id(columns, at)
        found["MTBS_FIRE_NAME"][at] = f"{complex_name} ({name})" if complex_name and name else known_as
    return {**found}


def _complex_name(words: dict[str, Any], draw: float) -> str:
    """A name of several fires fought as one; one in twelve with U+00A0 for a space, as in the source."""
    space = "\u00a0" if draw % 0.12 < 0.01 else " "
    first = f"{words['w']}-{words['v']}" if draw % 0.05 < 0.01 else words["w"]
    return f"{first} COMPLEX{space}" if draw % 0.1 < 0.03 else f"{first}{space}COMPLEX"


def _mtbs_id(columns: Columns, at: int) -> str:
    """State, place in hundredths of a degree, and day of discovery."""
    day = date.fromordinal(int(columns["DISCOVERY_DATE"][at] - numeric.JULIAN_DAY_OF_ORDINAL_ZERO))
    latitude, longitude = int(columns["LATITUDE"][at] * 100), abs(int(columns["LONGITUDE"][at] * 100))
    return f"{columns['STATE'][at]}{latitude:04}{longitude:05}0{day:%Y%m%d}"
