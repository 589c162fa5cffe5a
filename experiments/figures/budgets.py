"""Rank correlation of losses between budgets, as a matrix with its numbers."""

from __future__ import annotations

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure

from oneshot_hpo.experiments.figures.style import new_figure, signed
from oneshot_hpo.experiments.numbers.budgets import BudgetRanks
from oneshot_hpo.experiments.objectives.section import plural


def draw_budgets(ranks: BudgetRanks) -> Figure:
    """Each pair of budgets once; on the diagonal, how many configurations a budget has."""
    count = len(ranks.budgets)
    side = 0.95 * count
    figure = new_figure(side + 0.75, side + 1.7)
    ax = figure.subplots()

    rho = np.array([[cell.rho for cell in row] for row in ranks.correlations])
    hidden = ~np.tri(count, k=-1, dtype=bool) | np.isnan(rho)
    map_ = colormaps["cividis"].with_extremes(bad="white")
    image = ax.imshow(np.ma.array(rho, mask=hidden), cmap=map_, vmin=-1, vmax=1)

    for i, row in enumerate(ranks.correlations):
        for j, cell in enumerate(row[: i + 1]):
            if i == j:
                text, colour = f"n = {cell.n}\nin all", "black"
            elif np.isnan(cell.rho):
                text, colour = f"n = {cell.n}\ntoo few", "black"
            else:
                ends = f"[{signed(cell.low)}, {signed(cell.high)}]"
                text = f"{signed(cell.rho)}\n{ends}\nn = {cell.n}"
                colour = "white" if cell.rho < 0.2 else "black"
            ax.text(j, i, text, ha="center", va="center", color=colour, fontsize=7)

    labels = [f"{budget:g}" for budget in ranks.budgets]
    ax.set_xticks(range(count), labels)
    ax.set_yticks(range(count), labels)
    ax.set_xlabel("epochs")
    ax.set_ylabel("epochs")
    ax.set_xticks(np.arange(count + 1) - 0.5, minor=True)
    ax.set_yticks(np.arange(count + 1) - 0.5, minor=True)
    ax.grid(which="minor", color="white", linewidth=1.5)
    ax.tick_params(which="both", length=0)
    ax.spines[:].set_visible(False)

    crashed = f"; crashes rank last ({ranks.crashed})" if ranks.crashed else ""
    ax.set_title(f"{plural(ranks.measure)} of configurations at two budgets{crashed}", fontsize=7.5)
    figure.colorbar(image, ax=ax, label="Spearman's ρ [95 % interval]", shrink=0.8)
    return figure
