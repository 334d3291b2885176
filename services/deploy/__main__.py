"""The commands behind `make export-config` and `make image-test`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from services.deploy import export, image_test
from services.local.ending import ended


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="python -m services.deploy", description=__doc__)
    subs = top.add_subparsers(dest="command", required=True)
    exports = subs.add_parser(
        "export-config", help="write connections and pools in every form that a deployment takes"
    )
    exports.add_argument(
        "--file", type=Path, help="lines AIRFLOW_CONN_<ID>=<JSON>; they win over the environment"
    )
    exports.add_argument("--folder", type=Path, default=export.FOLDER, help="where to (default: %(default)s)")
    exports.set_defaults(run=export.export_config)
    image = subs.add_parser(
        "image-test",
        help="build the image and run the tests inside it (exit status 3: this machine cannot)",
    )
    image.add_argument("--engine", default="", help="podman or docker (default: the first that works)")
    image.add_argument("--base", default="", help="an image to put in the Astro Runtime's place")
    image.add_argument("arguments", nargs="*", help="given to pytest")
    image.set_defaults(run=image_test.image_test)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    arguments = vars(parser().parse_args(argv))
    arguments.pop("command")
    run = arguments.pop("run")
    return ended(lambda: run(**arguments))


if __name__ == "__main__":
    sys.exit(main())
