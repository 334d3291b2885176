"""`python -m services.wildfires_api`: generate or load rows, and serve them."""

import argparse
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from services.wildfires_api.snapshot import Meta, SnapshotError, SnapshotMissing

GRACE_SECONDS = 5  # for answers under way when the server is told to stop
INTERRUPTED = 130


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 0 when it went well, 1 when not (the reason is on stderr), 2 for wrong usage."""
    options = _parser().parse_args(arguments)
    # Ended by a supervisor as by Ctrl-C: what is half-written must be removed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        return int(options.run(options))
    except SnapshotError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"error: {error}. Check free space and who owns the folder.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted. Nothing was changed.", file=sys.stderr)
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m services.wildfires_api",
        description="The sample source of the lake: wildfire records over HTTP.",
        epilog="First time: generate --rows 20000 --out data/wildfires, then serve --data data/wildfires.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Callable[[argparse.Namespace], int], text: str) -> Callable[..., object]:
        added = commands.add_parser(name, help=text, description=text, formatter_class=parser.formatter_class)
        added.set_defaults(run=run)
        return added.add_argument

    add = command("generate", _generate, "make realistic rows, the same every time")
    add("--rows", type=int, required=True, help="how many; 1880465 gives the published totals")
    add("--out", type=Path, required=True, help="folder to write or replace")
    add("--seed", type=_at_least(0), default=0, help="another seed gives other rows")
    add = command("load", _load, "take the rows of the real file (FPA-FOD, 4th edition)")
    add("file", type=Path, help="FPA_FOD_20170508.sqlite, or a CSV with its columns")
    add("--out", type=Path, required=True, help="folder to write or replace")
    add = command("serve", _serve, "serve rows over HTTP")
    add("--data", type=Path, required=True, help="folder that `generate` or `load` wrote")
    add("--host", default="127.0.0.1", help="address to listen on")
    add("--port", type=int, default=8001, help="port to listen on")
    add("--max-limit", type=_at_least(1), default=2_000_000, help="most rows in an answer")
    add("--max-concurrency", type=_at_least(1), default=64, help="most streams at once")
    add("--generate-if-missing", type=int, metavar="ROWS", help="rows to generate when the folder has none")
    add("--access-log", action="store_true", help="log every request")
    return parser


def _at_least(least: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        if not text.isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least {least}")
        return int(text)

    return number


def _generate(options: argparse.Namespace) -> int:
    from services.wildfires_api.generator import generate

    return _written(generate(options.rows, options.out, options.seed), options.out)


def _load(options: argparse.Namespace) -> int:
    from services.wildfires_api.fpa_fod_file import load

    return _written(load(options.file, options.out), options.out)


def _written(meta: Meta, folder: Path) -> int:
    print(f"Wrote {meta.count:,} rows, version {meta.version}, to {folder}")
    return 0


def _serve(options: argparse.Namespace) -> int:
    import uvicorn

    from services.wildfires_api.app import create_app
    from services.wildfires_api.dates import ensure

    try:
        ensure(options.data)
        app = create_app(options.data, options.max_limit, options.max_concurrency)
    except SnapshotMissing:
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


if __name__ == "__main__":
    sys.exit(main())
