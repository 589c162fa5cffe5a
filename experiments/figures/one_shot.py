"""One-shot error against the table's test error by budget, and their rank correlation by epoch."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from oneshot_hpo.experiments.figures.colours import budget_colour
from oneshot_hpo.experiments.figures.style import (
    GREY,
    budget_marker,
    legend_below,
    new_figure,
    plain_log,
    signed,
    whole_numbers,
)
from oneshot_hpo.experiments.numbers.one_shot import BudgetCorrelation, OneShotCorrelation
from oneshot_hpo.experiments.numbers.rank_correlation import RankCorrelation


def draw_one_shot(correlation: OneShotCorrelation) -> Figure:
    """A scatter plot a budget; below, the correlation over the epochs of each budget's trials."""
    budgets = correlation.budgets
    by_epoch = any(len(budget.epochs) > 1 for budget in budgets)
    figure = new_figure(4.4 if by_epoch else 2.3)
    grid = figure.add_gridspec(1 + by_epoch, len(budgets))
    panels: list[Axes] = []
    for column in range(len(budgets)):
        panels.append(figure.add_subplot(grid[0, column], sharey=panels[0] if panels else None))
    for rank, (ax, budget) in enumerate(zip(panels, budgets, strict=True)):
        _scatter(ax, budget, rank, len(budgets))
    for ax in panels[1:]:
        ax.tick_params(labelleft=False)
    panels[0].set_ylabel("test error of the cell (%)")
    plain_log(panels[0].yaxis)
    if by_epoch:
        below = figure.add_subplot(grid[1, :])
        _epochs(below, budgets)
        legend_below(figure, below)
    return figure


def _scatter(ax: Axes, budget: BudgetCorrelation, rank: int, count: int) -> None:
    ax.scatter(
        100 * budget.one_shot_error,
        100 * budget.test_error,
        s=16,
        marker=budget_marker(rank),
        color=budget_colour(rank, count),
        edgecolor="black",
        linewidth=0.4,
    )
    ax.set_xscale("log")
    ax.set_yscale("log")
    plain_log(ax.xaxis, 6)
    ax.set_xlabel("one-shot error (%)")
    ax.grid(which="major")
    crashed = f", {budget.crashed} crashed" if budget.crashed else ""
    trials = f"{budget.budget:g} epochs (n = {budget.at_end.n}{crashed})"
    ax.set_title(f"{trials}\n{words(budget.at_end)}", fontsize=7.5)


def words(correlation: RankCorrelation) -> str:
    """The coefficient with its interval."""
    if np.isnan(correlation.rho):
        return "no ranks: all errors are equal"
    low, high = signed(correlation.low), signed(correlation.high)
    return f"ρ = {signed(correlation.rho)} [{low}, {high}]"


def _epochs(ax: Axes, budgets: list[BudgetCorrelation]) -> None:
    for rank, budget in enumerate(budgets):
        if not len(budget.epochs):
            continue
        colour = budget_colour(rank, len(budgets))
        rho, low, high = np.array([(c.rho, c.low, c.high) for c in budget.by_epoch]).T
        ax.fill_between(budget.epochs, low, high, color=colour, alpha=0.16, linewidth=0)
        ax.plot(
            budget.epochs,
            rho,
            color=colour,
            marker=budget_marker(rank),
            markersize=4,
            markeredgecolor="black",
            markeredgewidth=0.4,
            markevery=max(1, len(rho) // 12),
            label=f"trials with {budget.budget:g} epochs (n = {budget.by_epoch[0].n})",
        )
    ax.axhline(0, color=GREY, linewidth=0.8)
    ax.set_ylim(-1, 1)
    ax.set_xlabel("epoch of the search")
    whole_numbers(ax.xaxis)
    ax.set_ylabel("rank correlation ρ\n(95 % interval)")
    ax.grid(which="major")
