"""How many bytes of a file have been read or downloaded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from oneshot_hpo.experiments.terminal.hints import say


@contextmanager
def byte_bar(console: Console, label: str) -> Iterator[Callable[[int, int | None], object]]:
    """A progress bar for one step, gone when the step has ended; a line in logs and pipes.

    What it yields takes the bytes so far and the bytes in all, None if unknown.
    """
    if not console.is_terminal:
        say(console, label)
        yield lambda done, total: None
        return

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=10),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(label, total=None)

        def show(done: int, total: int | None) -> None:
            progress.update(task, completed=done, total=total)

        yield show
