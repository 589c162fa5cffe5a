"""The terminal: everything that a command prints passes through here.

Titles, messages and names come out of journals, study files and logs, which anybody may have
written: they are shown as they are, never obeyed by the terminal, and are no markup.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from oneshot_hpo.experiments.errors import StudyStopped, printable

OUTPUT_GONE = "standard output has gone away"


class _Terminal(Console):
    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Render it, without the control characters that a terminal would obey."""
        for segment in super().render(renderable, options):
            if segment.control or segment.text.isprintable():
                yield segment
            else:
                yield Segment(printable(segment.text, kept="\n"), segment.style)

    def on_broken_pipe(self) -> None:
        """End the command. StudyStopped: the reader of the output has gone."""
        self.quiet = True
        discard_output()
        raise StudyStopped(OUTPUT_GONE)


def terminal(*, stderr: bool = False) -> Console:
    """A console on standard output, or standard error."""
    return _Terminal(stderr=stderr, highlight=False, markup=False, emoji=False)


def console_for(show_progress: bool) -> Console:
    """What a program that called a command's function has shown: all, or nothing."""
    return terminal() if show_progress else _Terminal(file=io.StringIO(), quiet=True)


def open_standard_files() -> None:
    """Open /dev/null in place of standard input, output and error that are closed.

    Else the next file that is opened, a journal, would have their number and what is printed in it.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)
    if sys.stderr is None:
        sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115 - as long as the process


def discard_output() -> None:
    """Discard all further output to standard output."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.close(null)
