"""The commands behind `make run`, `up`, `doctor`, `down`, `status`, `logs`, `data` and `services`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from services.local import commands
from services.local.ending import ended
from services.local.stack import EXECUTORS


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="python -m services.local", description=__doc__)
    subs = top.add_subparsers(dest="command", required=True)
    run = subs.add_parser("run", help="start what is needed, run one DAG, verify what it committed, stop")
    run.add_argument("--dag", default="wildfires_small_to_s3", help="DAG to run (default: %(default)s)")
    rows = run.add_mutually_exclusive_group()
    rows.add_argument("--rows", type=positive, help="serve so many generated rows")
    rows.add_argument("--full", action="store_true", help="serve the loaded file, or as many rows as it has")
    with_executor(run)
    run.add_argument(
        "--conf", default="{}", help='the run\'s conf as JSON, such as \'{"format": "parquet"}\''
    )
    report = subs.add_parser("run-report", help="copy, load, transform, publish; compare every total; stop")
    counts = report.add_mutually_exclusive_group()
    counts.add_argument("--rows", type=positive, help="serve so many generated rows (default: 20000)")
    counts.add_argument(
        "--full", action="store_true", help="serve the loaded file, or as many rows as it has"
    )
    report.add_argument("--conf", default="{}", help="the copy's conf as JSON")
    with_executor(subs.add_parser("up", help="start the stack and leave it up"))
    subs.add_parser("services", help="start the S3 store, the API and the warehouse alone, and leave them up")
    subs.add_parser("down", help="stop what is up, and end what a killed command left behind")
    subs.add_parser("doctor", help="find what keeps copies from working, and say what to do")
    subs.add_parser("status", help="what is up, where it is, and how much memory it takes")
    logs = subs.add_parser("logs", help="the end of every log, or of one")
    logs.add_argument("name", nargs="?", help="as `make status` names them: scheduler, worker-1, api, s3, …")
    airflow = subs.add_parser("airflow", help="Airflow's own command line, on the stack that is up")
    airflow.add_argument("arguments", nargs=argparse.REMAINDER, help="for example: pools list")
    data = subs.add_parser("data", help="choose the rows that the API serves")
    source = data.add_mutually_exclusive_group()
    source.add_argument("--rows", type=positive, help="generate so many")
    source.add_argument("--file", type=Path, help="load this file")
    return top


def with_executor(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--executor",
        choices=EXECUTORS,
        default=EXECUTORS[0],
        help="what runs the tasks: the scheduler's processes, or three Celery workers (default: %(default)s)",
    )


def positive(text: str) -> int:
    number = int(text.replace("_", "").replace(",", ""))
    if number < 1:
        raise ValueError(text)
    return number


def main(argv: Sequence[str] | None = None) -> int:
    arguments = vars(parser().parse_args(argv))
    command = getattr(commands, arguments.pop("command").replace("-", "_"))
    return ended(lambda: command(**arguments))


if __name__ == "__main__":
    sys.exit(main())
