"""Light and dark: colours that colour-blind eyes tell apart, a font that the renderer has, and pictures."""

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import Any

import altair as alt
import vl_convert

# The first comes with vl-convert: a PNG needs no font of the machine. An SVG is drawn with any of them.
FONT = "Liberation Sans, Arial, Helvetica, sans-serif"
_SCALE = 2  # PNG pixels for each of the chart's


@dataclass(frozen=True)
class Theme:
    """Colours of one appearance.

    `ramp` goes from few to many, by lightness alone; text on it is `on_low`, and `on_high` above that share
    of the largest value (`turns_at`) at which it can be read better (shares are drawn by their square root).
    """

    name: str
    background: str
    ink: str
    faint: str
    mark: str
    ramp: tuple[str, ...]
    on_low: str
    on_high: str
    turns_at: float
    loud: str


@dataclass(frozen=True)
class Layout:
    """How wide a picture is; `width`: of what is drawn, in pixels. Text is as large in either."""

    name: str
    width: int
    title_size: int
    line: int  # characters of a title that fit on one
    legend: int  # pixels

    @property
    def wide(self) -> bool:
        return self is WIDE


WIDE = Layout("wide", width=680, title_size=18, line=78, legend=280)
PHONE = Layout("phone", width=285, title_size=16, line=38, legend=200)

# The marks are the blues of Okabe and Ito's palette; the ramps one hue, which lightness alone orders.
LIGHT = Theme(
    name="light",
    background="#ffffff",
    ink="#1f2328",
    faint="#d8dee4",
    mark="#0072b2",
    ramp=("#eef5fb", "#b5d4ea", "#5fa3d0", "#1f6fae", "#08305c"),
    on_low="#000000",
    on_high="#ffffff",
    turns_at=0.484,
    loud="#8a4700",
)
DARK = Theme(
    name="dark",
    background="#15191e",
    ink="#e6edf3",
    faint="#3a424c",
    mark="#56b4e9",
    ramp=("#1c2733", "#1f4a6d", "#2f7db3", "#6cbcea", "#d4eefc"),
    on_low="#ffffff",
    on_high="#000000",
    turns_at=0.241,
    loud="#f5b95a",
)


@dataclass(frozen=True)
class Heading:
    """What stands above a chart; `loud`: its lines are a warning."""

    title: str
    lines: Sequence[str]
    loud: bool = False


def finished(chart: Any, heading: Heading, theme: Theme, layout: Layout) -> dict[str, Any]:
    """The chart with its heading, in the theme's colours, as Vega-Lite."""
    lines = [part for line in heading.lines for part in wrap(line, layout.line * 3 // 2)]
    headed = alt.vconcat(
        chart,
        title=alt.TitleParams(
            text=wrap(heading.title, layout.line),
            subtitle=lines,
            anchor="start",
            fontSize=layout.title_size,
            subtitleFontSize=12,
            subtitleColor=theme.loud if heading.loud else theme.ink,
            subtitleFontWeight="bold" if heading.loud else "normal",
            subtitlePadding=6,
            offset=16,
        ),
    )
    spec: dict[str, Any] = headed.configure(**_config(theme, layout)).to_dict()
    return spec


def svg(spec: dict[str, Any]) -> str:
    drawn: str = vl_convert.vegalite_to_svg(spec, vl_version=_vl_version(), allowed_base_urls=[])
    return drawn


def png(spec: dict[str, Any]) -> bytes:
    drawn: bytes = vl_convert.vegalite_to_png(
        spec, vl_version=_vl_version(), scale=_SCALE, allowed_base_urls=[]
    )
    return drawn


def _vl_version() -> str:
    """Vega-Lite's version as the chart library writes it, 6.1.0, in the form that the renderer takes, 6.1."""
    return ".".join(alt.SCHEMA_VERSION.removeprefix("v").split(".")[:2])


def _config(theme: Theme, layout: Layout) -> dict[str, Any]:
    text = {"labelColor": theme.ink, "titleColor": theme.ink}
    return {
        "background": theme.background,
        "font": FONT,
        "padding": 20 if layout.wide else 8,
        "view": {"stroke": None},
        "axis": {
            **text,
            "labelFontSize": 12,
            "titleFontSize": 12,
            "titleFontWeight": "normal",
            "gridColor": theme.faint,
            "domainColor": theme.faint,
            "tickColor": theme.faint,
        },
        "legend": {**text, "labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal"},
        "header": {**text, "labelFontSize": 13, "labelFontWeight": "bold"},
        "title": {"color": theme.ink, "subtitleColor": theme.ink},
    }
