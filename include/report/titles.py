"""What each chart shows, in one sentence, computed from the marts that it is drawn from."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from include.report.marts import Rows
from include.report.numbers import number, percent

Marts = Mapping[str, Rows]
MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
# Of a cause with fewer of the fires than this, one month more or less says nothing.
_FREQUENT = 0.002


def fires_per_year(marts: Marts) -> str:
    years = marts["fires_by_year"]
    most, burned = (max(years, key=lambda row: row[name]) for name in ("fires", "acres"))
    fires, acres = number(most["fires"]), number(burned["acres"])
    if most is burned:
        return f"{most['fire_year']} had the most fires ({fires}) and the most acres burned ({acres})"
    return (
        f"Most fires in {most['fire_year']} ({fires}), most acres burned in {burned['fire_year']} ({acres})"
    )


def causes_over_time(marts: Marts) -> str:
    causes = _sums(marts["fires_by_cause_and_year"], "cause")
    (cause, fires), *_ = causes.most_common(1)
    return f"{cause} is the most frequent cause: {percent(fires / causes.total())} of the fires"


def map_of_states(marts: Marts) -> str:
    rows = sorted(marts["fires_by_state"], key=lambda row: -row["fires"])
    first, total = rows[:3], sum(row["fires"] for row in rows)
    share = percent(sum(row["fires"] for row in first) / total)
    return f"{share} of the fires were in {_listed(row['name'] for row in first)}"


def sizes(marts: Marts) -> str:
    """As few of the largest classes as burned half of the land."""
    rows = sorted(marts["fires_by_size_class"], key=lambda row: row["size_class"], reverse=True)
    fires, acres = (sum(row[name] for row in rows) for name in ("fires", "acres"))
    few, burned = 0, 0.0
    for row in rows:
        few, burned = few + row["fires"], burned + row["acres"]
        if burned * 2 >= acres:
            break
    return (
        f"{percent(few / fires)} of the fires burned {percent(burned / acres if acres else 0)} of the acres"
    )


def season(marts: Marts) -> str:
    """The month of most fires, and the frequent cause that keeps to one month more than any other."""
    rows = marts["fires_by_month_and_cause"]
    months, causes = _sums(rows, "discovery_month"), _sums(rows, "cause")
    ((month, fires),) = months.most_common(1)
    frequent = [row for row in rows if causes[row["cause"]] >= _FREQUENT * causes.total()]
    peak = max(frequent, key=lambda row: row["fires"] / causes[row["cause"]])
    share = percent(peak["fires"] / causes[peak["cause"]])
    return (
        f"{MONTHS[month - 1]} has the most fires, {percent(fires / months.total())}; "
        f"of {peak['cause']}, {share} are in {MONTHS[peak['discovery_month'] - 1]}"
    )


def _sums(rows: Rows, name: str) -> Counter[Any]:
    """Fires by a column; the more frequent first, then by name."""
    found: Counter[Any] = Counter()
    for row in sorted(rows, key=lambda row: row[name]):
        found[row[name]] += row["fires"]
    return found


def _listed(names: Iterable[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last
