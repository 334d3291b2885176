"""A few rounds with fixed plans on a real stack: what `make chaos` plays many of."""

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("services.local.stack", reason="needs services/, which the Astro image does not carry")

if TYPE_CHECKING:
    from tests.faults.arena import Arena
    from tests.faults.judgement import Result
    from tests.faults.plan import Plan

pytestmark = pytest.mark.e2e

SETTINGS = {"batch_size": 500, "format": "csv", "accept_encoding": "identity", "page_size": 0}


def plans() -> "dict[str, Plan]":
    from include.wildfires import WILDFIRE_TYPES
    from tests.faults import plan
    from tests.faults import weather as w
    from tests.faults.plan import Plan
    from tests.faults.weather import Weather

    travel = (w.RESET, w.CUT, w.TRUNCATED, w.TOO_LONG)
    writes = (w.SLOW_DOWN, w.PUT_CUT, w.PUT_LOST, w.READ_RESET)

    def one(seed: int, source: tuple[str, ...] = (), store: tuple[str, ...] = (), **more: object) -> Plan:
        settings = {**SETTINGS, **more.pop("settings", {})}  # type: ignore[dict-item]
        # Every second request: a copy's own repeats mend that, curl's too.
        chances = [Weather(f"{seed}-{len(kinds)}", kinds, 0.5) for kinds in (source, store)]
        return Plan(seed, *chances, settings=settings, **more)  # type: ignore[arg-type]

    return {
        "answers break off": one(1, travel, incident=plan.KILL_COPY),
        "statuses": one(2, (w.TOO_MANY_SOON, *w.STATUSES), writes, settings={"format": "ndjson"}),
        "parts of a large object": one(3, (), writes, data="large", settings={"batch_size": 20_000}),
        "the source changes": one(4, (w.DRIP,), (), incident=plan.EDITED),
        "cleared afterwards": one(5, (w.RESET,), (w.PUT_LOST,), incident=plan.CLEAR_ALL_LATER),
        "storm": Plan(7, Weather("7", (w.TOO_MANY_LATE,), 1.0, 1_000), Weather("7"), settings=SETTINGS),
        "packed and unversioned": one(
            8,
            (w.GZIP_CUT, w.TOO_SHORT),
            (w.LIST_LAGS, w.DISK_FULL),
            incident=plan.KILL_WORKER,
            settings={"format": "parquet", "types": WILDFIRE_TYPES, "version_header": None},
        ),
        "planned anew": one(9, (w.CUT,), (), incident=plan.REPLANNED, settings={"compression": "zstd"}),
        "html": Plan(6, Weather("6", (w.HTML,), 1.0, 9), Weather("6"), settings=SETTINGS),
    }


@pytest.fixture(scope="module")
def results(place: "Arena") -> "dict[str, Result]":
    """All rounds, two at a time: they spend their time waiting for one scheduler."""
    from tests.faults.rounds import Round

    free = list(place.slots)

    def play(drawn: "Plan") -> "Result":
        slot = free.pop()
        try:
            return Round(place.stack, slot, drawn).play()
        finally:
            free.append(slot)

    with ThreadPoolExecutor(len(place.slots)) as pool:
        return dict(zip(plans(), pool.map(play, plans().values()), strict=True))


@pytest.mark.parametrize("name", list(plans()))
def test_what_a_round_leaves_is_whole_or_not_there(results: "dict[str, Result]", name: str) -> None:
    assert results[name].bugs == []


@pytest.mark.parametrize(
    "name", [name for name in plans() if name not in ("the source changes", "storm", "html")]
)
def test_what_passes_is_mended(results: "dict[str, Result]", name: str) -> None:
    from tests.faults.judgement import COMMITTED

    assert results[name].outcome == COMMITTED
    assert results[name].faults.total() > 0


def test_a_storm_ends_the_run_with_a_reason(results: "dict[str, Result]") -> None:
    from tests.faults.judgement import REFUSED

    assert results["storm"].outcome == REFUSED
    assert any("status 429" in reason for reason in results["storm"].reasons)


def test_a_page_for_people_ends_the_run_with_a_reason(results: "dict[str, Result]") -> None:
    from tests.faults.judgement import REFUSED

    assert results["html"].outcome == REFUSED
    assert any("NotRows" in reason for reason in results["html"].reasons)
