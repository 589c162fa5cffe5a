"""`oneshot-hpo analyze regularisation`: effects of regularisation over the epochs of a search.

The studies of NAS-Bench-1Shot1 (Zela et al., ICLR 2020, section 5): cutout, weight decay, learning
rate, first and second order, length of the search. The settings are those of the shipped ablation
studies; trajectories come from searches that this command runs, or from the folder of a grid that
`oneshot-hpo launch` ran.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from oneshot_hpo.experiments.analyze.inputs import pair_notes, table_and_space, words
from oneshot_hpo.experiments.analyze.planned_search import finished, run_one, share_done
from oneshot_hpo.experiments.analyze.publishing import AnalysisReport, publish
from oneshot_hpo.experiments.analyze.running import SEARCHES, Tasks, analysis_folder, run_tasks
from oneshot_hpo.experiments.analyze.trajectories import (
    Ablation,
    Plan,
    grid_ablations,
    plan_ablations,
    read_ablation,
)
from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.study.cell_errors import CellErrors
from oneshot_hpo.search_spaces import SpaceId, heading_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from rich.console import Console

NAME = "regularisation"


@dataclass(frozen=True)
class Verdict:
    """A setting compared with the reference by the test error of the cells found."""

    setting: str
    median: float
    low: float
    high: float
    """Median and quartiles over the seeds, in [0, 1]; infinite where crashes reach."""
    word: str
    """better, worse, not shown; "" for the reference itself."""
    p_value: float
    """For all of an ablation together; 1 for the reference."""


def analyse_regularisation(
    console: Console,
    *,
    grids: str,
    folder: Path,
    space: SpaceId,
    dataset: str,
    table: str,
    epochs: int,
    seeds: int,
    seed: int,
    overrides: Sequence[str],
    searchers: str,
    workers: int | None,
) -> AnalysisReport:
    """Read the folders of grids, run the searches of shipped ones, and publish.

    grids: folders, or names of shipped ablation studies, with commas. searchers: those of shipped
    studies that are run, with commas. UserError, or another of this project's errors: bad input;
    nothing is written then.
    """
    found: list[Ablation] = []
    plans: list[Plan] = []
    for word in words(grids, "GRIDS"):
        if Path(word).is_dir():
            found += grid_ablations(Path(word), space)
        else:
            table_and_space(table, space)
            plans += plan_ablations(
                word, space, dataset, epochs, seeds, seed, overrides, words(searchers, "--searcher")
            )

    with analysis_folder(folder):
        if plans:
            _run_searches(console, folder, plans, workers)
            cells = CellErrors(table, space)
            found += [read_ablation(plan, folder / SEARCHES, cells) for plan in plans]

        notes = pair_notes(dataset, table) if plans else []
        return publish(
            folder / NAME,
            rows(space, found),
            lambda: draw(space, found),
            [*notes, *(sentence(space, one) for one in found)],
        )


def _run_searches(
    console: Console, folder: Path, plans: Sequence[Plan], workers: int | None
) -> None:
    """Run the searches of all plans that have not finished; a search in several runs once."""
    home = folder / SEARCHES
    searches = {one.name: one for plan in plans for one in plan.searches}
    tasks: Tasks = {
        name: (run_one, search, home / name)
        for name, search in searches.items()
        if not finished(home / name)
    }

    def share(name: str) -> float:
        return share_done(searches[name], home / name)

    run_tasks(console, folder, tasks, workers, f"{len(searches)} searches", len(searches), share)


def verdicts(ablation: Ablation) -> list[Verdict]:
    """Each setting compared with the reference: paired by seed, 5 % for all of an ablation."""
    from oneshot_hpo.experiments.compare.statistics import Question, compare_all

    ends = [setting.final_test_errors for setting in ablation.settings]
    reference = ablation.reference
    questions = [
        Question(*_paired(end, ends[reference]), paired=True)
        for place, end in enumerate(ends)
        if place != reference
    ]
    comparisons = iter(compare_all(questions, seed=0))
    found = []
    for place, setting in enumerate(ablation.settings):
        spread = setting.test
        compared = None if place == reference else next(comparisons)
        found.append(
            Verdict(
                setting.label,
                float(spread.median[-1]),
                float(spread.low[-1]),
                float(spread.high[-1]),
                "" if compared is None else compared.verdict,
                1.0 if compared is None else compared.p_value,
            )
        )
    return found


def sentence(space: SpaceId, ablation: Ablation) -> str:
    """The test errors that each setting ends with, and whether they differ from the reference's."""
    from oneshot_hpo.experiments.compare.rank_tests import ALPHA

    seeds = sorted({len(setting.seeds) for setting in ablation.settings})
    parts = []
    for one in verdicts(ablation):
        text = f"{one.setting} {_percent(one.median)} ({_percent(one.low)} to {_percent(one.high)})"
        word = "a difference is not shown" if one.word == "not shown" else one.word
        verdict = f"{word} (p = {one.p_value:.2g})" if word else "the reference"
        parts.append(f"{text}: {verdict}")

    few = ""
    if 2 * (len(parts) - 1) / 2 ** seeds[-1] >= ALPHA:
        few = " With this few seeds the test can show no difference, however large."
    crashed = sum(setting.crashed for setting in ablation.settings)
    return (
        f"{heading_of(space)}, {ablation.name}: test error of the cell that a search ends with, "
        f"median (quartiles) of {'-'.join(map(str, seeds))} seeds, and Wilcoxon's test by seed at "
        f"5 % for all together: {'; '.join(parts)}.{few}"
        + (f" {crashed} searches crashed; they count as the worst." if crashed else "")
    )


def rows(space: SpaceId, found: Sequence[Ablation]) -> list[dict[str, Any]]:
    """A row for each setting and epoch, for the CSV: medians and quartiles over the seeds.

    The verdict is that of the cells at the end.
    """
    table = []
    for ablation in found:
        for setting, verdict in zip(ablation.settings, verdicts(ablation), strict=True):
            test = {float(x): i for i, x in enumerate(setting.test.x)}
            for i, epoch in enumerate(setting.one_shot.x):
                row: dict[str, Any] = {
                    "space": space,
                    "study": ablation.name,
                    "setting": setting.label,
                    "epoch": int(epoch),
                    "seeds": len(setting.seeds),
                    "crashed": setting.crashed,
                }
                for name, spread, at in (
                    ("one_shot_error", setting.one_shot, i),
                    ("test_error", setting.test, test.get(float(epoch))),
                ):
                    for part in ("median", "low", "high"):
                        value = "" if at is None else float(getattr(spread, part)[at])
                        row[f"{name}_{part}"] = value
                row |= {"verdict": verdict.word, "p_value": verdict.p_value}
                table.append(row)
    return table


def draw(space: SpaceId, found: Sequence[Ablation]) -> Figure:
    """A row for each ablation: one-shot validation error, the table's test error of the cell."""
    from oneshot_hpo.experiments.figures.style import new_figure

    figure = new_figure(2.3 * len(found) + 0.3)
    axes = figure.subplots(len(found), 2, squeeze=False)
    for (left, right), ablation in zip(axes, found, strict=True):
        _draw(left, ablation, "one_shot")
        _draw(right, ablation, "test")
        left.set_ylabel(f"{ablation.name}\nerror (%)")
        right.legend(loc="center left", bbox_to_anchor=(1, 0.5), handlelength=2.2)
    axes[0, 0].set_title("one-shot validation error")
    axes[0, 1].set_title("test error of the cell, by the table")
    for ax in axes[-1]:
        ax.set_xlabel("epoch of the search")
    figure.suptitle(f"{heading_of(space)}, median and quartiles over seeds", fontsize=8)
    return figure


def _draw(ax: Axes, ablation: Ablation, name: str) -> None:
    from oneshot_hpo.experiments.figures.colours import BUDGET_MARKERS, budget_colour
    from oneshot_hpo.experiments.figures.style import MARKERS, plain_log, whole_numbers

    count = len(ablation.settings)
    for rank, setting in enumerate(ablation.settings):
        spread = getattr(setting, name)
        shown = np.isfinite(spread.median)
        colour = budget_colour(rank, count)
        ax.plot(
            spread.x[shown],
            100 * spread.median[shown],
            color=colour,
            marker=MARKERS[BUDGET_MARKERS[rank % len(BUDGET_MARKERS)]],
            markersize=3.5,
            markevery=max(1, len(spread.x) // 6),
            linewidth=1.3,
            label=f"{setting.label} (n = {len(setting.seeds)})",
        )
        top = np.minimum(100 * spread.high, 100)
        ax.fill_between(spread.x, 100 * spread.low, top, color=colour, alpha=0.15, linewidth=0)
    ax.set_yscale("log")
    plain_log(ax.yaxis)
    whole_numbers(ax.xaxis)
    ax.grid(which="major")


def _paired(one: dict[int, float], other: dict[int, float]) -> tuple[np.ndarray, np.ndarray]:
    """Values of the seeds that both have. UserError: none."""
    both = sorted(one.keys() & other.keys())
    if not both:
        raise UserError("two settings have no seed in common: confirm both by the same seeds")
    return np.array([one[s] for s in both]), np.array([other[s] for s in both])


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %" if np.isfinite(share) else "a crash"
