"""A table of a page: a click on a heading sorts it, and long ones have filters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    """A column of a table."""

    heading: str
    """The text above it."""
    numeric: bool = False
    """Whether it holds numbers: set to the right, sorted by value."""
    hint: str = ""
    """Its meaning, where the heading is not enough."""
    choices: bool = False
    """Whether rows can be chosen by its value."""


@dataclass(frozen=True)
class Cell:
    """A cell of a table."""

    text: str
    """The text shown; an empty one is sorted last."""
    value: float | None = None
    """The value by which a numeric column is sorted."""
    link: str | None = None
    """The place in the page to which it leads."""
    mark: str | None = None
    """Its emphasis: bad, or quiet."""


@dataclass(frozen=True)
class Row:
    """A row of a table."""

    cells: Sequence[Cell]
    """One a column."""
    anchor: str | None = None
    """Its place in the page, to which links and the points of charts lead."""


@dataclass(frozen=True)
class Table:
    """A table with a caption, also for screen readers."""

    name: str
    """Its place in the page; charts that choose its rows name it."""
    caption: str
    """A description of its contents."""
    columns: Sequence[Column]
    """From left to right."""
    rows: Sequence[Row]
    """From top to bottom, before a reader sorts them."""
    sortable: bool = True
    """Whether its headings sort it."""
    filtered: bool = False
    """Whether there is a field above it to search in its rows."""

    def choices(self, position: int) -> list[str]:
        """The distinct texts of a column: numbers by size, then words."""
        found = {row.cells[position].text: row.cells[position].value for row in self.rows}
        found.pop("", None)
        return sorted(found, key=lambda text: (_or_infinity(found[text]), text))


def _or_infinity(value: float | None) -> float:
    return float("inf") if value is None else value
