"""Every error that can leave a task is of one of three classes, and tells what a person needs to know."""

import ast
import importlib
import json
import pkgutil
import re
import xml.etree.ElementTree as ElementTree

import minio.error
import pytest
import requests
import urllib3

import include.report.errors
import include.transfer
from include.transfer import errors
from include.transfer.errors import Fatal, Finding, Retryable, TransferError, Unverified, about
from include.transfer.source.fetch import translated
from tests.airflow_home import PROJECT
from tests.servers.faults import Fault

for module in pkgutil.walk_packages(include.transfer.__path__, "include.transfer."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)

THREE = (Retryable, Fatal, Unverified)


def tree(root):
    """`root` and everything below it."""
    return [root, *(found for child in root.__subclasses__() for found in tree(child))]


def own(root):
    return [kind for kind in tree(root) if kind.__module__ == errors.__name__]


# The tree ----------------------------------------------------------------------------------------------


def test_every_error_is_of_exactly_one_of_three_classes():
    for kind in own(TransferError)[1:]:
        assert sum(issubclass(kind, one) for one in THREE) == 1, kind


def test_the_docstring_draws_the_tree_as_it_is():
    drawn = re.findall(r"^[│ ├└─]*([A-Z]\w+)", errors.__doc__.partition("\n\n")[2], re.MULTILINE)
    assert sorted(drawn) == sorted(kind.__name__ for kind in own(TransferError))


@pytest.mark.parametrize("kind", own(TransferError)[1:], ids=lambda kind: kind.__name__)
def test_the_retry_policy_knows_what_to_do(kind):
    sdk = pytest.importorskip("airflow.sdk")
    from include.tasks.retries import RETRIES

    error = kind([Finding("here", "it is gone")]) if kind is Unverified else kind("what happened")
    decided = RETRIES["retry_policy"].evaluate(error, 1, 3)
    wanted = sdk.RetryAction.RETRY if issubclass(kind, Retryable) else sdk.RetryAction.FAIL
    assert decided.action == wanted


@pytest.mark.parametrize(("asked", "seconds"), [(None, 30), (5, 30), (600, 600), (1e40, 86_400)])
def test_the_retry_waits_as_long_as_the_source_asks(asked, seconds):
    pytest.importorskip("airflow.sdk")
    from include.tasks.retries import RETRIES

    error = errors.SourceUnavailable("status 429")
    error.retry_after = asked
    again = errors.told(json.loads(json.dumps(error.to_dict())))  # as the count's process tells it
    for each in (error, again):
        decided = RETRIES["retry_policy"].evaluate(each, try_number=1, max_tries=3, context=None)
        assert decided.retry_delay.total_seconds() == seconds


# What may be raised ------------------------------------------------------------------------------------

# Carried within a module, or a command's own: none of these leaves a task.
INNER = {"Unreadable", "BadDocument", "cls", "TypeError", "AssertionError"}
INNER |= {"Unplaced", "CommitFailedException"}  # caught where a table's commit is tried once more
WORK = sorted([*(PROJECT / "include/transfer").rglob("*.py"), *(PROJECT / "include/tasks").glob("*.py")])


def raised(source):
    """Names of what a module raises; a bare `raise`, and one of a variable, hand on what was caught."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            yield getattr(node.exc.func, "id", getattr(node.exc.func, "attr", ""))


def test_no_module_raises_anything_else():
    known = {kind.__name__ for kind in tree(TransferError)} | INNER
    known |= {
        "AirflowSkipException",
        "type",
        "_refusal",
        "SystemExit",
    }  # type(error)(...): the same again
    found = {path.name: sorted(set(raised(path.read_text())) - known) for path in WORK}
    found = {name: [n for n in names if n and n[0] != "_"] for name, names in found.items()}
    assert {name: names for name, names in found.items() if names} == {}


# Foreign errors ----------------------------------------------------------------------------------------


def made(kind):
    """An instance of a library's error, however it wants to be made."""
    if kind is minio.error.S3Error:
        response = type("Response", (), {"status": 418})()
        return kind(response, "Odd", "secret-canary", "/k", "1", "2")
    error = kind.__new__(kind)
    Exception.__init__(error, "secret-canary")
    if kind is minio.error.ServerError:
        error._status_code = 418
    return error


SOURCE_ERRORS = [
    kind
    for root in (requests.RequestException, urllib3.exceptions.HTTPError)
    for kind in tree(root)
    if kind.__module__.startswith(("requests", "urllib3"))
]
STORE_ERRORS = [
    *(kind for kind in tree(urllib3.exceptions.HTTPError) if kind.__module__.startswith("urllib3")),
    *tree(minio.error.MinioException),
    ElementTree.ParseError,
    ValueError,
    OSError,
    ConnectionResetError,
    TimeoutError,
]


@pytest.mark.parametrize("kind", SOURCE_ERRORS, ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
def test_every_error_of_the_http_libraries_is_translated(kind):
    with (
        pytest.raises((Retryable, Fatal), match=r"^GET http://x/\?api_key=\*\*\*: ") as caught,
        translated("http://me:pw@x/?api_key=1"),
    ):
        raise made(kind)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("kind", STORE_ERRORS, ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
def test_every_error_of_the_store_is_translated(bucket, kind):
    with (
        pytest.raises((Retryable, Fatal), match=r"^PUT s3://transfer/k: "),
        bucket._translated("PUT", "k"),
    ):
        raise made(kind)


@pytest.mark.parametrize("kind", [ValueError, OSError, KeyError, urllib3.exceptions.ProtocolError])
def test_what_ends_the_pieces_is_not_taken_for_the_stores(bucket, kind):
    def pieces():
        yield b"x"
        raise kind("of the source")

    with pytest.raises(kind, match="of the source"):
        bucket.put_stream("k", pieces())


# What they say -----------------------------------------------------------------------------------------


def test_what_it_is_about_stands_first_and_once():
    with pytest.raises(errors.SourceUnavailable) as caught, about("rows 0–9"), about("page 3"):
        raise errors.SourceUnavailable("status 503", where="GET x")
    error = caught.value
    assert (error.where, error.got, error.fix) == ("rows 0–9: page 3: GET x", "status 503", error.advice)
    assert str(error) == f"rows 0–9: page 3: GET x: status 503; {error.advice}"


@pytest.mark.parametrize(
    "kind", [kind for kind in own(TransferError) if kind not in (TransferError, Unverified)]
)
def test_an_error_crosses_to_another_process_as_it_is(kind):
    error = kind("status 404", where="GET x", fix="check it")
    again = errors.told(error.to_dict())
    assert type(again) is (kind if kind not in (Retryable, Fatal) else Fatal)
    assert (again.got, again.where, again.fix) == ("status 404", "GET x", "check it")


ROWS = [{"id": n, "name": f"row {n}"} for n in range(40)]
SOURCE_FAULTS = {
    "no answer": Fault.reset(),
    "503": Fault.status(503),
    "404": Fault.status(404),
    "401": Fault.status(401),
    "cut": Fault.cut(40),
    "cut, well ended": Fault.truncated(10),
    "empty": Fault.empty(),
    "a page": Fault.html(),
    "not UTF-8": Fault.invalid_utf8(),
    "fewer rows": Fault.fewer_rows(10),
    "more rows": Fault.more_rows(),
    "other columns": Fault.columns(rename={"name": "title"}, from_row=5),
    "redirects": Fault.redirect(),
    "scalars": Fault.rows(lambda rows: [1, 2, 3]),
}


def tells(told, batch):
    """Which batch, what happened and what to do."""
    assert told.where.startswith(batch), told
    assert told.got, told
    assert told.fix, told


@pytest.mark.parametrize("name", SOURCE_FAULTS)
def test_every_error_of_a_source_tells_what_one_needs(source, make_run, name):
    run = make_run(source(ROWS, version='"v1"').fault(SOURCE_FAULTS[name], times=None), version_header="ETag")
    with pytest.raises((Retryable, Fatal)) as caught:
        run.copy(10, 10)
    tells(caught.value, "rows 10–19")


def test_a_version_that_changes_within_a_batch(source, make_run):
    run = make_run(source(ROWS, version='"v1"'), version_header="ETag", paging={"size": 5})
    run.source.fault(Fault.version('"v2"'), when=lambda request: request.query.get("start") == "15")
    with pytest.raises(errors.SourceChanged, match="from v1 to v2") as caught:
        run.copy(10, 10)
    tells(caught.value, "rows 10–19")


def test_a_value_of_another_type(source, make_run):
    rows = [{"id": n} for n in range(15)] + [{"id": "fifteen"}] + [{"id": n} for n in range(16, 20)]
    run = make_run(source(rows), format="parquet", types={"id": "int64"})
    with pytest.raises(errors.ColumnsDiffer, match="row 5 of the batch: column id holds 'fifteen'") as caught:
        run.copy(10, 10)
    tells(caught.value, "rows 10–19")


def test_every_error_of_a_store_tells_what_one_needs(source, make_run, store):
    from include.transfer.store.bucket import Bucket
    from include.transfer.store.client import connect
    from tests.servers.ports import free_port

    keys = (store.access_key, store.secret_key, None)
    broken = {
        "wrong keys": Bucket(connect(store.endpoint, "us-east-1", ("nobody", "canary", None)), "transfer"),
        "no bucket": Bucket(connect(store.endpoint, "us-east-1", keys), "nowhere-to-be-found"),
        "down": Bucket(
            connect(f"http://127.0.0.1:{free_port()}", "us-east-1", keys, patient=False), "transfer"
        ),
        "no store": Bucket(connect(source(ROWS).url, "us-east-1", keys), "transfer"),
    }
    for bucket in broken.values():
        run = make_run(source(ROWS))
        run.bucket = bucket
        with pytest.raises((Retryable, Fatal)) as caught:
            run.copy(10, 10)
        tells(caught.value, "rows 10–19")
        assert "canary" not in str(caught.value)


def test_a_commit_and_its_verify_name_batch_expectation_and_remedy(source, make_run):
    run = make_run(source(ROWS))
    planned = run.plan()
    run.copy_all()
    run.bucket.delete(run.key(10))
    with pytest.raises(Unverified) as caught:
        run.verify(planned)
    (finding,) = caught.value.findings
    tells(finding, "rows 10–19")
