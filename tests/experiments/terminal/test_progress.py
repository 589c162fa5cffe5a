import io
from pathlib import Path

import pytest
from rich.console import Console
from support.scripted_study import better_later, work

from oneshot_hpo.experiments.numbers.pace import seconds_left
from oneshot_hpo.experiments.terminal.panel import study_panel
from oneshot_hpo.experiments.terminal.progress import LiveDisplay, PlainDisplay, display_for
from oneshot_hpo.experiments.terminal.rate_limiter import RateLimiter
from oneshot_hpo.hpo import OptimizerSettings, Study, configuration_space


def text_of(renderable: object) -> str:
    console = Console(file=io.StringIO(), width=80)
    console.print(renderable)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_new_study_has_no_results(study: Study) -> None:
    text = text_of(study_panel(study, "a title", 0))
    assert "a title" in text
    assert "0 of 6 done, 0 running, 6 waiting" in text
    assert "default" not in text
    assert seconds_left(study, 2) is None


def test_brackets_count_finished_and_running_evaluations(study: Study) -> None:
    work(study, better_later, 2)
    study.ask()
    text = text_of(study_panel(study, "title", 1, "elapsed 0:10"))
    assert "2 of 6 done, 1 running, 3 waiting" in text
    row = next(line for line in text.splitlines() if "1 of 2" in line)
    assert row.split()[3:] == ["+", "1/2", "0/1"]
    assert "5.00 % validation error at 2 epochs" in text
    assert "learning_rate 0.025" in text
    assert "elapsed 0:10" in text


def test_time_left_goes_by_epochs_and_workers(study: Study) -> None:
    work(study, better_later, 2)  # the baseline and one of two runs with one epoch
    # Left are 1 x 1, 1 x 2 and 2 x 2 epochs, of 10 seconds each.
    assert seconds_left(study, 1) == pytest.approx(70)
    assert seconds_left(study, 2) == pytest.approx(35)


def test_many_brackets_fit_on_a_screen(tmp_path: Path) -> None:
    settings = OptimizerSettings(min_budget=25, max_budget=100, eta=2, iterations=64)
    space = configuration_space("cs1")
    with Study.create(tmp_path, header={}, space=space, settings=settings) as study:
        text = text_of(study_panel(study, "title", 0))
    assert len(text.splitlines()) < 20
    assert "1 of 64" in text


def test_lines_are_printed_once_and_only_for_what_is_new(study: Study) -> None:
    console = Console(file=io.StringIO(), width=80)
    work(study, better_later, 2)
    with PlainDisplay(console, "a title", 1) as display:
        display.update(study, 0, "")
        work(study, lambda trial: None, 1)
        display.update(study, 0, "")
        display.update(study, 0, "")
        work(study, better_later, 1)
        display.update(study, 0, "")
    assert isinstance(console.file, io.StringIO)
    lines = console.file.getvalue().splitlines()
    assert lines[0] == "a title; 2 of 6 done"
    assert lines[1].startswith("[3/6] 0-0-1, 1 epoch: crashed (SearchDiverged: too far); about")
    assert lines[2].startswith("[4/6] ")
    assert len(lines) == 3


def test_a_skipped_update_is_drawn_at_the_end(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = Console(file=io.StringIO(), force_terminal=True, width=80)
    with display_for(terminal, "a title", 1) as display:
        monkeypatch.setattr(RateLimiter, "is_due", False)
        work(study, better_later, 3)
        display.update(study, 1, "")
        assert isinstance(terminal.file, io.StringIO)
        assert "3 of 6 done" not in terminal.file.getvalue()
    assert "3 of 6 done" in terminal.file.getvalue()


def test_a_terminal_gets_a_panel_and_a_pipe_gets_lines(study: Study) -> None:
    assert isinstance(display_for(Console(file=io.StringIO()), "", 1), PlainDisplay)
    terminal = Console(file=io.StringIO(), force_terminal=True, width=80)
    with display_for(terminal, "a title", 1) as display:
        assert isinstance(display, LiveDisplay)
        work(study, better_later, 2)
        display.update(study, 1, "")
    assert isinstance(terminal.file, io.StringIO)
    assert "a title" in terminal.file.getvalue()
    assert "left" in terminal.file.getvalue()
