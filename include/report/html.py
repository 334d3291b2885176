"""The report as one page that needs nothing else: pictures within, no script, nothing from elsewhere."""

import base64
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2

from include.report import theme
from include.report.charts import CLASSES, MONTHS
from include.report.marts import Rows
from include.report.numbers import number
from include.report.origin import Origin
from include.report.pictures import Picture

# What the columns are of, whether the rows are real or generated.
MODEL = (
    "Columns of the FPA-FOD: Short, K. C. 2017. Spatial wildfire occurrence data for the United States, "
    "1992-2015 [FPA_FOD_20170508]. 4th edition. Forest Service Research Data Archive, "
    "doi 10.2737/RDS-2013-0009.4 (public domain)."
)

Marts = Mapping[str, Rows]


@dataclass(frozen=True)
class Column:
    """A column of a table: the row's key, its heading, and whether it is a number, with so many decimals."""

    name: str
    title: str
    number: bool = False
    decimals: int = 0


@dataclass(frozen=True)
class Table:
    title: str
    caption: str
    columns: Sequence[Column]
    rows: Rows


_FIRES, _ACRES = Column("fires", "Fires", True), Column("acres", "Acres burned", True)
_YEAR, _CAUSE = Column("fire_year", "Year"), Column("cause", "Cause")


def tables(marts: Marts) -> dict[str, Table]:
    """The marts as tables, by the name of the figure that shows the same, or by their own."""
    months = [
        {**row, "month": MONTHS[row["discovery_month"] - 1]} for row in marts["fires_by_month_and_cause"]
    ]
    classes = [
        {**row, "of": f"{row['size_class']}: {CLASSES.get(row['size_class'], '')}"}
        for row in marts["fires_by_size_class"]
    ]
    size = Column("of", "Size class")
    largest = Column("largest_acres", "Largest, acres", True, 1)
    return {
        "fires_per_year": Table(
            "", "By year of discovery", (_YEAR, _FIRES, _ACRES, largest), marts["fires_by_year"]
        ),
        "causes_over_time": Table(
            "",
            "By cause and year of discovery",
            (_CAUSE, _YEAR, _FIRES, _ACRES),
            marts["fires_by_cause_and_year"],
        ),
        "map_of_states": Table(
            "", "By state", (Column("name", "State"), _FIRES, _ACRES), marts["fires_by_state"]
        ),
        "sizes": Table("", "By size class", (size, _FIRES, _ACRES, largest), classes),
        "season": Table(
            "",
            "By month of discovery, over all years, and cause",
            (Column("month", "Month"), _CAUSE, _FIRES, _ACRES),
            months,
        ),
        "containment": _containment(marts),
        "largest_fires": _largest(marts),
    }


def _containment(marts: Marts) -> Table:
    return Table(
        "How long they burned",
        "Days from discovery to containment, by size class, of the fires for which both days are known",
        (
            Column("size_class", "Class"),
            _FIRES,
            Column("fires_with_known_duration", "Known", True),
            Column("contained_the_same_day", "The same day", True),
            Column("median_days", "Median, days", True, 1),
            Column("ninetieth_percentile_days", "90 % within, days", True, 1),
            Column("longest_days", "Longest, days", True),
        ),
        marts["containment_by_size_class"],
    )


def _largest(marts: Marts) -> Table:
    return Table(
        "The hundred largest",
        "By acres within the final perimeter",
        (
            Column("rank", "", True),
            Column("fire_name", "Name"),
            Column("state", "State"),
            _CAUSE,
            Column("discovered_on", "Discovered"),
            Column("contained_on", "Contained"),
            Column("acres", "Acres", True, 1),
        ),
        marts["largest_fires"],
    )


def facts(marts: Marts) -> list[tuple[str, str]]:
    """The few numbers that stand above everything."""
    years = marts["fires_by_year"]
    found = [("Fires", number(sum(row["fires"] for row in years)))]
    found.append(("Acres burned", number(sum(row["acres"] for row in years))))
    if years:
        found.append(("Years", f"{years[0]['fire_year']} to {years[-1]['fire_year']}"))
        most = max(years, key=lambda row: row["fires"])
        found.append(("Most fires", f"{number(most['fires'])} in {most['fire_year']}"))
    return found


def render(
    marts: Marts,
    pictures: Sequence[Picture],
    loaded: Mapping[str, Any],
    origin: Origin,
    created_at: str,
) -> str:
    """The page. `loaded`: what the load answered."""
    shown = tables(marts)
    figures = [
        {
            "name": picture.figure.name,
            "about": picture.figure.about,
            "title": picture.heading.title,
            "says": picture.figure.says,
            "table": shown[picture.figure.name],
            "drawn": _drawn(picture),
        }
        for picture in pictures
    ]
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
    )
    environment.filters |= {"number": number, "cell": cell}
    return environment.get_template("report.html.j2").render(
        loaded=loaded,
        facts=facts(marts),
        figures=figures,
        containment=shown["containment"],
        largest=shown["largest_fires"],
        origin=origin,
        model=MODEL,
        created_at=created_at,
    )


def cell(value: Any, column: Column) -> str:
    """A value for a table; nothing known is a dash."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"
    return number(value, column.decimals) if column.number else str(value)


def _drawn(picture: Picture) -> dict[str, str]:
    """Width and theme, such as `phone_dark` → the picture as an address within the page."""
    found = {}
    for layout in (theme.WIDE, theme.PHONE):
        for look in (theme.LIGHT, theme.DARK):
            encoded = base64.b64encode(picture.svg(look, layout).encode()).decode()
            found[f"{layout.name}_{look.name}"] = f"data:image/svg+xml;base64,{encoded}"
    return found
