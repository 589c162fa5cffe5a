"""The page of a grid: ranks of its methods, effects of tuning, one table."""

from __future__ import annotations

import math
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
import plotly.graph_objects as go

from oneshot_hpo.experiments.compare.method_ranks import MethodRanks
from oneshot_hpo.experiments.compare.units import points
from oneshot_hpo.experiments.errors import NotEnoughData
from oneshot_hpo.experiments.files import check_own_files
from oneshot_hpo.experiments.grids.running import opened_grid
from oneshot_hpo.experiments.numbers.grid_results import GridResults, GridStudy, grid_results
from oneshot_hpo.experiments.pages.chart import Chart, Group, NoChart, plain
from oneshot_hpo.experiments.pages.page import check_replaceable, render, write_page
from oneshot_hpo.experiments.pages.table import Cell, Column, Row, Table
from oneshot_hpo.experiments.pages.values import NOTHING, moment
from oneshot_hpo.experiments.report.reporting import PAGE

RANKS, EFFECTS = "Mean ranks of the methods", "What tuning brought"


def write_grid_report(folder: Path, out: Path | None = None) -> Path:
    """Write the page of a grid; returns its path, `PAGE` in the grid's folder or `out`.

    UserError: no study has a result yet, or the page cannot be written.
    """
    grid = opened_grid(folder)
    if out is None:
        check_own_files(folder, [PAGE.parts[0]])
    path = folder / PAGE if out is None else out
    check_replaceable(path)

    results = grid_results(grid, folder)
    text = render(
        "oneshot_hpo.experiments.report",
        "grid.html.jinja",
        has_charts=True,
        name=grid.name,
        folder=folder,
        done=f"{len(results.studies)} of {len(grid.members)} studies have a result",
        basis=basis_words(results),
        charts=Group("", [ranks_chart(results), effects_chart(results)]),
        table=results_table(results),
        left_out=results.left_out,
        written=moment(time.time()),
        version=version("oneshot-hpo"),
    )
    write_page(path, text)
    return path


def basis_words(results: GridResults) -> str:
    """What the numbers are, in a sentence."""
    if results.confirmed:
        return (
            "A study's result is the median test regret of its tuned configuration over fresh "
            "seeds."
        )
    return (
        "Not all studies are confirmed: a study's result is the test regret of one search, that of "
        "its incumbent. Nothing is tested, and other seeds may order the methods otherwise."
    )


def ranks_chart(results: GridResults) -> Chart | NoChart:
    """Mean ranks with bars of half the critical difference: those that do not overlap differ."""
    try:
        ranks = results.ranks
    except NotEnoughData as reason:
        return NoChart("ranks", RANKS, f"{str(reason).capitalize()}.")
    figure = go.Figure(
        go.Scatter(
            x=ranks.ranks.tolist(),
            y=[plain(name) for name in ranks.methods],
            mode="markers+text",
            text=[f"{rank:.2f}" for rank in ranks.ranks],
            textposition="top center",
            marker={"size": 10, "color": "#0072b2"},
            error_x={"type": "constant", "value": (ranks.critical_difference or 0.0) / 2},
            hovertemplate="%{y}: mean rank %{x:.2f}<extra></extra>",
        )
    )
    figure.update_layout(
        xaxis={"title": "mean rank, 1 is the best"},
        yaxis={"type": "category", "range": [len(ranks.methods) - 0.5, -0.8]},
    )
    height = 140 + 44 * len(ranks.methods)
    return Chart("ranks", RANKS, ranks_words(ranks), figure, height=height)


def ranks_words(ranks: MethodRanks) -> str:
    """What the ranks show, in sentences."""
    over = "1 condition" if ranks.conditions == 1 else f"{ranks.conditions} conditions"
    words = f"Over {over} (space, data and seed) in which every method has a result."
    if ranks.p_value is not None:
        p_value = "< 0.001" if ranks.p_value < 0.001 else f"= {ranks.p_value:.3f}"
        words += f" Friedman's test: p {p_value}."
    if ranks.critical_difference is None:
        return f"{words} One condition shows no difference of ranks."
    words += (
        f" Two methods differ at level 5 % where their ranks are more than "
        f"{ranks.critical_difference:.2f} apart (Nemenyi's critical difference): their bars do not "
        "overlap then"
    )
    best, *others = ranks.methods
    beaten = [
        name
        for name, rank in zip(others, ranks.ranks[1:], strict=True)
        if rank - ranks.ranks[0] > ranks.critical_difference
    ]
    if beaten:
        return f"{words}. {best} is better than {', '.join(beaten)}."
    return f"{words}. None is shown to be worse than {best}."


def effects_chart(results: GridResults) -> Chart | NoChart:
    """A heat map of the default's regret minus the tuned one's, by method and place."""
    cells = [
        [results.cell(method, place) for place in results.places] for method in results.methods
    ]
    gains = [[_mean_gain(cell) for cell in row] for row in cells]
    known = [abs(gain) for row in gains for gain in row if gain is not None]
    if not known:
        reason = "No study has a default to compare with."
        return NoChart("effects", EFFECTS, reason)
    most = 100 * max(known) or 1.0
    figure = go.Figure(
        go.Heatmap(
            x=[plain(place) for place in results.places],
            y=[plain(method) for method in results.methods],
            z=[[None if gain is None else 100 * gain for gain in row] for row in gains],
            text=[[effect_words(cell) for cell in row] for row in cells],
            texttemplate="%{text}",
            hovertemplate="%{y}, %{x}: %{text}<extra></extra>",
            zmin=-most,
            zmax=most,
            colorscale=[[0, "#b2182b"], [0.5, "#d9dbde"], [1, "#2166ac"]],
            showscale=False,
            xgap=3,
            ygap=3,
        )
    )
    figure.update_layout(
        xaxis={"type": "category", "showgrid": False},
        yaxis={"type": "category", "showgrid": False, "autorange": "reversed"},
    )
    caption = (
        "Test regret of the default minus that of the tuned configuration, in percentage points, "
        "mean over seeds; above 0 tuning helped."
    )
    if results.confirmed:
        caption += " Behind it: studies in which it is better, worse, or no difference is shown."
    return Chart("effects", EFFECTS, caption, figure, height=140 + 60 * len(results.methods))


def _mean_gain(cell: list[GridStudy]) -> float | None:
    """The mean gain over seeds; None without one, or where most searches crashed."""
    gains = [one.gain for one in cell if one.gain is not None]
    return float(np.mean(gains)) if gains and all(map(math.isfinite, gains)) else None


def effect_words(cell: list[GridStudy]) -> str:
    """The effect in a cell: "+1.20 (2 better, 1 not shown)"."""
    if not cell:
        return ""
    gain = _mean_gain(cell)
    words = "crashes" if gain is None else f"{100 * gain:+.2f}"
    verdicts = [one.comparison.verdict for one in cell if one.comparison is not None]
    counts = [
        f"{verdicts.count(verdict)} {verdict}"
        for verdict in ("better", "worse", "not shown")
        if verdict in verdicts
    ]
    return f"{words} ({', '.join(counts)})" if counts else words


def results_table(results: GridResults) -> Table:
    """Methods by place: mean and deviation over seeds, in percentage points."""
    rows = [
        Row([Cell(method), *(_value(results.cell(method, place)) for place in results.places)])
        for method in results.methods
    ]
    columns = [Column("method"), *(Column(place, numeric=True) for place in results.places)]
    caption = "Test regret by method and condition, mean and deviation over seeds, in points"
    return Table("grid-table", caption, columns, rows)


def _value(cell: list[GridStudy]) -> Cell:
    if not cell:
        return NOTHING
    values = np.array([one.value for one in cell])
    if not np.isfinite(values).all():
        return Cell("crash", math.inf)
    words = points(float(values.mean()))
    if len(values) > 1:
        words += f" ± {points(float(values.std(ddof=1)))}"
    return Cell(f"{words} ({len(values)})", float(values.mean()))
