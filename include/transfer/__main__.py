"""Look after a lake from outside Airflow: read a committed run back, and say all that is wrong with it."""

import argparse
import json
import os
import re
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from include.transfer.commit.audit import audit
from include.transfer.errors import BadSettings, TransferError
from include.transfer.store.bucket import Bucket
from include.transfer.store.client import connect
from include.transfer.store.credentials import store_settings
from include.transfer.store.keys import Prefix

VERIFIED, FOUND, NOT_CHECKED, INTERRUPTED = 0, 1, 2, 130
_URI = re.compile(r"s3://([^/]+)/([^/]+)/(?:([^/]+)/_manifest|_latest)\.json")
_EPILOG = """\
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
    verify = commands.add_parser(
        "verify",
        help="read back every object of a committed run",
        description="Read back every object of a committed run: size, SHA-256, rows counted by parsing, "
        "columns, receipts, and what lies beside them.",
        epilog=_EPILOG,
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
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """The exit status."""
    chosen = parser().parse_args(argv)
    try:
        result = _verify(chosen.manifest, chosen.endpoint_url, chosen.region, _progress(chosen.quiet))
    except TransferError as error:
        result = {"manifest": chosen.manifest, "verified": False, "error": str(error)}
    except KeyboardInterrupt:
        print("\nInterrupted: not all was read.", file=sys.stderr)
        return INTERRUPTED
    print(json.dumps(result, ensure_ascii=False) if chosen.json else _text(result))
    if "error" in result:
        return NOT_CHECKED
    return VERIFIED if result["verified"] else FOUND


def _verify(uri: str, endpoint: str, region: str, tick: Callable[[str], None]) -> dict[str, Any]:
    match = _URI.fullmatch(uri)
    if not match:
        raise BadSettings(f"{uri!r} names no run; expected s3://bucket/dataset/run/_manifest.json")
    started = time.monotonic()
    bucket = Bucket(connect(*store_settings(os.environ, endpoint, region)), match[1])
    prefix = Prefix(match[2], match[3]) if match[3] else _latest(bucket, match[2])
    found = audit(bucket, prefix, tick)
    stored = found.stored or {"rows": 0, "bytes": 0, "receipts": []}
    return {
        "manifest": bucket.uri(prefix.manifest),
        "verified": not found.findings,
        "rows": stored["rows"],
        "bytes": stored["bytes"],
        "objects": len(stored["receipts"]),
        "seconds": round(time.monotonic() - started, 1),
        "findings": found.findings,
    }


def _latest(bucket: Bucket, dataset: str) -> Prefix:
    anything = Prefix(dataset, "any")
    latest = bucket.get_json(anything.latest)
    prefix = anything.of(latest.get("run")) if isinstance(latest, dict) else None
    if prefix is None:
        raise BadSettings(f"{bucket.uri(anything.latest)} names no run; expected that one is committed")
    return prefix


def _text(result: dict[str, Any]) -> str:
    if "error" in result:
        return f"NOT CHECKED {result['manifest']}\n  {result['error']}"
    holds = f"{result['rows']:,} rows in {result['objects']} objects, {result['bytes']:,} bytes"
    if result["verified"]:
        return f"VERIFIED {result['manifest']}\n  {holds}, read back in {result['seconds']} s"
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
