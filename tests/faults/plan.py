"""What one round does: drawn from its seed alone."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from tests.faults import weather as w
from tests.faults.weather import Weather

NOTHING = "none"
# Beside the weather, one of these happens once in a round.
KILL_COPY, TERM_COPY = "SIGKILL of a copy", "SIGTERM of a copy"
KILL_SCHEDULER, TERM_SCHEDULER = "SIGKILL of the scheduler and its tasks", "SIGTERM of the scheduler"
KILL_API_SERVER = "SIGKILL of the api-server"
RESTART_STORE = "store restarted"
CLEAR_MAP, CLEAR_ALL = "one map cleared in the middle", "all cleared in the middle"
CLEAR_MAP_LATER, CLEAR_ALL_LATER = "one map cleared after the end", "all cleared after the end"
TWO_RUNS = "two runs at once"
GROWN, SHRUNK, EDITED = "source grown", "source shrunk", "source edited"
REPLACED_LATER = "source edited, then all cleared"
INCIDENTS = {
    NOTHING: 8, KILL_COPY: 3, TERM_COPY: 2, KILL_SCHEDULER: 1, TERM_SCHEDULER: 1, KILL_API_SERVER: 1,
    RESTART_STORE: 2, CLEAR_MAP: 2, CLEAR_ALL: 2, CLEAR_MAP_LATER: 2, CLEAR_ALL_LATER: 2, TWO_RUNS: 2,
    GROWN: 2, SHRUNK: 1, EDITED: 2, REPLACED_LATER: 1,
}  # fmt: skip


@dataclass(frozen=True)
class Plan:
    seed: int
    source: Weather
    store: Weather
    incident: str = NOTHING
    at_copies: int = 1  # the incident happens when so many copies have started
    settings: dict[str, object] = field(default_factory=dict)
    data: str = "base"

    @classmethod
    def drawn(cls, seed: int) -> Plan:
        rng = random.Random(seed)
        incident = rng.choices(list(INCIDENTS), list(INCIDENTS.values()))[0]
        large = rng.random() < 0.08
        return cls(
            seed,
            _weather(rng, f"{seed}-source", _source_kinds(rng), calm=0.2),
            _weather(rng, f"{seed}-store", w.STORE_KINDS, calm=0.35),
            incident,
            rng.randint(1, 3),
            {
                "format": rng.choice(["csv", "csv", "ndjson"]),
                "compression": rng.choice(["none", "none", "gzip"]),
                "accept_encoding": rng.choice(["identity", "identity", "gzip"]),
                "page_size": 0 if large else rng.choice([0, 0, 100]),
                "batch_size": 20_000 if large else 500,
            },
            "large" if large else "base",
        )


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
