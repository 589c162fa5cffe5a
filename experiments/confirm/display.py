"""The state of a confirmation on the terminal, while it runs."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from oneshot_hpo.experiments.confirm.until_decided import looks_line
from oneshot_hpo.experiments.numbers.pace import seconds_an_epoch, seconds_an_objective
from oneshot_hpo.experiments.terminal.panel import Rendering, counts, error
from oneshot_hpo.experiments.wording import configuration
from oneshot_hpo.hpo import ConfirmationView, Rerun, TrialResult


def confirmation_panel(
    confirmation: ConfirmationView,
    title: str,
    running: int,
    times: str | None = None,
    workers: str = "",
) -> RenderableType:
    """The panel: seeds by setting, counts, state of the workers.

    Results are left out on purpose: stopping when a difference appears produces false positives.
    """
    table = Table(box=None, padding=(0, 2), header_style="dim")
    table.add_column("setting")
    table.add_column("seeds", justify="right")
    table.add_column("values", overflow="fold")

    finished = [run.setting for run, _ in confirmation.evaluations]
    running_now = [run.setting for run in confirmation.pending]
    for name, setting in confirmation.settings.items():
        marks = "+" * running_now.count(name)
        done = f"{finished.count(name)}/{setting.seeds}"
        shown = f"{name} (tuned)" if name == confirmation.tuned else name
        table.add_row(shown, f"{marks} {done}", Text(configuration(setting.config)))

    facts = counts(confirmation, running, workers)
    if (looks := looks_line(confirmation)) is not None:
        facts.add_row("rule", looks)
    if times is not None:
        facts.add_row("time", times)
    return Group(Text(title, style="bold"), table, facts)


def run_line(run: Rerun, result: TrialResult) -> str:
    """A run's result in one line."""
    return f"{run.setting}, seed {run.number}: {error(result)}"


def seconds_left(confirmation: ConfirmationView, workers: int) -> float | None:
    """Seconds until every run has finished, at the pace so far; None without a pace."""
    pace = seconds_an_epoch(confirmation.evaluations)
    left = confirmation.total_evaluations - len(confirmation.evaluations)
    if pace is None:
        return None
    each = confirmation.budget * pace + seconds_an_objective(confirmation.evaluations)
    return left * each / workers


CONFIRMATION = Rendering(confirmation_panel, run_line, seconds_left)
