"""`python -m include.transfer log s3://bucket/dataset`: what each commit added and replaced."""

import argparse
import json
import os
import re
from collections.abc import Iterator
from typing import NoReturn

from include.transfer.commit.entry import Entry
from include.transfer.commit.live import gaps
from include.transfer.commit.log import newest, read_entry
from include.transfer.errors import BadSettings, TransferError
from include.transfer.store.bucket import Bucket
from include.transfer.store.credentials import open_named
from include.transfer.store.keys import Prefix

DONE, NOT_READ = 0, 2
_URI = re.compile(r"s3://([^/]+)/([^/]+?)/?(?:_log/?|_latest\.json)?")
_ABOUT = """\
The store is found as `verify` finds it. The newest commit comes first.

exit status:
  0  printed
  2  there is no log, or it could not be read
"""


def add_log(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The sub-command."""
    log = commands.add_parser(
        "log",
        help="print a dataset's commits",
        description="Print a dataset's commits: what each added and replaced.",
        epilog=_ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    log.add_argument("dataset", metavar="URI", help="s3://bucket/dataset")
    log.add_argument("--last", type=int, default=20, metavar="N", help="as many commits (20); 0: all")
    log.add_argument("--endpoint-url", default="", metavar="URL", help="the store, such as http://host:port")
    log.add_argument("--region", default="", help="the store's region")
    log.add_argument("--json", action="store_true", help="print each entry as it is stored, one a line")
    log.set_defaults(call=_log)


def _log(chosen: argparse.Namespace) -> int:
    try:
        for entry in _entries(chosen.dataset, chosen.endpoint_url, chosen.region, chosen.last):
            print(json.dumps(entry.to_dict(), ensure_ascii=False) if chosen.json else told(entry))
    except TransferError as error:
        print(f"NOT READ {chosen.dataset}\n  {error}")
        return NOT_READ
    return DONE


def _entries(uri: str, endpoint: str, region: str, most: int) -> Iterator[Entry]:
    """The newest first."""
    match = _URI.fullmatch(uri)
    if not match:
        raise BadSettings(f"{uri!r} names no dataset", fix="name s3://bucket/dataset")
    bucket = open_named(os.environ, match[1], endpoint, region)
    any_run = Prefix(match[2], "any")
    entry = newest(bucket, any_run)
    if entry is None:
        refuse_without_log(bucket, any_run)
    told = 0
    while entry and (not most or told < most):
        yield entry
        told += 1
        entry = read_entry(bucket, any_run, entry.number - 1)


def refuse_without_log(bucket: Bucket, any_run: Prefix) -> NoReturn:
    """Raise BadSettings: the dataset has no log."""
    fix = "check its name; the next commit begins a log in the lake of an older release"
    raise BadSettings("it has no log", where=bucket.uri(any_run.log), fix=fix)


def told(entry: Entry) -> str:
    """An entry as a person reads it: a line, and one more for each thing that it added or replaced."""
    lines = [
        f"{entry.number:>6}  {entry.created_at or 'no time':25}  run {entry.run}",
        f"        {entry.rows:,} rows, {entry.bytes:,} bytes",
    ]
    lines += [f"        added {line.since} … {line.until}" for line in entry.added]
    lines += [f"        replaced {'rows of ' if entry.windows else ''}run {run}" for run in entry.replaces]
    if entry.windows:
        lines.append(f"        live {entry.windows[0].since} … {entry.windows[-1].until}")
        lines += [f"        missing {since} … {until}" for since, until in gaps(entry.windows)]
        lines.append(f"        watermark {entry.watermark}")
    return "\n".join(lines)
