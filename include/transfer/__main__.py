"""The engine's commands: count a source, read a dataset back, print a dataset's log, probe an API."""

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from include.transfer.commit.log_command import add_log
from include.transfer.commit.verify_command import add_verify
from include.transfer.dataset import Dataset
from include.transfer.errors import BadSettings, TransferError
from include.transfer.probe.command import add_probe
from include.transfer.run import count
from include.transfer.source.api import Api
from include.transfer.source.endpoint import Endpoint
from include.transfer.windowed.plan import bound

DATASET, SOURCE, DUE = "LAKE_DATASET", "LAKE_SOURCE", "LAKE_DUE"  # of the environment
DONE, FOUND, INTERRUPTED = 0, 1, 130
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
    add_verify(commands)
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


if __name__ == "__main__":
    sys.exit(main())
