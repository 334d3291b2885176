"""A few rounds with fixed plans on a real stack: what `make chaos` plays many of."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from include.wildfires import WILDFIRE_TYPES
from tests.faults import plan
from tests.faults import weather as w
from tests.faults.arena import Arena
from tests.faults.judgement import Result
from tests.faults.plan import Plan
from tests.faults.rounds import Round
from tests.faults.weather import Weather

# The rounds of `make test`, and those that `make test-all` adds: theirs take minutes.
SHORT = ("answers break off", "the source changes", "cleared afterwards", "html")
LONG = (
    "statuses",
    "parts of a large object",
    "storm",
    "packed and unversioned",
    "planned anew",
)
SETTINGS = {"batch_size": 500, "format": "csv", "paging": {"size": 0}}


def plans() -> dict[str, Plan]:
    travel = (w.RESET, w.CUT, w.TRUNCATED, w.TOO_LONG)
    writes = (w.SLOW_DOWN, w.PUT_CUT, w.PUT_LOST, w.READ_RESET)

    def one(seed: int, source: tuple[str, ...] = (), store: tuple[str, ...] = (), **more: object) -> Plan:
        settings = {**SETTINGS, **more.pop("settings", {})}  # type: ignore[dict-item]
        # Every second request: the requests' own repeats mend that.
        chances = [Weather(f"{seed}-{len(kinds)}", kinds, 0.5) for kinds in (source, store)]
        return Plan(seed, *chances, settings=settings, **more)  # type: ignore[arg-type]

    return {
        "answers break off": one(1, travel, incident=plan.KILL_COPY),
        "statuses": one(2, (w.TOO_MANY_SOON, *w.STATUSES), writes, settings={"format": "ndjson"}),
        "parts of a large object": one(3, (), writes, data="large", settings={"batch_size": 20_000}),
        "the source changes": one(4, (w.DRIP,), (), incident=plan.EDITED),
        "cleared afterwards": one(5, (w.RESET,), (w.PUT_LOST,), incident=plan.CLEAR_ALL_LATER),
        "storm": Plan(7, Weather("7", (w.TOO_MANY_LATE,), 1.0, 1_000), Weather("7"), settings=SETTINGS),
        # A full disk fails an attempt at once. This seed spoils at most two of a batch's three writes, so
        # that with the attempt of the killed worker one is left.
        "packed and unversioned": one(
            15,
            (w.GZIP_CUT, w.TOO_SHORT),
            (w.LIST_LAGS, w.DISK_FULL),
            incident=plan.KILL_WORKER,
            settings={"format": "parquet", "types": WILDFIRE_TYPES, "version_header": None},
        ),
        "planned anew": one(9, (w.CUT,), (), incident=plan.REPLANNED, settings={"compression": "zstd"}),
        "html": Plan(6, Weather("6", (w.HTML,), 1.0, 9), Weather("6"), settings=SETTINGS),
    }


def played(place: Arena, names: Iterable[str]) -> dict[str, Result]:
    """The rounds of these names, two at a time: they spend their time waiting for one scheduler."""
    free, known = list(place.slots), plans()

    def play(name: str) -> Result:
        slot = free.pop()
        try:
            return Round(place.stack, slot, known[name]).play()
        finally:
            free.append(slot)

    with ThreadPoolExecutor(len(free)) as pool:
        return dict(zip(names, pool.map(play, names), strict=True))
