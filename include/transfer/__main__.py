"""The engine's commands: count a source, read a committed run back, print a dataset's log, probe an API."""

import argparse
import json
import os
import re
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from include.transfer.commit.audit import audit
from include.transfer.commit.log_command import add_log
from include.transfer.dataset import Dataset
from include.transfer.errors import BadSettings, TransferError
from include.transfer.probe.command import add_probe
from include.transfer.run import count
from include.transfer.source.api import Api
from include.transfer.source.endpoint import Endpoint
from include.transfer.store.bucket import Bucket
from include.transfer.store.credentials import open_named
from include.transfer.store.keys import Prefix
from include.transfer.windowed.plan import bound

DATASET, SOURCE, DUE = "LAKE_DATASET", "LAKE_SOURCE", "LAKE_DUE"  # of the environment
DONE, FOUND, NOT_CHECKED, INTERRUPTED = 0, 1, 2, 130
_URI = re.compile(r"s3://([^/]+)/([^/]+)/(?:([^/]+)/_manifest|_latest)\.json")
_COUNT = f"""\
The environment says what to count, so that no value is part of a command line:
  {DATASET}  the dataset's settings as JSON: {{"name": "fires", "count_path": "/api/count"}}
  {SOURCE}   the server as JSON: {{"base_url": "http://127.0.0.1:8000", "headers": {{}}, "auth": null}}
  {DUE}      of a dataset with a window, the range to count as JSON

prints {{"rows": …, "version": …}}, or on failure {{"error": …, "got": …, "where": …, "fix": …}}

exit status:
  0  counted
  1  the source gave no count; the error says what to do
"""
_VERIFY = """\
The store is the one that the environment names: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY,
AWS_SESSION_TOKEN, AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL, AWS_REGION; else Airflow's connection in
AIRFLOW_CONN_LOCALS3; else what the AWS SDK finds.

exit status:
  0  every object was read back and agrees with the manifest
  1  something is wrong with the run; all of it is printed
  2  it could not be checked: wrong use, wrong keys, no such bucket, a store that does not answer
"""


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="python -m include.transfer", description=__doc__)
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    counting = commands.add_parser(
        "count",
        help="ask a source how many rows it has",
        description="Ask a source how many rows it has, and in which version.",
        epilog=_COUNT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    counting.set_defaults(call=lambda chosen: _count(os.environ))
    verify = commands.add_parser(
        "verify",
        help="read back every object of a committed run",
        description="Read back every object of a committed run: size, SHA-256, rows counted by parsing, "
        "columns, receipts, what lies beside them; and from the stored hashes that no page, row or key comes "
        "twice.",
        epilog=_VERIFY,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verify.add_argument(
        "manifest",
        metavar="URI",
        help="s3://bucket/dataset/run/_manifest.json, or s3://bucket/dataset/_latest.json for the newest run",
    )
    verify.add_argument(
        "--endpoint-url", default="", metavar="URL", help="the store, such as http://host:port"
    )
    verify.add_argument("--region", default="", help="the store's region")
    verify.add_argument("--json", action="store_true", help="print the result as one JSON object")
    verify.add_argument("--quiet", action="store_true", help="show no progress on standard error")
    verify.set_defaults(call=_verify)
    add_log(commands)
    add_probe(commands)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """The exit status."""
    chosen = parser().parse_args(argv)
    try:
        status: int = chosen.call(chosen)
    except KeyboardInterrupt:
        print("\nInterrupted.", file=sys.stderr)
        return INTERRUPTED
    return status


def _count(environ: Mapping[str, str]) -> int:
    try:
        if missing := [name for name in (DATASET, SOURCE) if name not in environ]:
            raise BadSettings(f"{' and '.join(missing)} not set", where="the environment", fix="see --help")
        endpoint = Endpoint.from_json(environ[SOURCE])
        dataset = Dataset.from_dict(_json_object(environ[DATASET], DATASET))
        api = Api(endpoint.session(), endpoint.base_url, dataset)
        if DUE in environ:
            due: Any = _json_object(environ[DUE], DUE)
            counted = {**count(bound(api, due["since"], due["until"])), "due": due}
        else:
            counted = {**count(api)}
        print(json.dumps(counted))
    except TransferError as error:
        print(json.dumps(error.to_dict(), ensure_ascii=False))
        return FOUND
    return DONE


def _json_object(text: str, where: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise BadSettings(f"it is not JSON: {error}", where=where) from None
    if not isinstance(value, dict):
        raise BadSettings("it is no JSON object", where=where)
    return value


def _verify(chosen: argparse.Namespace) -> int:
    try:
        result = _read_back(chosen.manifest, chosen.endpoint_url, chosen.region, _progress(chosen.quiet))
    except TransferError as error:
        result = {"manifest": chosen.manifest, "verified": False, "error": str(error)}
    print(json.dumps(result, ensure_ascii=False) if chosen.json else _text(result))
    if "error" in result:
        return NOT_CHECKED
    return DONE if result["verified"] else FOUND


def _read_back(uri: str, endpoint: str, region: str, tick: Callable[[str], None]) -> dict[str, Any]:
    match = _URI.fullmatch(uri)
    if not match:
        raise BadSettings(f"{uri!r} names no run", fix="name s3://bucket/dataset/run/_manifest.json")
    started = time.monotonic()
    bucket = open_named(os.environ, match[1], endpoint, region)
    prefix = Prefix(match[2], match[3]) if match[3] else _latest(bucket, match[2])
    found = audit(bucket, prefix, tick)
    return {
        "manifest": bucket.uri(prefix.manifest),
        "verified": not found.findings,
        "rows": found.manifest.rows if found.manifest else 0,
        "bytes": found.manifest.bytes if found.manifest else 0,
        "objects": len(found.manifest.receipts) if found.manifest else 0,
        "seconds": round(time.monotonic() - started, 1),
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
    if "error" in result:
        return f"NOT CHECKED {result['manifest']}\n  {result['error']}"
    holds = f"{result['rows']:,} rows in {result['objects']} objects, {result['bytes']:,} bytes"
    if result["verified"]:
        proven = "".join(f"; {each}" for each in result["proven"])
        return f"VERIFIED {result['manifest']}\n  {holds}, read back in {result['seconds']} s{proven}"
    lines = "".join(f"\n  - {finding}" for finding in result["findings"])
    return f"WRONG {result['manifest']}\n  {len(result['findings'])} finding(s); it says {holds}{lines}"


def _progress(quiet: bool) -> Callable[[str], None]:
    """A line on standard error every two seconds."""
    last = time.monotonic()

    def tick(text: str) -> None:
        nonlocal last
        if not quiet and time.monotonic() - last >= 2:
            last = time.monotonic()
            print(f"… {text}", file=sys.stderr, flush=True)

    return tick


if __name__ == "__main__":
    sys.exit(main())
