"""Draws the one-shot error of searches against the test error of their cells."""

from __future__ import annotations

import math

import plotly.graph_objects as go

from oneshot_hpo.experiments.numbers.one_shot import one_shot_correlation
from oneshot_hpo.experiments.numbers.rank_correlation import RankCorrelation
from oneshot_hpo.experiments.pages import chart_style as style
from oneshot_hpo.experiments.pages.chart import Chart
from oneshot_hpo.experiments.pages.values import epochs
from oneshot_hpo.experiments.report.charts.hover import noted
from oneshot_hpo.experiments.report.charts.trials import Trials

AT_END = "One-shot error against the table's"
BY_EPOCH = "Their rank correlation after each epoch"


def at_end(trials: Trials) -> Chart:
    """A point per trial. NotEnoughData: no budget has enough of them."""
    found = one_shot_correlation(trials.source)
    figure = go.Figure()
    said = []
    for place, budget in enumerate(found.budgets):
        keys = trials.keys_at(budget.budget)
        said.append(f"{epochs(budget.budget)}: {_words(budget.at_end)}")
        figure.add_scatter(
            name=epochs(budget.budget),
            x=style.percents(budget.one_shot_error),
            y=style.percents(budget.test_error),
            mode="markers",
            marker=style.budget_marker(place),
            customdata=trials.anchors(keys),
            hovertext=trials.hover(keys),
            hoverinfo="text",
        )

    figure.update_layout(
        xaxis={"title": {"text": "one-shot validation error, %"}},
        yaxis={"title": {"text": "test error of the cell, %"}},
        hovermode="closest",
    )

    caption = (
        "Each point is a finished trial: the validation error of its supernet, and the test "
        f"error of its cell trained on its own. Spearman's rank correlation: {'; '.join(said)}."
    )
    return Chart("one-shot", AT_END, noted(caption, found.notes, trials.source), figure)


def by_epoch(trials: Trials) -> Chart:
    """A line per budget. NotEnoughData: no budget has enough trials, or no epoch has its cell."""
    found = one_shot_correlation(trials.source)
    figure = go.Figure()
    for place, budget in enumerate(found.budgets):
        if not len(budget.epochs):
            continue
        colour, name = style.budget_colour(place), epochs(budget.budget)
        x = style.numbers(budget.epochs)
        low = style.numbers(one.low for one in budget.by_epoch)
        high = style.numbers(one.high for one in budget.by_epoch)
        figure.add_traces(style.band(x, low, high, colour, legendgroup=name))
        figure.add_scatter(
            name=name,
            legendgroup=name,
            x=x,
            y=style.numbers(one.rho for one in budget.by_epoch),
            mode="lines+markers",
            line={"color": colour, "width": 2},
            marker=style.budget_marker(place) | {"size": 6},
            hovertext=[
                f"<b>{name}</b>, after epoch {epoch:g}<br>{_words(one)}"
                for epoch, one in zip(budget.epochs, budget.by_epoch, strict=True)
            ],
            hoverinfo="text",
        )

    figure.add_hline(y=0, line={"color": style.QUIET, "width": 1, "dash": "dot"})
    figure.update_layout(
        xaxis={"title": {"text": "epoch"}},
        yaxis={"title": {"text": "Spearman's rank correlation"}, "range": [-1.05, 1.05]},
        hovermode="closest",
    )

    caption = (
        "Over the trials of a budget, between the one-shot validation error after each epoch and "
        "the test error of the cell that the search would end with then; 95 % intervals. At 0 the "
        "supernet says nothing about the cell."
    )
    return Chart("one-shot-epochs", BY_EPOCH, noted(caption, found.notes, trials.source), figure)


def _words(correlation: RankCorrelation) -> str:
    if math.isnan(correlation.rho):
        return f"none, as one side is constant (n = {correlation.n})"
    return (
        f"{correlation.rho:+.2f} ({correlation.low:+.2f} to {correlation.high:+.2f}, "
        f"n = {correlation.n})"
    )
