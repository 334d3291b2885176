"""The table of faults: nothing in it is made up, and no fault of the rounds is missing from it."""

import re

import pytest

from include.tasks.forms import settings_form
from include.transfer.dataset import Dataset
from tests.faults import plan
from tests.faults import weather as w
from tests.faults.coverage import MET
from tests.project_files import PROJECT

KINDS = {*w.SOURCE_KINDS, *w.STORE_KINDS, *plan.INCIDENTS, *plan.STYLES}


@pytest.mark.parametrize("fault", MET)
def test_what_meets_a_fault_exists(fault):
    assert MET[fault]
    for where in MET[fault]:
        file, _, name = where.partition("::")
        if name:
            assert re.search(rf"^def {name}\(", (PROJECT / file).read_text(), re.MULTILINE), where
        else:
            assert where in KINDS


def test_every_fault_of_the_rounds_is_in_the_table():
    named = {where for places in MET.values() for where in places}
    assert KINDS - named - {plan.NOTHING} == set()


def test_two_hundred_rounds_meet_every_incident_and_kind():
    drawn = [plan.Plan.drawn(seed) for seed in range(1, 201)]
    kinds = {kind for each in drawn for kind in (*each.source.kinds, *each.store.kinds)}
    assert kinds | {each.incident for each in drawn} >= KINDS - {*plan.STYLES}
    assert {each.settings["format"] for each in drawn} == {"csv", "ndjson", "parquet"}
    assert {each.settings.get("compression") for each in drawn} >= {"none", "gzip", "zstd"}
    assert {each.settings["version_header"] for each in drawn} == {"ETag", None}


def test_four_hundred_rounds_meet_every_style_of_server():
    assert {plan.Plan.drawn(seed).style for seed in range(1, 401)} == {"", *plan.STYLES}


def test_the_form_takes_what_every_round_gives_it():
    form = settings_form(Dataset(name="my_api"))
    for seed in range(1, 401):
        for name, value in plan.Plan.drawn(seed).settings.items():
            form[name].resolve(value)


def test_the_same_seed_draws_the_same_round():
    def drawn(seed):
        found = plan.Plan.drawn(seed)
        skies = [(sky.seed, sky.kinds, sky.chance, sky.repeats) for sky in (found.source, found.store)]
        return skies, found.incident, found.at_copies, found.settings, found.data, found.style

    assert drawn(7) == drawn(7)
    assert drawn(7) != drawn(8)
