"""A chain of answers: sealed as it is walked, gone on with from the store, proven to be whole."""

import json

import pytest

from include.transfer import run as steps
from include.transfer.commit.audit import audit
from include.transfer.commit.receipt import Receipt
from include.transfer.copy_chain import copy_chain, sealed
from include.transfer.errors import BodyBroken, NotRows, SourceRefused, Unverified, WrongRowCount
from include.transfer.source.row_hashes import RowHashes
from include.transfer.source.walk import Walk
from include.transfer.store.keys import Prefix
from tests.conformance.chains import Chain, ContinuesBehindARow, LinksInTheBody
from tests.conformance.styles import Served
from tests.unit.transfer.conftest import open_api

PREFIX = Prefix("things", "20260101T000000-aaaa")


@pytest.fixture
def served(request):
    with Served(getattr(request, "param", Chain)()) as source:
        yield source


def api_of(served, **settings):
    shape = {"format": "ndjson", "batch_size": 60} | served.style.settings | settings
    return open_api(served, **shape)


def cursors(served):
    return [request.query.get("cursor", "") for request in served.row_requests]


def rows_in(bucket, receipts):
    lines = (line for each in receipts for line in b"".join(bucket.get(each.key)).splitlines())
    return [json.loads(line) for line in lines]


class Stopped(BaseException):
    """A process that is killed."""


class StopsAt:
    """A bucket whose process is killed at its n-th call."""

    def __init__(self, bucket, left):
        self._bucket, self.left = bucket, left

    def __getattr__(self, name):
        def call(*args, **kwargs):
            self.left -= 1
            if self.left < 0:
                raise Stopped
            return getattr(self._bucket, name)(*args, **kwargs)

        return call


def test_an_object_and_a_receipt_every_batch_size_rows_at_the_borders_of_answers(served, bucket):
    last = copy_chain(api_of(served), bucket, PREFIX)
    receipts = list(sealed(bucket, PREFIX))
    assert [(each.start, each.rows) for each in receipts] == [(0, 75), (75, 75), (150, 75), (225, 5)]
    assert [each.chain["next"] for each in receipts] == ["t75", "t150", "t225", None]
    assert last == receipts[-1]
    assert rows_in(bucket, receipts) == served.style.rows


def test_a_copy_killed_at_any_call_of_the_store_goes_on_and_moves_nothing_twice(served, bucket):
    calls = 0
    while True:
        prefix = Prefix("things", f"20260101T000000-{calls}")
        stops = StopsAt(bucket, calls)
        try:
            copy_chain(api_of(served), stops, prefix)
        except Stopped:
            before = list(sealed(bucket, prefix))
            written = {each.key: bucket.head(each.key) for each in before}
            copy_chain(api_of(served), bucket, prefix)
            after = list(sealed(bucket, prefix))
            assert after[: len(before)] == before
            assert {key: bucket.head(key) for key in written} == written
            assert rows_in(bucket, after) == served.style.rows
            calls += 1
        else:
            break
    assert calls > 12


def test_a_chain_that_is_there_is_not_copied_again(served, bucket):
    first = copy_chain(api_of(served), bucket, PREFIX)
    asked = len(served.row_requests)
    again = copy_chain(api_of(served), StopsAt(bucket, 20), PREFIX)
    assert again == first
    # Without a version the first answer of each object is asked for again.
    assert cursors(served)[asked:] == ["", "t75", "t150", "t225"]


def test_what_the_source_changed_is_copied_again_from_there_on(served, bucket):
    copy_chain(api_of(served), bucket, PREFIX)
    served.style.rows[80] = {**served.style.rows[80], "name": "corrected"}
    copy_chain(api_of(served), bucket, PREFIX)
    assert rows_in(bucket, sealed(bucket, PREFIX)) == served.style.rows


def test_another_source_or_other_settings_are_copied_from_the_beginning(served, bucket):
    copy_chain(api_of(served), bucket, PREFIX)
    asked = len(served.row_requests)
    copy_chain(api_of(served, query={"state": "CA"}), bucket, PREFIX)
    assert cursors(served)[asked] == ""
    assert len(cursors(served)[asked:]) == 10


def test_an_answer_that_breaks_off_is_asked_for_again(served, bucket):
    served.style.answer = _broken_once(served.style)
    copy_chain(api_of(served), bucket, PREFIX)
    assert rows_in(bucket, sealed(bucket, PREFIX)) == served.style.rows


def _broken_once(style):
    answer, broken = style.answer, []

    def first_broken(*args):
        status, headers, body = answer(*args)
        if style.asked == 3 and not broken:
            broken.append(True)
            return status, headers, json.dumps(body).encode()[:-30]
        return status, headers, body

    return first_broken


@pytest.mark.parametrize("cut", [b'],"next":"t2', b'],"nex'])
def test_a_body_that_ends_behind_its_rows_is_no_end_of_the_chain(served, bucket, cut):
    rows = json.dumps(served.style.rows[:25]).encode()[:-1]
    served.style.answer = lambda *_: (200, {}, b'{"items":' + rows + cut)
    with pytest.raises(BodyBroken, match="behind its rows"):
        copy_chain(api_of(served), bucket, PREFIX)


def test_a_token_that_is_no_text(served, bucket):
    served.style.led = lambda rows, *_: (200, {}, {"items": rows, "next": {"page": 2}})
    with pytest.raises(NotRows, match=r"body:next is .*page.*not text"):
        copy_chain(api_of(served), bucket, PREFIX)


@pytest.mark.parametrize("served", [ContinuesBehindARow], indirect=True)
def test_rows_without_the_column_that_leads_on(served, bucket):
    for row in served.style.rows:
        row["uid"] = row.pop("id")
    with pytest.raises(NotRows, match="the last of 25 rows has no 'id'"):
        copy_chain(api_of(served), bucket, PREFIX)


@pytest.mark.parametrize("served", [LinksInTheBody], indirect=True)
def test_a_secret_in_a_link_is_in_no_receipt_and_the_chain_is_walked_anew(served, bucket):
    led = served.style.led

    def signed(*args):
        status, headers, body = led(*args)
        if body["links"]["next"]:
            body["links"]["next"] += "&access_token=hush-hush"
        return status, headers, body

    served.style.led = signed
    copy_chain(api_of(served), bucket, PREFIX)
    stored = [b"".join(bucket.get(each.key)) for each in bucket.objects(f"{PREFIX}_receipts/")]
    assert stored
    assert not [text for text in stored if b"hush-hush" in text]
    asked = len(served.row_requests)
    copy_chain(api_of(served), bucket, PREFIX)
    assert len(served.row_requests) == asked + 10
    assert rows_in(bucket, sealed(bucket, PREFIX)) == served.style.rows


def test_a_first_answer_that_is_refused_is_no_end(served, bucket):
    served.style.answer = lambda *_: (404, {}, {})
    with pytest.raises(SourceRefused):
        copy_chain(api_of(served, total="none", paging={"size": 25}), bucket, PREFIX)


def test_verify_finds_a_chain_that_does_not_reach_its_end(served, bucket):
    api = api_of(served)
    copied = copy_chain(api, bucket, PREFIX)
    lost = list(sealed(bucket, PREFIX))[2]
    bucket.delete(f"{PREFIX}_receipts/data_from_{lost.start}.json")
    planned = steps.plan(api.dataset, steps.count(api))
    with pytest.raises(Unverified) as raised:
        steps.verify(api, bucket, planned, [copied.to_dict()], PREFIX.run, steps.Policy())
    assert "rows from 150 on" in {finding.where for finding in raised.value.findings}


def test_links_that_do_not_meet_are_no_chain(served, bucket):
    copy_chain(api_of(served), bucket, PREFIX)
    key = f"{PREFIX}_receipts/data_from_75.json"
    receipt = Receipt.from_dict(bucket.get_json(key))
    bucket.put_json(key, {**receipt.to_dict(), "chain": {"begins": "t74", "next": "t150"}})
    assert [each.start for each in sealed(bucket, PREFIX)] == [0]


@pytest.mark.parametrize("length", [1, 2, 7, 40])
def test_a_circle_of_any_length_ends(served, length):
    served.style.at = lambda request: 0
    served.style.led = lambda rows, following, request: (
        200,
        {},
        {"items": [{"asked": served.style.asked}], "next": f"n{served.style.asked % length}"},
    )
    walk = Walk(api_of(served))
    with pytest.raises(WrongRowCount, match="came before"):
        for _ in walk.segment(10_000, RowHashes()):
            pass
    assert served.style.asked <= 4 * length + 4


def test_a_chain_is_committed_and_read_back(served, bucket):
    api = api_of(served)
    committed = steps.run(api, bucket, PREFIX.run)
    assert committed["rows"] == 230
    manifest = bucket.get_json(PREFIX.manifest)
    assert manifest["proof"]["end"] == "reached"
    assert audit(bucket, PREFIX).findings == []
    del manifest["receipts"][1]
    bucket.put_json(PREFIX.manifest, manifest)
    assert "it does not begin where the one before ends" in {
        each.got for each in audit(bucket, PREFIX).findings
    }
