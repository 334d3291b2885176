"""What `make scale` makes of its figures: the model, the page, and who has grown; and its source's rows."""

import json

import pytest

pytest.importorskip("services.local.stack", reason="needs services/, which the Astro image does not carry")
pytest.importorskip("benchmarks", reason="needs benchmarks/, which the Astro image does not carry")

from tests.real_fires import real_fires
from tests.scale.measuring import CPU, REQUESTS, Measured
from tests.scale.memory import Memory, Sizes
from tests.scale.model import fitted
from tests.scale.page import Series, duration, write
from tests.servers.endless import BLOCK, block


def run(rows, maps, **changes):
    costs = dict.fromkeys(CPU, 0.5 + 2e-06 * rows + 0.1 * maps) | dict.fromkeys(REQUESTS, 3 + 7 * maps)
    costs |= {"seconds": 5 + 1e-5 * rows + 1.2 * maps} | changes
    sizes = {"api-server": Sizes(300, 310, 320, 600)}
    return Measured(f"{rows:,} rows in {maps:,} maps", rows, maps, costs, (150, 160), sizes)


def series():
    by_rows = [run(rows, -(-rows // 50_000)) for rows in (20_000, 200_000, 2_000_000, 20_000_000)]
    return Series(by_rows, [run(200_000, maps) for maps in (1, 10, 100, 1_000)], 50_000)


def lines(folder):
    return (folder / "scale.md").read_text().splitlines()


def test_the_model_finds_what_the_figures_were_made_of():
    models = series().models()
    assert models["seconds"] == pytest.approx((5, 1e-5, 1.2))
    assert models["computed"] == pytest.approx((2, 8e-6, 0.4))
    assert models["store requests"] == pytest.approx((3, 0, 7), abs=1e-9)
    assert models["seconds"].at(1e9, 1_000) == pytest.approx(5 + 1e4 + 1.2e3)


def test_no_term_of_the_model_is_negative():
    runs = [
        run(rows, maps, seconds=10 - rows * 1e-6) for rows, maps in ((1e5, 1), (1e6, 2), (2e6, 3), (3e6, 1))
    ]
    assert min(fitted(runs, "seconds")) >= 0


def test_the_two_largest_runs_are_predicted_and_not_known(tmp_path):
    figures = series()
    for each in figures.held_back:
        each.costs["seconds"] *= 2
    assert figures.models(but=figures.held_back)["seconds"] == pytest.approx((5, 1e-5, 1.2))
    assert figures.models()["seconds"] != pytest.approx((5, 1e-5, 1.2))
    write(tmp_path, figures, [], {})
    found = [line for line in lines(tmp_path) if "| -50 % |" in line]
    assert [line.split(" | ")[0] for line in found] == [f"| {each.title}" for each in figures.held_back]


def test_a_page_shows_every_run_and_says_what_is_wrong(tmp_path):
    figures = series()
    figures.by_rows[2].failed.append("it is failed")
    at_once = Measured("3 runs of a_dag at once", costs={"seconds": 9, "tasks": 15}, wrong=["a retry"])
    findings = write(tmp_path, figures, [at_once], {"Python": "3.11"})
    assert findings == ["2,000,000 rows in 40 maps: it is failed", "3 runs of a_dag at once: a retry"]
    page = lines(tmp_path)
    assert [line for line in page if "**wrong**" in line] == [f"- **wrong**: {each}" for each in findings]
    for each in (*figures.by_rows, *figures.by_maps):
        assert any(line.startswith(f"| {each.rows:,} | {each.maps:,} | ") for line in page)
    assert (tmp_path / "scale.svg").read_text().startswith("<svg")


def test_a_page_of_runs_that_held_says_so(tmp_path):
    assert write(tmp_path, series(), [], {}) == []
    assert "All of it held." in lines(tmp_path)


def test_memory_that_grows_is_found():
    memory = Memory(None)
    memory.seen = {"scheduler": [100.0] * 30 + [300.0] * 30, "s3": [100.0] * 60, "api": [100.0, 300.0]}
    assert {name for name, sizes in memory.sizes().items() if sizes.grew} == {"scheduler"}


@pytest.mark.parametrize(
    ("seconds", "text"), [(42.4, "42 s"), (119, "119 s"), (720, "12 min"), (12_240, "3.4 h")]
)
def test_durations(seconds, text):
    assert duration(seconds) == text


@pytest.mark.parametrize("start", [0, 7, BLOCK, 3 * BLOCK - 1, 10**9])
def test_rows_of_the_endless_source_are_real_fires_under_their_own_numbers(start):
    fires, rows = real_fires(), json.loads(b"[%s]" % block(start, start + BLOCK))
    numbers = range(start, start + BLOCK)
    assert rows == [fires[number % BLOCK] | {"FOD_ID": number} for number in numbers]
