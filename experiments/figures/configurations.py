"""Configurations as lines over parallel axes, ending at their validation errors."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from oneshot_hpo.experiments.figures.style import CRASH, legend_columns, new_figure
from oneshot_hpo.experiments.numbers.configurations import Configurations
from oneshot_hpo.experiments.objectives.section import axis_label

_CRASH_PLACE = 1.1
"""On the axis of errors, whose ends are 0 and 1."""

_INACTIVE = -0.08
"""Where a line passes the axis of a hyperparameter that its configuration does not have."""

_LIGHTEST = 0.9
"""Place of the worst on the colour map: lines beyond would fade on white."""

Array = NDArray[np.float64]


def draw_configurations(configurations: Configurations) -> Figure:
    """The better, the darker and the more in front; incumbent and default are marked."""
    budgets = sorted(set(configurations.budgets))
    losses = 100 * configurations.losses
    finite = losses[np.isfinite(losses)]
    ends = (float(finite.min()), float(finite.max())) if len(finite) else (1.0, 100.0)
    norm = _norm(*ends)

    names = [axis.name for axis in configurations.axes]
    figure = new_figure(3.1, max(4.5, min(9.0, 1.0 * (len(names) + 2))))
    ax = figure.subplots()

    rungs = np.array([_rung(budgets, budget) for budget in configurations.budgets])
    errors = np.where(np.isfinite(losses), norm(np.clip(losses, *ends)), _CRASH_PLACE)
    inactive = np.isnan(configurations.places)
    places = np.where(inactive, _INACTIVE, configurations.places)
    lines = np.column_stack([places, rungs, errors])
    _lines(ax, configurations, lines, errors)

    for place, axis in enumerate(configurations.axes):
        absent = [(_INACTIVE, "inactive")] if inactive[:, place].any() else []
        _axis(ax, place, [*absent, *axis.ticks])
    _axis(ax, len(names), [(_rung(budgets, budget), f"{budget:g}") for budget in budgets])
    values = _round_values(*ends, norm) if len(finite) else []
    ticks = [(float(norm(value)), f"{value:.3g}") for value in values]
    _axis(ax, len(names) + 1, ticks)

    if configurations.crashed.any():
        ax.text(len(names) + 1.05, _CRASH_PLACE, "crash", va="center", fontsize=7, color="#a04000")

    # Many names alternate between two heights, so that long ones do not overlap.
    lower = 0.08 if len(names) > 5 else 0.0
    below = _INACTIVE if inactive.any() else 0.0
    labels = [*names, "epochs", axis_label(configurations.measure).replace(" ", "\n", 1)]
    for place, label in enumerate(labels):
        ax.text(place, below - 0.06 - lower * (place % 2), label, ha="center", va="top")

    ax.set_xlim(-0.5, len(labels) - 0.5)
    ax.set_ylim(below - 0.16 - lower, 1.15 if configurations.crashed.any() else 1.03)
    ax.set_axis_off()
    _legend(figure, configurations)
    return figure


def _norm(low: float, high: float) -> Normalize:
    """Logarithmic where that is possible."""
    if low <= 0:
        return Normalize(low, max(high, low + 1e-9))
    return LogNorm(low, max(high, low * 1.001))


def _rung(budgets: list[float], budget: float) -> float:
    return budgets.index(budget) / max(1, len(budgets) - 1)


def _round_values(low: float, high: float, norm: Normalize) -> list[float]:
    """Both ends, and values of one digit between them that leave room for each other."""
    found = [low, high] if norm(high) - norm(low) > 0.05 else [low]
    powers = range(-3, 3)
    for value in sorted(
        (digit * 10.0**power for power in powers for digit in (1, 2, 5)), key=lambda v: abs(v)
    ):
        if low < value < high and all(abs(norm(value) - norm(f)) > 0.07 for f in found):
            found.append(value)
    return found


def _lines(ax: Axes, configurations: Configurations, lines: Array, errors: Array) -> None:
    colours = colormaps["cividis"]
    special = {configurations.default, configurations.incumbent}
    order = [row for row in np.argsort(-errors, kind="stable") if row not in special]
    places = np.arange(lines.shape[1])
    for row in order:
        crashed = configurations.crashed[row]
        ax.plot(
            places,
            lines[row],
            color=CRASH if crashed else colours(_LIGHTEST * float(errors[row])),
            linestyle=(0, (2, 2)) if crashed else "-",
            linewidth=0.9 if len(order) <= 60 else 0.7,
            alpha=min(0.85, max(0.35, 60 / len(order))),
        )
    for row, style in (
        (configurations.default, {"linestyle": (0, (4, 1.5)), "marker": "s"}),
        (configurations.incumbent, {"linestyle": "-", "marker": "o"}),
    ):
        if row is not None:
            colour = CRASH if configurations.crashed[row] else "black"
            ax.plot(places, lines[row], linewidth=2, markersize=4.5, color=colour, **style)


def _axis(ax: Axes, place: int, ticks: list[tuple[float, str]]) -> None:
    ax.plot([place, place], [0, 1], color="black", linewidth=0.8, zorder=4)
    for height, label in ticks:
        ax.plot([place - 0.02, place], [height, height], color="black", linewidth=0.8, zorder=4)
        ax.text(
            place - 0.03,
            height,
            label,
            ha="right",
            va="center",
            fontsize=6.5,
            zorder=5,
            bbox={"facecolor": "white", "alpha": 0.75, "edgecolor": "none", "pad": 0.6},
        )


def _legend(figure: Figure, configurations: Configurations) -> None:
    entries: list[tuple[str, dict[str, Any]]] = []
    if configurations.incumbent is not None and configurations.incumbent != configurations.default:
        entries.append(("incumbent", {"linestyle": "-", "marker": "o", "color": "black"}))
    if configurations.default is not None:
        words = "default"
        if configurations.default == configurations.incumbent:
            words += ", which is the incumbent"
        crashed = configurations.crashed[configurations.default]
        words += ", crashed" if crashed else ""
        colour = CRASH if crashed else "black"
        entries.append((words, {"linestyle": (0, (4, 1.5)), "marker": "s", "color": colour}))

    count = len(configurations.keys)
    crashed = int(configurations.crashed.sum())
    others = count - len({configurations.default, configurations.incumbent} - {None})
    if others - crashed > 0:
        entries.append(
            (
                f"others, dark for a low error (n = {count} in all)",
                {"color": colormaps["cividis"](0.5 * _LIGHTEST)},
            )
        )
    if crashed:
        entries.append((f"crashed ({crashed})", {"color": CRASH, "linestyle": (0, (2, 2))}))

    handles = [Line2D([], [], markersize=4.5, **style) for _, style in entries]
    names = [name for name, _ in entries]
    columns = legend_columns(names, figure.get_figwidth())
    figure.legend(handles, names, loc="outside lower center", ncols=columns)
