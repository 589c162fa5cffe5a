"""Whether small budgets rank configurations as large ones do."""

from __future__ import annotations

import math

import plotly.graph_objects as go

from oneshot_hpo.experiments.numbers.budgets import BudgetRanks, budget_ranks, promotion_cost
from oneshot_hpo.experiments.numbers.rank_correlation import LEAST, RankCorrelation
from oneshot_hpo.experiments.numbers.rung_agreement import silent_words
from oneshot_hpo.experiments.objectives.section import plural
from oneshot_hpo.experiments.pages import chart_style as style
from oneshot_hpo.experiments.pages.chart import Chart
from oneshot_hpo.experiments.pages.values import epochs
from oneshot_hpo.experiments.study.opened import OpenedStudy

TITLE = "Rank correlation between budgets"


def chart(study: OpenedStudy) -> Chart:
    """A heat map of pairs of budgets. NotEnoughData: no pair shares enough configurations."""
    ranks = budget_ranks(study)
    names = [epochs(budget) for budget in ranks.budgets]
    rows = [
        [one if place != row else None for place, one in enumerate(correlations)]
        for row, correlations in enumerate(ranks.correlations)
    ]

    figure = go.Figure(
        go.Heatmap(
            x=names,
            y=names,
            z=[[None if one is None else _rho(one) for one in row] for row in rows],
            text=[["" if one is None else _text(one) for one in found] for found in rows],
            texttemplate="%{text}",
            hovertext=[[_interval(one) for one in correlations] for correlations in rows],
            hovertemplate="%{y} and %{x}%{hovertext}<extra></extra>",
            zmin=-1,
            zmax=1,
            colorscale=[[0, "#b2182b"], [0.5, "#d9dbde"], [1, "#2166ac"]],
            showscale=False,
            xgap=3,
            ygap=3,
        )
    )

    for row, correlations in enumerate(ranks.correlations):
        for place, one in enumerate(correlations):
            if place == row or math.isnan(one.rho):  # on the page's background, in its text colour
                figure.add_annotation(
                    x=names[place], y=names[row], text=f"n = {one.n}", showarrow=False
                )

    figure.update_layout(
        xaxis={"type": "category", "showgrid": False},
        yaxis={"type": "category", "showgrid": False, "autorange": "reversed"},
    )

    caption = (
        f"Spearman's rank correlation of the {plural(ranks.measure)} of configurations that were "
        f"evaluated at both budgets (n of them, at least {LEAST}). These were promoted, and ranks "
        "agree less among promoted configurations than among all."
    )
    if ranks.crashed:
        caption += f" {ranks.crashed} evaluations among them crashed and rank last."
    caption += _promotion_words(study, ranks)
    return Chart("budgets", TITLE, caption, figure, height=360)


def _promotion_words(study: OpenedStudy, ranks: BudgetRanks) -> str:
    """What the ranks say of the largest budget's, and what promoted trials cost."""
    silent = silent_words(ranks.with_largest, ranks.budgets[-1])
    words = "" if silent is None else f" Among promoted ones, {silent[0].lower()}{silent[1:]}"

    cost = promotion_cost(study)
    if cost.saved:
        share = cost.saved / (cost.spent + cost.saved)
        words += (
            f" Promoted trials went on where the ones below ended, which saved {cost.saved:,.0f} "
            f"epochs ({share:.0%})."
        )
    elif cost.repeated:
        words += (
            f" Promoted trials began again: {cost.repeated:,.0f} of {cost.spent:,.0f} epochs "
            f"({cost.repeated / cost.spent:.0%}) had been run before. Whether to continue instead "
            "(promotion: continue), oneshot-hpo analyze fidelity measures."
        )
    return words


def _rho(correlation: RankCorrelation) -> float | None:
    return style.numbers([correlation.rho])[0]


def _text(correlation: RankCorrelation) -> str:
    if math.isnan(correlation.rho):
        return ""
    return f"<b>{correlation.rho:+.2f}</b><br>n = {correlation.n}"


def _interval(correlation: RankCorrelation | None) -> str:
    if correlation is None or math.isnan(correlation.rho):
        return ""
    return f"<br>95 % interval {correlation.low:+.2f} to {correlation.high:+.2f}"
