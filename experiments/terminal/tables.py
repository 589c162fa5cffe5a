"""Tables of numbers on the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text


def print_table(
    console: Console,
    headings: Sequence[str],
    groups: Iterable[Iterable[Sequence[str]]],
    *,
    title: str | None = None,
    framed: bool = True,
) -> None:
    """Print rows under headings, with a line between groups of rows.

    The first column holds names, which are folded where they are long, the others numbers.
    """
    table = Table(title=title, title_justify="left")
    if not framed:
        table = Table(title=title, title_justify="left", box=None, padding=(0, 2))
        table.header_style = "dim"
    for number, heading in enumerate(headings):
        table.add_column(heading, justify="right" if number else "left", overflow="fold")

    for group in groups:
        for row in group:
            table.add_row(*map(Text, row))
        table.add_section()
    console.print(table)
