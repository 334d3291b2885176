"""A figure of one run: its chart under a heading that says what it shows, and what its rows are."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from include.report import theme
from include.report.charts import Figure, Marts
from include.report.origin import Origin


@dataclass(frozen=True)
class Picture:
    """A figure that can be drawn in any theme and width."""

    figure: Figure
    heading: theme.Heading
    marts: Marts = field(repr=False)
    _svgs: dict[tuple[str, str], str] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, figure: Figure, marts: Marts, origin: Origin, lines: Sequence[str] = ()) -> "Picture":
        """`lines`: what else stands in the heading, below what the rows are."""
        return cls(
            figure, theme.Heading(figure.title(marts), (origin.line, *lines), loud=origin.generated), marts
        )

    def spec(self, look: theme.Theme, layout: theme.Layout) -> dict[str, Any]:
        """It as Vega-Lite."""
        return theme.finished(self.figure.draw(self.marts, look, layout), self.heading, look, layout)

    def svg(self, look: theme.Theme, layout: theme.Layout) -> str:
        """It as SVG, drawn once: the page and the object beside it are the same."""
        name = look.name, layout.name
        if name not in self._svgs:
            self._svgs[name] = theme.svg(self.spec(look, layout))
        return self._svgs[name]
