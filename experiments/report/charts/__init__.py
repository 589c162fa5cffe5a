"""The figures of a study's page: numbers of experiments.numbers, drawn by plotly."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.numbers.path import has_path
from oneshot_hpo.experiments.numbers.sources import study_sources
from oneshot_hpo.experiments.pages.chart import Chart, Group, NoChart
from oneshot_hpo.experiments.report.charts import (
    budgets,
    cells,
    decisions,
    hyperparameters,
    one_shot,
    path,
    regret,
    workers,
)
from oneshot_hpo.experiments.report.charts.hover import sentence
from oneshot_hpo.experiments.report.charts.trajectories import chart as trajectories
from oneshot_hpo.experiments.report.charts.trials import Trials
from oneshot_hpo.experiments.study.opened import OpenedStudy

_Drawn = Callable[[str, str, Callable[[], Chart]], Chart | NoChart]
"""Draws a chart with a name and a title, or says why there is none."""


def groups_of(study: OpenedStudy, baselines: Sequence[Path]) -> list[Group]:
    """Every figure by topic, or the reason why there is none.

    UserError: one of `baselines` is of another table or space.
    """
    if not study.view.evaluations:
        reason = "No trial has finished yet: there is nothing to draw."
        return [Group("", [NoChart("no-figures", "", reason)])]
    sources = study_sources(study, baselines)
    trials = Trials(study)

    def drawn(name: str, title: str, draw: Callable[[], Chart]) -> Chart | NoChart:
        try:
            return draw()
        except UserError as error:  # NotEnoughData, or a damaged file of a search
            return NoChart(name, title, sentence(str(error), study))

    workers_group = Group(
        "Who worked when", [drawn("workers", workers.TITLE, lambda: workers.chart(trials))]
    )
    if all(result.crashed for _, result in study.view.evaluations):
        reason = "Every finished trial crashed: there is no result to draw."
        return [Group("", [NoChart("no-figures", "", reason)]), workers_group]
    curves = [
        drawn(
            f"regret-{axis}",
            regret.TITLES[axis],
            partial(regret.chart, sources, axis, trials),
        )
        for axis in regret.AXES
        if axis != "simulated" or baselines
    ]
    return [
        _group("How good, how soon", curves),
        _group(
            "Inside the searches",
            [
                drawn("trajectories", "Epoch by epoch", lambda: trajectories(sources)),
                drawn("decisions", decisions.TITLE, lambda: decisions.chart(study)),
                drawn("one-shot", one_shot.AT_END, lambda: one_shot.at_end(trials)),
                drawn("one-shot-epochs", one_shot.BY_EPOCH, lambda: one_shot.by_epoch(trials)),
                drawn("budgets", budgets.TITLE, lambda: budgets.chart(study)),
            ],
        ),
        *_path(study, drawn),
        *hyperparameters.groups(trials, drawn),
        Group("The cells found", cells.charts(study), small=True),
        workers_group,
    ]


def _path(study: OpenedStudy, drawn: _Drawn) -> list[Group]:
    """The path to the tuned configuration, where one was confirmed."""
    if not has_path(study):
        return []
    return [
        Group(
            "Which hyperparameter earned it",
            [drawn("path", path.TITLE, lambda: path.chart(study))],
        )
    ]


def _group(title: str, charts: list[Chart | NoChart]) -> Group:
    """A group with missing figures last, where they leave no gap."""
    return Group(title, sorted(charts, key=lambda chart: isinstance(chart, NoChart)))
