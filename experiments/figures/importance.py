"""Importance of hyperparameters, a group of bars each, a bar a budget."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from oneshot_hpo.experiments.figures.colours import budget_colour
from oneshot_hpo.experiments.figures.style import legend_below, new_figure, signed
from oneshot_hpo.experiments.numbers.importance import BudgetImportance, Importance


def draw_importance(importance: Importance) -> Figure:
    """The most important one at the largest budget on top; bars of a useless forest are empty."""
    names = [axis.name for axis in importance.axes]
    budgets = importance.budgets
    order = np.argsort(budgets[-1].importance.median, kind="stable")
    figure = new_figure(0.8 + 0.16 * len(budgets) + len(names) * (0.1 + 0.11 * len(budgets)))
    ax = figure.subplots()

    height = 0.8 / len(budgets)
    for rank, budget in enumerate(budgets):
        spread = budget.importance
        median, low, high = (100 * part[order] for part in (spread.median, spread.low, spread.high))
        colour = budget_colour(rank, len(budgets))
        ax.barh(
            np.arange(len(names)) + (rank - (len(budgets) - 1) / 2) * height,
            median,
            height * 0.9,
            xerr=(median - low, high - median),
            error_kw={"elinewidth": 0.8, "capsize": 2},
            color=colour if budget.explained > 0 else "white",
            edgecolor="black" if budget.explained > 0 else colour,
            linewidth=0.5 if budget.explained > 0 else 1.2,
            hatch=None if budget.explained > 0 else "////",
            label=forest_words(budget),
        )

    ax.set_yticks(range(len(names)), [names[i] for i in order])
    ax.set_xlim(0, None)
    ax.set_ylim(-0.5, len(names) - 0.5)
    ax.set_xlabel(f"share of the {importance.measure}'s variance that is its own (%)")
    ax.grid(axis="x")
    legend_below(figure, ax)
    return figure


def forest_words(budget: BudgetImportance) -> str:
    """A budget's trials and how much its forest knows, for legends."""
    crashed = f", {budget.crashed} crashed" if budget.crashed else ""
    known = f"R² = {signed(budget.explained)} on unseen trials"
    if budget.explained <= 0:
        known += ": no better than the mean"
    return f"{budget.budget:g} epochs (n = {budget.trials}{crashed}; {known})"
