"""A line with a spinner, while something takes long that nobody can measure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.text import Text


@contextmanager
def working(console: Console, line: str) -> Iterator[Callable[[str], None]]:
    """Show a line until the work inside has ended; what it yields shows another one.

    Only on a terminal: a log or a pipe gets nothing.
    """
    with console.status(Text(line)) as status:
        yield lambda other: status.update(Text(other))
