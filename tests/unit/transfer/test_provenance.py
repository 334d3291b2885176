"""What a source says that its rows are goes into the manifest, whatever the way in which it is read."""

import pytest

from include.transfer import run as steps
from include.transfer.commit.manifest import Manifest
from tests.conformance.chains import Chain
from tests.conformance.styles import Served
from tests.unit.transfer.conftest import open_api

ROWS = [{"id": n} for n in range(12)]
NAMED = {"provenance_header": "Data-Provenance"}


class SaysWhatItIs(Chain):
    def answer(self, *asked):
        status, headers, body = super().answer(*asked)
        return status, {**headers, "Data-Provenance": "a file"}, body


def committed(api, bucket, name="20260101T000000-aaaa"):
    committed = steps.run(api, bucket, name)
    prefix = f"{committed['dataset']}/{committed['run']}"
    return bucket.get_json(f"{prefix}/_manifest.json")


@pytest.mark.parametrize(
    ("said", "kept"),
    [("Generated rows  (seed 0)", "Generated rows (seed 0)"), ("x" * 2_000, "x" * 500), (None, "")],
)
def test_the_manifest_keeps_what_the_source_says(source, bucket, said, kept):
    served = source(ROWS, version=said, version_header="Data-Provenance")
    assert committed(open_api(served, **NAMED), bucket)["provenance"] == kept


def test_a_dataset_that_names_no_header_keeps_nothing(source, bucket):
    served = source(ROWS, version="Generated", version_header="Data-Provenance")
    assert committed(open_api(served), bucket)["provenance"] == ""


def test_a_chain_keeps_it_too_where_nothing_is_counted(bucket):
    with Served(SaysWhatItIs()) as served:
        settings = served.style.settings | NAMED | {"total": "none", "reread": 0}
        assert committed(open_api(served, **settings), bucket)["provenance"] == "a file"


def test_what_a_connection_holds_is_hidden_in_it(source, bucket):
    served = source(ROWS, version="for Bearer s3cret-token-9", version_header="Data-Provenance")
    api = open_api(served, **NAMED)
    api._session.headers["Authorization"] = "Bearer s3cret-token-9"
    assert "s3cret" not in committed(api, bucket)["provenance"]


def test_the_setting_is_no_part_of_what_an_object_holds(make_run, source):
    served = source(ROWS)
    assert make_run(served).dataset.fingerprint == make_run(served, **NAMED).dataset.fingerprint


@pytest.mark.parametrize(
    ("said", "made_up"), [("Generated rows (seed 0)", True), ("rows of generated.csv", False), ("", False)]
)
def test_generated_rows_are_told_from_others(source, make_run, said, made_up):
    run = make_run(source(ROWS, version=said or None, version_header="Data-Provenance"), **NAMED)
    run.whole()
    assert Manifest.from_dict(run.manifest(), run.prefix).generated == made_up
