"""Commands: generate or load a dataset, serve it, check it."""

import argparse
import contextlib
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from services.wildfires_api.errors import DatasetError, DatasetMissing

DEFAULT_PORT = 8001
MAX_LIMIT = 200_000
MAX_CONCURRENCY = 64
GRACE_SECONDS = 5  # for answers under way when the server is told to stop


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 0 when it went well, 1 when not (the reason is on stderr), 2 for wrong usage."""
    options = _parser().parse_args(arguments)
    # Ended by a supervisor as by Ctrl-C: what is half-written must be removed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        return int(options.run(options))
    except DatasetError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(
            f"error: {error}. Is the disk full, or the folder another user's or a mount point?",
            file=sys.stderr,
        )
        return 1
    except KeyboardInterrupt:
        print("interrupted: nothing was changed", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m services.wildfires_api",
        description="The sample source of the lake: wildfire records over HTTP.",
        epilog="First time: generate --rows 20000 --out data/wildfires, then serve --data data/wildfires.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_generate(
        commands.add_parser("generate", help="make a dataset of realistic rows, the same every time")
    )
    _add_load(commands.add_parser("load", help="make a dataset from the real file (FPA-FOD, 4th edition)"))
    _add_serve(commands.add_parser("serve", help="serve a dataset over HTTP"))
    _add_check(
        commands.add_parser(
            "check", help="print what a dataset holds and compare it with the published totals"
        )
    )
    return parser


def _add_generate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--rows", type=int, required=True, help="how many; 1880465 gives the published totals"
    )
    parser.add_argument("--out", type=Path, required=True, help="dataset folder to write or replace")
    parser.add_argument(
        "--seed", type=int, default=0, help="another seed gives other rows (default %(default)s)"
    )
    parser.set_defaults(run=_generate)


def _add_load(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, help="FPA_FOD_20170508.sqlite, or a CSV with its columns")
    parser.add_argument("--out", type=Path, required=True, help="dataset folder to write or replace")
    parser.set_defaults(run=_load)


def _add_serve(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, required=True, help="dataset folder")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default %(default)s)")
    parser.add_argument(
        "--port", type=int, default=DEFAULT_PORT, help="port to listen on (default %(default)s)"
    )
    parser.add_argument(
        "--max-limit",
        type=_at_least_one,
        default=MAX_LIMIT,
        help="most rows in an answer (default %(default)s)",
    )
    parser.add_argument(
        "--max-concurrency",
        type=_at_least_one,
        default=MAX_CONCURRENCY,
        help="most streams at once (default %(default)s)",
    )
    parser.add_argument(
        "--generate-if-missing",
        type=int,
        metavar="ROWS",
        help="generate this many rows when there is no dataset",
    )
    parser.add_argument("--access-log", action="store_true", help="log every request")
    parser.set_defaults(run=_serve)


def _add_check(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("data", type=Path, help="dataset folder")
    parser.set_defaults(run=_check)


def _at_least_one(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 on")
    return int(text)


def _generate(options: argparse.Namespace) -> int:
    from services.wildfires_api.generator import generate

    with _progress(options.rows, "generating") as advance:
        meta = generate(options.rows, options.out, options.seed, advance)
    print(f"{meta.count} rows, version {meta.version}, in {options.out}")
    return 0


def _load(options: argparse.Namespace) -> int:
    from services.wildfires_api.loader import load

    with _progress(None, "loading") as advance:
        meta = load(options.file, options.out, advance)
    print(f"{meta.count} rows, version {meta.version}, in {options.out}")
    return 0


def _serve(options: argparse.Namespace) -> int:
    import uvicorn

    from services.wildfires_api.app import create_app

    try:
        app = create_app(options.data, options.max_limit, options.max_concurrency)
    except DatasetMissing:
        if options.generate_if_missing is None:
            raise
        _generate(argparse.Namespace(rows=options.generate_if_missing, out=options.data, seed=0))
        app = create_app(options.data, options.max_limit, options.max_concurrency)
    uvicorn.run(
        app,
        host=options.host,
        port=options.port,
        access_log=options.access_log,
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    return 0


def _check(options: argparse.Namespace) -> int:
    from services.wildfires_api.check import report
    from services.wildfires_api.dataset import Dataset

    with _progress(Dataset(options.data).meta.count, "counting") as advance:
        return report(options.data, advance)


@contextlib.contextmanager
def _progress(total: int | None, what: str) -> Iterator[Callable[[int], object]]:
    """A progress bar on a terminal; nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda rows: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(what, total=total)
        yield lambda rows: bar.advance(task, rows)
