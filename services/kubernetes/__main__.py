"""The commands behind `make k8s-up`, `k8s-check`, `k8s-status`, `k8s-logs`, `k8s-secret` and `k8s-down`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from services.kubernetes import commands
from services.local.ending import ended


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="python -m services.kubernetes", description=__doc__)
    subs = top.add_subparsers(dest="command", required=True)
    up = subs.add_parser("up", help="make the cluster and install everything in it; safe to run again")
    up.add_argument("--git-repo", dest="repository", help="take the DAGs from this repository (ssh address)")
    up.add_argument("--git-ref", dest="ref", default="main", help="branch or tag (default: %(default)s)")
    up.add_argument("--git-ssh-key", dest="key", type=Path, help="private key that may read it")
    subs.add_parser("check", help="run DAGs on both executors and verify what they leave")
    subs.add_parser("status", help="what is up and where; exit status 3 when it is not")
    logs = subs.add_parser("logs", help="the end of every component's log, or of one")
    logs.add_argument("name", nargs="?", help=f"{', '.join(commands.COMPONENTS)}, or a pod")
    secret = subs.add_parser("secret", help="print one value of one secret")
    secret.add_argument("name")
    secret.add_argument("key")
    subs.add_parser("down", help="remove the cluster and everything that was made for it")
    return top


def main(argv: Sequence[str] | None = None) -> int:
    arguments = vars(parser().parse_args(argv))
    command = getattr(commands, arguments.pop("command"))
    interrupted = "Interrupted. `make k8s-up` goes on from here, `make k8s-down` removes all."
    return ended(lambda: command(**arguments), interrupted)


if __name__ == "__main__":
    sys.exit(main())
