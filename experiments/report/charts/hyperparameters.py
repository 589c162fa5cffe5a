"""Draws what each hyperparameter contributes to the validation error."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import plotly.graph_objects as go

from oneshot_hpo.experiments.errors import NotEnoughData
from oneshot_hpo.experiments.numbers.configurations import AxisScale
from oneshot_hpo.experiments.numbers.importance import BudgetImportance, Importance, importance
from oneshot_hpo.experiments.objectives.section import axis_label
from oneshot_hpo.experiments.pages import chart_style as style
from oneshot_hpo.experiments.pages.chart import Chart, Group, NoChart, plain
from oneshot_hpo.experiments.pages.values import epochs
from oneshot_hpo.experiments.report.charts import parallel
from oneshot_hpo.experiments.report.charts.hover import noted, sentence
from oneshot_hpo.experiments.report.charts.trials import Trials
from oneshot_hpo.experiments.study.opened import OpenedStudy


def groups(
    trials: Trials, drawn: Callable[[str, str, Callable[[], Chart]], Chart | NoChart]
) -> list[Group]:
    """Parallel coordinates, importance and partial dependence, or the reason why there are none."""
    title = "Importance of hyperparameters"
    lines = drawn("parallel", parallel.TITLE, lambda: parallel.chart(trials))
    try:
        found = importance(trials.source)
    except NotEnoughData as error:
        reason = sentence(str(error), trials.source)
        return [Group("Hyperparameters", [lines, NoChart("importance", title, reason)])]
    if not any(map(_is_useful, found.budgets)):
        reason = (
            "A random forest explains nothing of unseen trials (R² is not above 0 at any budget): "
            "importances would mean nothing. More trials may help."
        )
        return [Group("Hyperparameters", [lines, NoChart("importance", title, reason)])]
    dependence = [_dependence(found, place) for place in range(len(found.axes))]
    return [
        Group("Hyperparameters", [lines, _importance(title, found, trials.source)]),
        Group("Partial dependence", dependence, small=True),
    ]


def _importance(title: str, found: Importance, study: OpenedStudy) -> Chart:
    figure = go.Figure()
    names = [plain(axis.name) for axis in found.axes]
    for place, budget in enumerate(found.budgets):
        spread = budget.importance
        middle = np.asarray(style.percents(spread.median))
        figure.add_bar(
            name=f"{epochs(budget.budget)} (n = {budget.trials}, R² {budget.explained:.2f})",
            orientation="h",
            y=names,
            x=middle.tolist(),
            error_x={
                "type": "data",
                "symmetric": False,
                "array": (100 * spread.high - middle).tolist(),
                "arrayminus": (middle - 100 * spread.low).tolist(),
                "color": style.QUIET,
                "thickness": 1.5,
            },
            marker={"color": style.budget_colour(place)},
            visible=_visible(budget),
            hovertemplate="<b>%{y}</b>: %{x:.0f} % of the variance<extra>%{fullData.name}</extra>",
        )

    figure.update_layout(
        xaxis={"title": {"text": "share of the variance, %"}, "rangemode": "tozero"},
        yaxis={"autorange": "reversed", "showgrid": False},
        barmode="group",
    )

    caption = (
        f"fANOVA: how much of the {found.measure}'s variance a random forest attributes to each "
        "hyperparameter alone, by budget; median and quartiles over forests. R² is what a forest "
        f"explains of unseen trials.{_useless(found)}"
    )
    caption = noted(caption, found.notes, study)
    height = 170 + 26 * len(names) * len(found.budgets)
    return Chart("importance", title, caption, figure, height=max(320, height), broad=True)


def _dependence(found: Importance, place: int) -> Chart:
    axis = found.axes[place]
    figure = go.Figure()
    for number, budget in enumerate(found.budgets):
        spread, colour = budget.dependence[place], style.budget_colour(number)
        x, name = style.numbers(spread.x), epochs(budget.budget)
        low, high = style.percents(spread.low), style.percents(spread.high)
        figure.add_traces(
            style.band(x, low, high, colour, legendgroup=name, visible=_visible(budget))
        )
        figure.add_scatter(
            name=name,
            legendgroup=name,
            x=x,
            y=style.percents(spread.median),
            mode="lines",
            line={"color": colour, "width": 2},
            visible=_visible(budget),
            hovertemplate=f"{name}: %{{y:.2f}} %<extra></extra>",
        )

    default = float(found.default[place])
    if np.isfinite(default):
        figure.add_vline(x=default, line={"color": style.QUIET, "width": 1, "dash": "dot"})

    figure.update_layout(
        xaxis={"title": {"text": plain(axis.name)}, "range": [-0.02, 1.02], **_ticks(axis)},
        yaxis={"title": {"text": axis_label(found.measure)}},
        hovermode="closest",
    )
    caption = f"The forest's mean prediction; dotted: the default.{_useless(found)}"
    return Chart(f"dependence-{place}", axis.name, caption, figure, height=300)


def _ticks(axis: AxisScale) -> dict[str, object]:
    return {
        "tickvals": [place for place, _ in axis.ticks],
        "ticktext": [plain(text) for _, text in axis.ticks],
    }


def _is_useful(budget: BudgetImportance) -> bool:
    """Whether a forest explains anything of unseen trials."""
    return budget.explained > 0


def _visible(budget: BudgetImportance) -> bool | str:
    return True if _is_useful(budget) else "legendonly"


def _useless(found: Importance) -> str:
    budgets = [epochs(budget.budget) for budget in found.budgets if not _is_useful(budget)]
    if not budgets:
        return ""
    return (
        f" At {' and '.join(budgets)} a forest explains nothing of unseen trials: it is hidden, "
        "and a click in the legend shows it."
    )
