"""The report's charts as Vega-Lite: what is drawn, in which units. Colours and fonts are in theme.py."""

import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import altair as alt

from include.report import titles
from include.report.marts import Rows
from include.report.numbers import percent, short, whole
from include.report.theme import Layout, Theme

STATES = Path(__file__).parents[1] / "dbt" / "wildfires" / "seeds" / "states.csv"
MONTHS = tuple(month[:3] for month in titles.MONTHS)
CLASSES = {
    "A": "up to ¼ acre",
    "B": "¼ to 10 acres",
    "C": "10 to 100 acres",
    "D": "100 to 300 acres",
    "E": "300 to 1,000 acres",
    "F": "1,000 to 5,000 acres",
    "G": "5,000 acres and more",
}
_PERCENT = "format(datum.value * 100, 'd') + '\u00a0%'"
_SHORT = "format(datum.value, '~s')"  # of each label by itself: 0, 200, 1.2k

Marts = dict[str, Rows]
Chart = Any  # Altair's charts share no useful type


@dataclass(frozen=True)
class Figure:
    """One chart: `draw` gives it for a theme and a width; `title` says what it shows, by the same marts.

    `about`: what it is of, in a few words; `says` describes it for those who do not see it.
    """

    name: str
    about: str
    title: Callable[[Marts], str]
    says: str
    draw: Callable[[Marts, Theme, Layout], Chart]


def fires_per_year(marts: Marts, theme: Theme, layout: Layout) -> Chart:
    rows = marts["fires_by_year"]

    def bars(field: str, title: str, last: bool) -> Chart:
        axis = alt.Axis(
            title=None, labels=last, ticks=last, labelAngle=0, labelOverlap="greedy", labelSeparation=12
        )
        return (
            alt.Chart(alt.InlineData(values=rows))
            .mark_bar(color=theme.mark)
            .encode(
                x=alt.X("fire_year:O", axis=axis),
                y=alt.Y(f"{field}:Q", title=title, axis=alt.Axis(labelExpr=_SHORT, tickCount=5)),
            )
            .properties(width=layout.width, height=150 if layout.wide else 110)
        )

    return alt.vconcat(bars("fires", "Fires", False), bars("acres", "Acres burned", True), spacing=14)


def causes_over_time(marts: Marts, theme: Theme, layout: Layout) -> Chart:
    """A small chart a cause, all on one scale: no colour has to be told from another."""
    rows = marts["fires_by_cause_and_year"]
    totals: dict[str, int] = {}
    for row in rows:
        totals[row["cause"]] = totals.get(row["cause"], 0) + row["fires"]
    order = sorted(totals, key=lambda cause: (-totals[cause], cause))
    years = sorted({row["fire_year"] for row in rows})
    ends = [years[0], years[-1]] if len(years) > 1 else years
    return (
        alt.Chart(alt.InlineData(values=rows))
        .mark_area(color=theme.mark, opacity=0.85, line={"color": theme.mark})
        .encode(
            x=alt.X(
                "fire_year:Q",
                axis=alt.Axis(title=None, format="d", values=ends, grid=False),
                scale=alt.Scale(nice=False),
            ),
            y=alt.Y("fires:Q", title="Fires a year", axis=alt.Axis(labelExpr=_SHORT, tickCount=3)),
            facet=alt.Facet(
                "cause:N",
                columns=4 if layout.wide else 2,
                sort=order,
                title=None,
                spacing={"row": 18, "column": 22},
            ),
        )
        .properties(width=137, height=78)
        .resolve_axis(x="independent")
    )


def map_of_states(marts: Marts, theme: Theme, layout: Layout) -> Chart:
    """Every state a tile of one size: small states can be read, and nothing has to be fetched."""
    fires = {row["state"]: row["fires"] for row in marts["fires_by_state"]}
    with STATES.open(encoding="utf-8", newline="") as file:
        tiles = [
            {
                "state": row["state"],
                "row": int(row["tile_row"]),
                "column": int(row["tile_column"]),
                "fires": fires.get(row["state"], 0),
                "shown": short(fires.get(row["state"], 0)),
            }
            for row in csv.DictReader(file)
        ]
    largest = max((tile["fires"] for tile in tiles), default=0) or 1
    x, y = alt.X("column:O", axis=None), alt.Y("row:O", axis=None)
    base = alt.Chart(alt.InlineData(values=tiles)).encode(x, y)
    strong = f"datum.fires > {largest * theme.turns_at}"
    ink = alt.condition(strong, alt.value(theme.on_high), alt.value(theme.on_low))
    scale = alt.Scale(range=list(theme.ramp), type="sqrt", domain=[0, largest])
    legend = alt.Legend(
        title="Fires", labelExpr=_SHORT, orient="bottom", gradientLength=layout.legend, tickCount=5
    )
    squares = base.mark_rect(stroke=theme.background, strokeWidth=3).encode(
        color=alt.Color("fires:Q", scale=scale, legend=legend)
    )
    if not layout.wide:  # no room for numbers: the table below the chart has them
        names = base.mark_text(fontSize=12, fontWeight="bold").encode(text="state:N", color=ink)
        return alt.layer(squares, names).properties(width=layout.width, height=230)
    names = base.mark_text(dy=-7, fontSize=14, fontWeight="bold").encode(text="state:N", color=ink)
    counts = base.mark_text(dy=9, fontSize=12).encode(text="shown:N", color=ink)
    return alt.layer(squares, names, counts).properties(width=layout.width, height=450)


def sizes(marts: Marts, theme: Theme, layout: Layout) -> Chart:
    """Few fires burn most of the land: each class's share of the fires beside its share of the acres."""
    rows = marts["fires_by_size_class"]
    fires, acres = (sum(row[name] for row in rows) or 1 for name in ("fires", "acres"))
    shares = [
        {
            "label": f"{row['size_class']}: {CLASSES.get(row['size_class'], '')}",
            "of": of,
            "share": share,
            "shown": percent(share),
        }
        for row in rows
        for of, share in (("Share of fires", row["fires"] / fires), ("Share of acres", row["acres"] / acres))
    ]
    y = alt.Y("label:N", title=None, sort=None, axis=alt.Axis(labelLimit=220))
    most = max((row["share"] for row in shares), default=1)
    scale = alt.Scale(domain=[0, most * 1.18], nice=False)
    base = alt.Chart(alt.InlineData(values=shares)).encode(
        y, alt.X("share:Q", title=None, scale=scale, axis=alt.Axis(labelExpr=_PERCENT, tickCount=4))
    )
    bars = base.mark_bar(color=theme.mark)
    labels = base.mark_text(align="left", dx=4, color=theme.ink).encode(text="shown:N")
    both: dict[str, Any] = {"sort": ["Share of fires", "Share of acres"], "title": None}
    drawn = alt.layer(bars, labels)
    if layout.wide:
        return drawn.properties(width=235, height=210).facet(column=alt.Column("of:N", **both))
    header = alt.Header(orient="top")
    return drawn.properties(width=160, height=150).facet(
        facet=alt.Facet("of:N", header=header, **both), columns=1
    )


def season(marts: Marts, theme: Theme, layout: Layout) -> Chart:
    """When each cause starts its fires: a row adds up to 100 %."""
    rows = marts["fires_by_month_and_cause"]
    totals: dict[str, int] = {}
    for row in rows:
        totals[row["cause"]] = totals.get(row["cause"], 0) + row["fires"]
    fires = {(row["cause"], row["discovery_month"]): row["fires"] for row in rows}
    shares = {
        (cause, month): fires.get((cause, month), 0) / totals[cause]
        for cause in totals
        for month in range(1, 13)
    }
    cells = [
        {"month": MONTHS[month - 1], "cause": cause, "share": share, "shown": whole(share)}
        for (cause, month), share in shares.items()
    ]
    order = sorted(totals, key=lambda cause: (-totals[cause], cause))
    largest = max((cell["share"] for cell in cells), default=1)
    months = alt.Axis(labelAngle=0, orient="top")
    if not layout.wide:
        months.labelExpr = "slice(datum.label, 0, 1)"
    base = alt.Chart(alt.InlineData(values=cells)).encode(
        alt.X("month:O", title=None, sort=list(MONTHS), axis=months),
        alt.Y("cause:N", title=None, sort=order, axis=alt.Axis(labelLimit=160)),
    )
    scale = alt.Scale(range=list(theme.ramp), type="sqrt", domain=[0, largest])
    legend = alt.Legend(
        title="Share of the cause's fires, %",
        labelExpr=_PERCENT,
        orient="bottom",
        gradientLength=layout.legend,
        tickCount=4,
    )
    squares = base.mark_rect(stroke=theme.background, strokeWidth=1).encode(
        color=alt.Color("share:Q", scale=scale, legend=legend)
    )
    strong = f"datum.share > {largest * theme.turns_at}"
    ink = alt.condition(strong, alt.value(theme.on_high), alt.value(theme.on_low))
    text = base.mark_text(fontSize=12 if layout.wide else 10).encode(text="shown:N", color=ink)
    return alt.layer(squares, text).properties(
        width=layout.width - (90 if layout.wide else 60), height=360 if layout.wide else 300
    )


FIGURES = (
    Figure(
        "fires_per_year",
        "Fires and acres burned, by year",
        titles.fires_per_year,
        "Two bar charts over the years of discovery: the number of fires, and the acres they burned.",
        fires_per_year,
    ),
    Figure(
        "causes_over_time",
        "What started them, by year",
        titles.causes_over_time,
        "A small area chart for each cause, the most frequent first, all on one scale: fires a year.",
        causes_over_time,
    ),
    Figure(
        "map_of_states",
        "Where they burned",
        titles.map_of_states,
        "A map of tiles, one a state, each with its number of fires: the more, the stronger the colour.",
        map_of_states,
    ),
    Figure(
        "sizes",
        "How large they were",
        titles.sizes,
        "Bars for the size classes A to G: their share of all fires, and their share of all acres burned.",
        sizes,
    ),
    Figure(
        "season",
        "When they started",
        titles.season,
        "A table of causes and months: which share of a cause's fires is discovered in which month.",
        season,
    ),
)
