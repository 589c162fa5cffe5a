"""What is shown while something takes long: lines with a spinner, and bars of bytes."""

import io

from rich.console import Console

from oneshot_hpo.experiments.terminal.byte_bar import byte_bar
from oneshot_hpo.experiments.terminal.spinner import working


def console_of(*, terminal: bool) -> Console:
    return Console(file=io.StringIO(), force_terminal=terminal, width=80)


def printed(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_spinner_shows_a_line_to_the_letter_and_a_log_gets_nothing() -> None:
    for terminal in (True, False):
        console = console_of(terminal=terminal)
        with working(console, "reading") as show:
            show("drawing [bold]b[/bold]")
        assert ("drawing [bold]b[/bold]" in printed(console)) is terminal


def test_a_bar_of_bytes_on_a_terminal_is_one_line_in_a_log() -> None:
    console = console_of(terminal=True)
    with byte_bar(console, "fetching a") as show:
        show(500_000, 1_000_000)
    assert "fetching a" in printed(console)

    console = console_of(terminal=False)
    with byte_bar(console, "fetching a") as show:
        show(500_000, 1_000_000)
    assert printed(console) == "fetching a\n"
