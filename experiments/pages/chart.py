"""A chart of a page: a plotly figure with the words around it."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


@dataclass(frozen=True)
class Chart:
    """A figure, what it shows, and how it behaves.

    A point whose customdata is the anchor of a row leads there when it is clicked. `plain` for
    every text in the figure that this project has not written: plotly reads tags.
    """

    name: str
    """Its place in the page."""
    title: str
    """Its subject."""
    caption: str
    """A description in plain words."""
    figure: Figure
    """Without colours of page and text, which follow the reader's light or dark."""
    height: int = 420
    """In pixels."""
    least_width: int = 0
    """In pixels; on a narrower screen the chart scrolls in its box."""
    broad: bool = False
    """Whether it takes the whole width."""
    chooses: str | None = None
    """The table whose rows its brushes choose (parallel coordinates), by their anchors."""

    @property
    def json(self) -> Markup:
        """The figure for plotly.js, escaped for a script element."""
        self.figure.update_layout(template=None)  # the page has its own
        return Markup(self.figure.to_json().replace("<", "\\u003c"))


@dataclass(frozen=True)
class NoChart:
    """The replacement of a chart that would be empty or misleading."""

    name: str
    """The place that the chart would have."""
    title: str
    """The subject of the chart."""
    reason: str
    """Why there is none, and what it needs."""


@dataclass(frozen=True)
class Group:
    """Charts that belong together, under a heading of their own."""

    title: str
    charts: Sequence[Chart | NoChart]
    small: bool = False
    """Whether many are shown side by side."""


def plain(text: str) -> str:
    """A text as plotly shows it to the letter."""
    return html.escape(text)
