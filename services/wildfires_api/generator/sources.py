"""Who reports a fire: source systems, reporting units and owners, assembled per state."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

from services.wildfires_api.generator.published import table
from services.wildfires_api.generator.words import PLACES

PROFILES = ("forest_service", "interior", "fish_wildlife", "state", "cal_fire", "ics_209", "nfirs")
FOREST_SERVICE, INTERIOR, FISH_WILDLIFE, STATE, CAL_FIRE, ICS_209, NFIRS = range(len(PROFILES))

OWNERS = {  # OWNER_DESCR by OWNER_CODE
    0: "FOREIGN",
    1: "BLM",
    2: "BIA",
    3: "NPS",
    4: "FWS",
    5: "USFS",
    6: "OTHER FEDERAL",
    7: "STATE",
    8: "PRIVATE",
    9: "TRIBAL",
    10: "BOR",
    11: "COUNTY",
    12: "MUNICIPAL/LOCAL",
    13: "STATE OR PRIVATE",
    14: "MISSING/NOT SPECIFIED",
    15: "UNDEFINED FEDERAL",
}
# Owner codes of a profile's fires, as often as they are repeated here.
OWNERS_BY_PROFILE = (
    (5,) * 85 + (13,) * 12 + (8,) * 3,
    (),  # the Interior's owner follows its agency
    (4,) * 90 + (8,) * 10,
    (14,) * 385 + (8,) * 97 + (7,) * 9 + (13,) * 5 + (6,) * 2 + (12, 11),
    (14,) * 95 + (7,) * 5,
    (14,) * 8 + (15, 6),
    (14,) * 98 + (12, 0),
)
INTERIOR_AGENCIES = (  # agency, owner code, unit name, share in per mille
    ("BIA", 2, "{} Agency", 450),
    ("BLM", 1, "{} Field Office", 350),
    ("NPS", 3, "{} National Park", 90),
    ("TRIBE", 9, "{} Tribe", 60),
    ("BLM", 8, "{} District", 45),
    ("BOR", 10, "{} Area Office", 5),
)
STATE_OFFICES = (
    "Division of Forestry",
    "Forestry Commission",
    "Department of Natural Resources",
    "Forest Service",
)
UNITS_PER_STATE = 8
PADDED_UNITS = {"LA", "VA"}  # states whose SOURCE_REPORTING_UNIT ends in a space


@dataclass(frozen=True)
class Unit:
    """The reporting columns of one office; `owner` is None where it varies by fire."""

    system_type: str
    system: str
    agency: str
    unit_id: str
    unit_name: str
    source_unit: str
    source_name: str
    owner: int | None = None

    @property
    def letters(self) -> str:
        """The three letters of the office in incident numbers."""
        return self.unit_id[-3:]


@dataclass(frozen=True)
class State:
    """A state's name, its box in degrees and the per mille of its fires that federal services reported."""

    code: str
    name: str
    south: float
    north: float
    west: float
    east: float
    federal: tuple[int, int, int]


@cache
def states() -> dict[str, State]:
    """Every state by its two letters."""
    found = {}
    for row in table("states"):
        south, north, west, east = (float(row[edge]) for edge in ("south", "north", "west", "east"))
        federal = (int(row["fs_permille"]), int(row["doi_permille"]), int(row["fws_permille"]))
        found[row["state"]] = State(row["state"], row["name"], south, north, west, east, federal)
    return found


def profile_weights(state: str) -> list[int]:
    """Weights of PROFILES in a state, in hundredths of a per mille."""
    federal = states()[state].federal
    rest = 1000 - sum(federal)
    other = (30, 69, 1, 0) if state == "CA" else (79, 0, 1, 20)
    return [100 * share for share in federal] + [rest * share for share in other]


@cache
def units(state: str) -> tuple[tuple[Unit, ...], ...]:
    """The offices of a state for each of PROFILES."""
    seed = sum(map(ord, state)) * 7 + ord(state[0])
    places = [PLACES[(seed + 11 * k) % len(PLACES)] for k in range(UNITS_PER_STATE)]
    own = f"{state}{state}S"
    office = f"{states()[state].name} {STATE_OFFICES[seed % len(STATE_OFFICES)]}"
    own_unit = Unit("NONFED", "FA-NFIRS", "ST/C&L", f"US{own}", office, f"FDID{state}", "Fire Department")
    return (
        tuple(_forest(state, place, seed + k) for k, place in enumerate(places)),
        tuple(_interior(state, places)),
        tuple(_wildlife(state, place) for place in places[:3]),
        _state_offices(state, own_unit, own if seed % 3 else "NASF"),
        tuple(_cal_fire(place) for place in places),
        (
            replace(
                own_unit, system_type="INTERAGCY", system="IA-ICS209", source_unit=own, source_name=office
            ),
        ),
        (own_unit,),
    )


def _state_offices(state: str, own_unit: Unit, system: str) -> tuple[Unit, ...]:
    source_unit = f"{state}DAF " if state in PADDED_UNITS else own_unit.unit_id.removeprefix("US")
    local = replace(own_unit, system="ST-NASF", source_name="Local Fire Department")
    return (
        replace(own_unit, system=f"ST-{system}", source_unit=source_unit, source_name=own_unit.unit_name),
        replace(local, source_unit=f"{state}LFD0"),
        replace(local, source_unit=f"{state}LFD1"),
    )


def _cal_fire(place: str) -> Unit:
    code, name = f"CA{place[:2].upper()}U", f"{place} Unit"
    return Unit("NONFED", "ST-CACDF", "ST/C&L", f"US{code}", name, code, name)


def _forest(state: str, place: str, number: int) -> Unit:
    name = f"{place} National Forest"
    source = f"{number % 10:02}{number % 23 + 1:02}"
    return Unit("FED", "FS-FIRESTAT", "FS", f"US{state}{place[:2].upper()}F", name, source, name)


def _interior(state: str, places: list[str]) -> Iterator[Unit]:
    for at, (agency, owner, form, share) in enumerate(INTERIOR_AGENCIES):
        for place in (places[at], places[at - 4]):
            code, name = f"{state}{place[:2].upper()}{agency[0]}", form.format(place)
            unit = Unit("FED", "DOI-WFMI", agency, f"US{code}", name, code, name, owner)
            yield from [unit] * (share // 5)


def _wildlife(state: str, place: str) -> Unit:
    code, name = f"{state}{place[:2].upper()}R", f"{place} National Wildlife Refuge"
    return Unit("FED", "FWS-FMIS", "FWS", f"US{code}", name, code, name)
