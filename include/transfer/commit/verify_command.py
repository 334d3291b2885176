"""`python -m include.transfer verify`: is what is committed in the store, whole and once?"""

import argparse
import json
import os
import re
import sys
import time
from collections.abc import Callable
from typing import Any

from include.transfer.commit.audit import audit
from include.transfer.commit.audit_dataset import audit_dataset
from include.transfer.commit.log_command import refuse_without_log
from include.transfer.errors import BadSettings, TransferError
from include.transfer.store.bucket import Bucket
from include.transfer.store.credentials import open_named
from include.transfer.store.keys import Prefix

DONE, FOUND, NOT_CHECKED = 0, 1, 2
_RUN = re.compile(r"s3://([^/]+)/([^/]+)/(?:([^/]+)/_manifest|_latest)\.json")
_DATASET = re.compile(r"s3://([^/]+)/([^/]+?)/?(?:_log/?)?")
_ABOUT = """\
Of a run: size, SHA-256, rows counted by parsing, columns, receipts, what lies beside them; and from the
stored hashes that no page, row or key comes twice. Of a dataset: all of that for every window that is live by
the newest entry of its log; that each manifest is the one that the log entered; that no range between two
windows is missing; and that no row or key is in two of them.

The store is the one that the environment names: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY,
AWS_SESSION_TOKEN, AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL, AWS_REGION; else Airflow's connection in
AIRFLOW_CONN_LOCALS3; else what the AWS SDK finds.

exit status:
  0  every object was read back and agrees with the manifest
  1  something is wrong with the run or the dataset; all of it is printed
  2  it could not be checked: wrong use, wrong keys, no such bucket, a store that does not answer
"""


def add_verify(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The sub-command."""
    verify = commands.add_parser(
        "verify",
        help="read back every object of a dataset, or of a committed run",
        description="Read back every object of a dataset, or of a committed run.",
        epilog=_ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verify.add_argument(
        "uri",
        metavar="URI",
        help="s3://bucket/dataset, s3://bucket/dataset/run/_manifest.json, "
        "or s3://bucket/dataset/_latest.json for the newest run",
    )
    verify.add_argument(
        "--endpoint-url", default="", metavar="URL", help="the store, such as http://host:port"
    )
    verify.add_argument("--region", default="", help="the store's region")
    verify.add_argument("--json", action="store_true", help="print the result as one JSON object")
    verify.add_argument("--quiet", action="store_true", help="show no progress on standard error")
    verify.set_defaults(call=_verify)


def _verify(chosen: argparse.Namespace) -> int:
    try:
        result = _read_back(chosen.uri, chosen.endpoint_url, chosen.region, _progress(chosen.quiet))
    except TransferError as error:
        result = {"manifest": chosen.uri, "verified": False, "error": str(error)}
    print(json.dumps(result, ensure_ascii=False) if chosen.json else _text(result))
    if "error" in result:
        return NOT_CHECKED
    return DONE if result["verified"] else FOUND


def _read_back(uri: str, endpoint: str, region: str, tick: Callable[[str], None]) -> dict[str, Any]:
    run, dataset = _RUN.fullmatch(uri), _DATASET.fullmatch(uri)
    match = run or dataset
    if not match:
        fix = "name s3://bucket/dataset or s3://bucket/dataset/run/_manifest.json"
        raise BadSettings(f"{uri!r} names no run, and no dataset", fix=fix)
    started = time.monotonic()
    bucket = open_named(os.environ, match[1], endpoint, region)
    if not run:
        result = _dataset(bucket, Prefix(match[2], "any"), tick)
    else:
        result = _run(bucket, Prefix(run[2], run[3]) if run[3] else _latest(bucket, run[2]), tick)
    return {**result, "seconds": round(time.monotonic() - started, 1)}


def _run(bucket: Bucket, prefix: Prefix, tick: Callable[[str], None]) -> dict[str, Any]:
    found = audit(bucket, prefix, tick)
    return {
        "manifest": bucket.uri(prefix.manifest),
        "verified": not found.findings,
        "rows": found.manifest.rows if found.manifest else 0,
        "bytes": found.manifest.bytes if found.manifest else 0,
        "objects": len(found.manifest.receipts) if found.manifest else 0,
        "proven": found.proven,
        "findings": [str(finding) for finding in found.findings],
    }


def _dataset(bucket: Bucket, any_run: Prefix, tick: Callable[[str], None]) -> dict[str, Any]:
    found = audit_dataset(bucket, any_run, tick)
    if found.entry is None and not found.findings:
        refuse_without_log(bucket, any_run)
    return {
        "dataset": bucket.uri(any_run.dataset),
        "verified": not found.findings,
        "commit": found.entry.number if found.entry else None,
        "watermark": found.entry.watermark if found.entry else None,
        "windows": found.windows,
        "rows": found.rows,
        "bytes": found.bytes,
        "objects": len(found.receipts),
        "proven": found.proven,
        "findings": [str(finding) for finding in found.findings],
    }


def _latest(bucket: Bucket, dataset: str) -> Prefix:
    anything = Prefix(dataset, "any")
    latest = bucket.get_json(anything.latest)
    prefix = anything.of(latest.get("run")) if isinstance(latest, dict) else None
    if prefix is None:
        raise BadSettings("it names no run", where=bucket.uri(anything.latest), fix="name a committed run")
    return prefix


def _text(result: dict[str, Any]) -> str:
    name = result.get("dataset") or result["manifest"]
    if "error" in result:
        return f"NOT CHECKED {name}\n  {result['error']}"
    holds = f"{result['rows']:,} rows in {result['objects']} objects, {result['bytes']:,} bytes"
    if result.get("windows"):
        holds = f"{result['windows']} windows: {holds}"
    if result["verified"]:
        proven = "".join(f"; {each}" for each in result["proven"])
        return f"VERIFIED {name}\n  {holds}, read back in {result['seconds']} s{proven}"
    lines = "".join(f"\n  - {finding}" for finding in result["findings"])
    return f"WRONG {name}\n  {len(result['findings'])} finding(s); it says {holds}{lines}"


def _progress(quiet: bool) -> Callable[[str], None]:
    """A line on standard error every two seconds."""
    last = time.monotonic()

    def tick(text: str) -> None:
        nonlocal last
        if not quiet and time.monotonic() - last >= 2:
            last = time.monotonic()
            print(f"… {text}", file=sys.stderr, flush=True)

    return tick
