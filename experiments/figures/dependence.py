"""Partial dependence of the validation error on each hyperparameter, a line a budget."""

from __future__ import annotations

from matplotlib.figure import Figure

from oneshot_hpo.experiments.figures.colours import budget_colour
from oneshot_hpo.experiments.figures.importance import forest_words
from oneshot_hpo.experiments.figures.style import GREY, budget_marker, legend_below, new_figure
from oneshot_hpo.experiments.numbers.importance import Importance
from oneshot_hpo.experiments.objectives.section import axis_label

_COLUMNS = 3


def draw_dependence(importance: Importance) -> Figure:
    """A panel a hyperparameter; the dotted line is the default, dashes are of useless forests."""
    names = importance.axes
    columns = min(_COLUMNS, len(names))
    rows = -(-len(names) // columns)
    figure = new_figure(0.5 + 1.75 * rows + 0.16 * len(importance.budgets))
    panels = figure.subplots(rows, columns, sharey=True, squeeze=False)

    for place, ax in enumerate(panels.flat):
        if place >= len(names):
            ax.set_axis_off()
            continue

        axis = names[place]
        for rank, budget in enumerate(importance.budgets):
            spread = budget.dependence[place]
            colour = budget_colour(rank, len(importance.budgets))
            ax.plot(
                spread.x,
                100 * spread.median,
                color=colour,
                linestyle="-" if budget.explained > 0 else (0, (3, 1.5)),
                marker=budget_marker(rank),
                markevery=(3 * rank, 13),
                markersize=4,
                markeredgecolor="black",
                markeredgewidth=0.4,
                label=forest_words(budget),
            )
            low, high = 100 * spread.low, 100 * spread.high
            ax.fill_between(spread.x, low, high, color=colour, alpha=0.2, linewidth=0)

        default = importance.default[place]
        ax.axvline(default, color=GREY, linestyle=":", linewidth=1.2, label="default")
        ax.set_xlim(-0.03, 1.03)
        ax.set_xticks(*zip(*axis.ticks, strict=True))
        ax.set_xlabel(axis.name)
        ax.grid(which="major")
        if place % columns == 0:
            ax.set_ylabel(f"predicted\n{axis_label(importance.measure)}")

    legend_below(figure, panels[0, 0])
    return figure
