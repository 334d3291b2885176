"""Many rounds of bad weather on one stack: `python -m tests.faults.chaos --rounds 200 --seed 1`."""

from __future__ import annotations

import argparse
import contextlib
import queue
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import NoReturn

from services.local.command_line import as_variables
from services.local.errors import StackError
from tests.faults.arena import Arena, Slot, arena
from tests.faults.judgement import Result
from tests.faults.plan import Plan
from tests.faults.report import markdown
from tests.faults.rounds import Round

SLOTS = 3
NEW_STACKS = 5  # a stack that breaks more often than this is itself the finding


class Chaos:
    """Plays seeds until none is left or time is up; a stack that breaks is replaced."""

    def __init__(self, seeds: list[int], slots: int, seconds: float) -> None:
        self.results: list[Result] = []
        self.broken: list[str] = []
        self.total = len(seeds)
        self._left: queue.Queue[int] = queue.Queue()
        for seed in seeds:
            self._left.put(seed)
        self._slots = min(slots, len(seeds))
        self._deadline = time.monotonic() + seconds
        self._interrupted = False
        self._lock = threading.Lock()

    def run(self, folder: Path) -> None:
        while self._goes_on() and len(self.broken) <= NEW_STACKS:
            before = len(self.broken)
            with arena(folder, self._slots, _progress) as place:
                threads = [threading.Thread(target=self._work, args=(place, slot)) for slot in place.slots]
                for thread in threads:
                    thread.start()
                try:
                    for thread in threads:
                        thread.join()
                except KeyboardInterrupt:
                    self._interrupted = True
                    raise
            if len(self.broken) == before:
                return

    def _goes_on(self) -> bool:
        return not (self._interrupted or self._left.empty()) and time.monotonic() < self._deadline

    def _work(self, place: Arena, slot: Slot) -> None:
        before = len(self.broken)
        while self._goes_on() and len(self.broken) == before:
            with contextlib.suppress(queue.Empty):
                seed = self._left.get_nowait()
                try:
                    self._done(Round(place.stack, slot, Plan.drawn(seed)).play())
                except Exception as error:
                    if self._interrupted:  # its stack was stopped: no finding
                        return
                    with self._lock:
                        self.broken.append(f"seed {seed}: {type(error).__name__}: {error}")
                    say(f"seed {seed}: the round itself broke: {error!r}")

    def _done(self, result: Result) -> None:
        with self._lock:
            self.results.append(result)
            faults = sum(result.faults.values())
            say(
                f"[{len(self.results)}/{self.total}] seed {result.seed}: {result.outcome}; {faults} faults, "
                f"{result.incident}; {result.seconds:.0f} s"
            )
            for line in [*result.reasons, *result.bugs]:
                say(f"    {line}")


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _progress(text: str) -> None:
    if not text.startswith("…"):
        say(f"  {text}")


def main(arguments: list[str] | None = None) -> int:
    """0: no finding; 1: findings, or no stack."""
    options = _parser().parse_args(arguments)
    first = options.seed if options.replay is None else options.replay
    rounds = options.rounds if options.replay is None else 1
    chaos = Chaos(list(range(first, first + rounds)), options.slots, options.minutes * 60)
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="chaos-", ignore_cleanup_errors=True) as folder:
        try:
            chaos.run(Path(folder))
        except StackError as error:
            say(f"error: {error}")
            return 1
        except KeyboardInterrupt:
            say("interrupted; what was played is reported")
    text = markdown(chaos.results, (time.monotonic() - started) / 60, chaos.broken)
    if options.report:
        options.report.write_text(text)
    say(f"\n{text}")
    return int(bool(chaos.broken) or any(result.bugs for result in chaos.results))


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{as_variables(message)}\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m tests.faults.chaos",
        description="Copies in bad weather, on a real stack, each judged by an independent checker.",
    )
    parser.add_argument("--rounds", type=int, default=50, help="how many (default %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of the first round (default %(default)s)")
    parser.add_argument("--minutes", type=float, default=600, help="start no round after so many minutes")
    parser.add_argument("--slots", type=int, default=SLOTS, help="rounds at once (default %(default)s)")
    parser.add_argument("--report", type=Path, metavar="FILE", help="write the report there as well")
    parser.add_argument("--replay", type=int, metavar="SEED", help="play the one round of this seed")
    return parser


if __name__ == "__main__":
    sys.exit(main())
