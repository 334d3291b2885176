"""What one round does: drawn from its seed alone."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field

from include.wildfires import WILDFIRE_TYPES
from tests.conformance.every_style import LYING_WITHOUT_WINDOWS, WITHOUT_LOGIN
from tests.faults import weather as w
from tests.faults.weather import Weather

NOTHING = "none"
# Beside the weather, one of these happens once in a round.
KILL_COPY, TERM_COPY = "SIGKILL of a copy", "SIGTERM of a copy"
KILL_WORKER, TERM_WORKER = "SIGKILL of the executor's worker", "SIGTERM of the executor's worker"
KILL_SCHEDULER, TERM_SCHEDULER = "SIGKILL of the scheduler and its tasks", "SIGTERM of the scheduler"
KILL_SCHEDULER_ALONE = "SIGKILL of the scheduler alone"
KILL_API_SERVER, TERM_API_SERVER = "SIGKILL of the api-server", "SIGTERM of the api-server"
LOST_HEARTBEAT = "heartbeat lost: a copy and its worker stopped, then continued"
RESTART_STORE = "store restarted"
NO_BUCKET, WRONG_KEY = "missing bucket", "wrong keys"
CLEAR_MAP, CLEAR_ALL = "one map cleared in the middle", "all cleared in the middle"
CLEAR_MAP_LATER, CLEAR_ALL_LATER = "one map cleared after the end", "all cleared after the end"
TWO_RUNS = "two runs at once"
GROWN, SHRUNK, EDITED = "source grown", "source shrunk", "source edited"
REORDERED, RENAMED = "source reordered", "a column renamed"
REPLACED_LATER = "source edited, then all cleared"
REPLANNED = "source grown, then all cleared: another plan"
APPENDED = "source grown, on_drift append"
SAME_AGAIN, FORCED = "a second run of the same source", "a second run, forced"
CLEARED_IN_RETENTION = "the old run cleared while a new one removes it"
INCIDENTS = {
    NOTHING: 5, KILL_COPY: 3, TERM_COPY: 2, KILL_WORKER: 2, TERM_WORKER: 2,
    KILL_SCHEDULER: 2, KILL_SCHEDULER_ALONE: 2, TERM_SCHEDULER: 1, KILL_API_SERVER: 1, TERM_API_SERVER: 1,
    LOST_HEARTBEAT: 2, RESTART_STORE: 2, NO_BUCKET: 1, WRONG_KEY: 1,
    CLEAR_MAP: 2, CLEAR_ALL: 2, CLEAR_MAP_LATER: 2, CLEAR_ALL_LATER: 2, TWO_RUNS: 2,
    GROWN: 2, SHRUNK: 2, EDITED: 2, REORDERED: 2, RENAMED: 2, REPLACED_LATER: 2, REPLANNED: 2,
    APPENDED: 3, SAME_AGAIN: 2, FORCED: 2, CLEARED_IN_RETENTION: 3,
}  # fmt: skip
# Dealt out in turn, so that two hundred rounds meet each of them a few times.
DECK = [incident for incident, times in INCIDENTS.items() for _ in range(times)]
random.Random(1).shuffle(DECK)
# What only a version tells: a source that names none may change so without anybody being able to see it.
NEEDS_A_VERSION = (EDITED, REORDERED, REPLACED_LATER, SAME_AGAIN)
# Servers of other styles than the sample API's: those that are asked rightly, and those that give wrong rows.
HONEST_STYLES, LYING_STYLES = (
    {f"server: {style.__name__}": style for style in kind} for kind in (WITHOUT_LOGIN, LYING_WITHOUT_WINDOWS)
)
STYLES = HONEST_STYLES | LYING_STYLES
# What can happen to their rounds: all that needs no other data of the sample API.
_OF_ANY_SERVER = (
    NOTHING, KILL_COPY, TERM_COPY, KILL_WORKER, TERM_WORKER, KILL_SCHEDULER, KILL_SCHEDULER_ALONE,
    TERM_SCHEDULER, KILL_API_SERVER, TERM_API_SERVER, LOST_HEARTBEAT, RESTART_STORE,
    CLEAR_MAP, CLEAR_ALL, CLEAR_MAP_LATER, CLEAR_ALL_LATER, TWO_RUNS, FORCED,
)  # fmt: skip
_POLICIES: dict[str, dict[str, object]] = {
    APPENDED: {"on_drift": "append"},
    FORCED: {"force": True},
    CLEARED_IN_RETENTION: {"force": True, "keep_runs": 1},
}


def _of_the_form(settings: Mapping[str, object]) -> dict[str, object]:
    """A style's settings as a run's form takes them: what has a style is an object there, not its name."""
    named = {name: settings[name] for name in ("rows", "paging") if isinstance(settings.get(name), str)}
    return {**settings, **{name: {"style": style} for name, style in named.items()}}


@dataclass(frozen=True)
class Plan:
    seed: int
    source: Weather
    store: Weather
    incident: str = NOTHING
    at_copies: int = 1  # the incident happens when so many copies have started
    settings: dict[str, object] = field(default_factory=dict)
    data: str = "base"
    style: str = ""  # a name in STYLES: the server of this round, in place of the sample API

    @classmethod
    def drawn(cls, seed: int) -> Plan:
        rng = random.Random(seed)
        incident = DECK[seed % len(DECK)]
        if _is_styled(seed):
            turn = sum(map(_is_styled, range(seed)))
            return cls._styled(seed, rng, incident, list(STYLES)[turn % len(STYLES)])
        large = rng.random() < 0.08
        return cls(
            seed,
            _weather(rng, f"{seed}-source", _source_kinds(rng), calm=0.2),
            _weather(rng, f"{seed}-store", w.STORE_KINDS, calm=0.35),
            incident,
            rng.randint(1, 3),
            {
                **_format(rng),
                "paging": {"size": 0 if large else rng.choice([0, 0, 100])},
                "batch_size": 20_000 if large else 500,
                **_POLICIES.get(incident, {}),
                "version_header": "ETag" if incident in NEEDS_A_VERSION or rng.random() < 0.8 else None,
            },
            "large" if large else "base",
        )

    @classmethod
    def _styled(cls, seed: int, rng: random.Random, incident: str, style: str) -> Plan:
        return cls(
            seed,
            _weather(rng, f"{seed}-source", w.PASSING, calm=0.5),
            _weather(rng, f"{seed}-store", w.STORE_KINDS, calm=0.5),
            incident,
            rng.randint(1, 3),
            {
                "format": rng.choice(["csv", "ndjson"]),
                "paging": {"size": 25},
                "batch_size": 100,
                "version_header": None,
                **_of_the_form(STYLES[style].settings),
                **_POLICIES.get(incident, {}),
            },
            style=style,
        )


def _is_styled(seed: int) -> bool:
    """Two of three rounds whose incident any server can have."""
    return seed % 3 > 0 and DECK[seed % len(DECK)] in _OF_ANY_SERVER


def _format(rng: random.Random) -> dict[str, object]:
    form = rng.choice(["csv", "csv", "ndjson", "parquet"])
    if form == "parquet":  # whose types come from a few rows, if they are not declared
        return {"format": form, "types": WILDFIRE_TYPES}
    return {"format": form, "compression": rng.choice(["none", "none", "gzip", "zstd"])}


def _source_kinds(rng: random.Random) -> tuple[str, ...]:
    # In four rounds of five only what repeating heals: else nearly all would end with the first HTML page.
    return w.PASSING if rng.random() < 0.8 else w.SOURCE_KINDS


def _weather(rng: random.Random, seed: str, kinds: tuple[str, ...], calm: float) -> Weather:
    if rng.random() < calm:
        return Weather(seed)
    chosen = tuple(rng.sample(kinds, rng.randint(1, min(4, len(kinds)))))
    # A storm never ends: the run must give up, and say why.
    if rng.random() < 0.06:
        return Weather(seed, chosen[:1], 1.0, repeats=1_000)
    return Weather(seed, chosen, rng.choice([0.15, 0.3, 0.6]), rng.choice([1, 1, 2, 3]))
