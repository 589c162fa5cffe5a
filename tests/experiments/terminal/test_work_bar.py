"""Progress of work of a known size, on a terminal and in a log."""

import io

import pytest
from rich.console import Console

from oneshot_hpo.experiments.terminal import display
from oneshot_hpo.experiments.terminal.work_bar import WorkBar


def test_a_log_gets_lines_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(display.time, "monotonic", lambda: clock[0])
    console = Console(file=io.StringIO())
    with WorkBar(console, "cells", 10, 2) as bar:
        for second, done in ((20, 3), (40, 6), (50, 7), (90, 8)):
            clock[0] = float(second)
            bar.reach(done)
        clock[0] = 95.0
        bar.advance(2)
    assert isinstance(console.file, io.StringIO)
    assert console.file.getvalue().splitlines() == [
        "cells: 60 % after 0:40, about 0:40 left",
        "cells: 80 % after 1:30, about 0:30 left",
        "cells: 100 % after 1:35",
    ]


def test_work_that_is_broken_off_is_not_said_to_be_done() -> None:
    console = Console(file=io.StringIO())
    with pytest.raises(KeyboardInterrupt), WorkBar(console, "cells", 10):
        raise KeyboardInterrupt
    assert isinstance(console.file, io.StringIO)
    assert console.file.getvalue() == ""


def test_a_terminal_gets_a_bar() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=80)
    with WorkBar(console, "cells", 10, 2) as bar:
        bar.advance(8)
    assert isinstance(console.file, io.StringIO)
    assert "cells" in console.file.getvalue()
    assert "100 %" in console.file.getvalue()
