"""What the quickstart's rate and warm-up of the architecture do, beside the searcher's own.

Each seed is searched with the settings of the shipped study `quickstart`, which has
`arch_learning_rate: scaled` and a warm-up, and with the rate and the warm-up that the searcher has
by default; both at some learning rates of the weights, which the study tunes. Printed are the
largest probability of a choice at the end, a mean over all choices (a third or less is uniform),
and the test regret of the cells found in points, with bootstrap intervals of the means and of the
paired difference. Finished searches are lines of a file, so that the command can be stopped and run
again.

    OMP_NUM_THREADS=1 python -m oneshot_hpo.experiments.benchmarks.architecture_rate --processes 2
"""

from __future__ import annotations

import argparse
import dataclasses
import tempfile
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from oneshot_hpo.experiments.benchmarks.finished_rows import append_row, read_rows
from oneshot_hpo.experiments.study.trial import TrialTask, search_cell
from oneshot_hpo.experiments.study.validation import load_study
from oneshot_hpo.searchers.checkpoint import load_checkpoint
from oneshot_hpo.searchers.registry import settings_class

STUDY = "quickstart"
_RESAMPLES = 10_000

Run = tuple[str, int, float, int, bool]
"""Searcher, epochs, learning rate of the weights, seed, whether it has the study's settings."""


def main() -> None:
    """Runs what is missing, and prints a row for each searcher and rate."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--searchers", default="darts,gdas")
    parser.add_argument("--epochs", type=int, default=load_study(STUDY).max_budget)
    parser.add_argument("--learning-rates", default="0.025,0.1")
    parser.add_argument("--seeds", type=int, default=30)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--results", type=Path, default=Path("architecture-rate.jsonl"))
    arguments = parser.parse_args()

    cases = [
        (name, arguments.epochs, float(rate))
        for name in arguments.searchers.split(",")
        for rate in arguments.learning_rates.split(",")
    ]
    seeds = range(arguments.seeds)
    runs: list[Run] = [
        (*case, seed, studys) for case in cases for seed in seeds for studys in (False, True)
    ]
    found = _finished(arguments.results)
    with ProcessPoolExecutor(arguments.processes) as pool:
        under_way = [pool.submit(searched, run) for run in runs if run not in found]
        for future in as_completed(under_way):
            append_row(arguments.results, future.result())

    found = _finished(arguments.results)
    table = Table("searcher", "l. rate", "arch. rate", "largest probability", "regret", "gain")
    for case in cases:
        own, study = ([found[*case, seed, studys] for seed in seeds] for studys in (False, True))
        regrets = [np.array([100 * line["regret"] for line in rows]) for rows in (own, study)]
        for rows, regret, is_study in zip((own, study), regrets, (False, True), strict=True):
            table.add_row(
                case[0],
                f"{case[2]:g}",
                f"{rows[0]['rate']:.3g}",
                _interval(np.array([line["probability"] for line in rows])),
                _interval(regret),
                _interval(regrets[0] - regrets[1]) if is_study else "",
            )

    console = Console()
    console.print(f"digits, space 1, {arguments.epochs} epochs, {arguments.seeds} seeds: means")
    console.print(table)


def searched(run: Run) -> dict[str, Any]:
    """One search: a line of the file."""
    name, epochs, learning_rate, seed, studys = run
    spec, own = load_study(STUDY), settings_class(name)()
    settings = own.with_config(spec.search | {"learning_rate": learning_rate})
    if not studys:
        learnt = ("arch_learning_rate", "warmup_share")
        settings = settings.with_config({key: getattr(own, key) for key in learnt})
    with tempfile.TemporaryDirectory() as folder:
        task = TrialTask(
            searcher=name,
            settings=dataclasses.asdict(settings),
            config={},
            space=spec.space,
            dataset=spec.dataset,
            table=spec.table,
            budget=epochs,
            seed=seed,
            folder=Path(folder),
        )
        outcome = search_cell(task)
        state = load_checkpoint(Path(folder))
    assert state is not None
    largest = [alpha.softmax(-1).amax(-1).flatten() for alpha in state["searcher"]["alphas"]]
    values = [float(value) for part in largest for value in part]
    return {
        "run": run,
        "rate": state["searcher"]["optimizer"]["param_groups"][0]["lr"],
        "probability": sum(values) / len(values),
        "regret": outcome.reported("regret"),
    }


def _finished(path: Path) -> dict[Run, dict[str, Any]]:
    """Rows of the file by their run."""
    return read_rows(path, lambda row: (tuple(row["run"]), row))


def _interval(values: np.ndarray) -> str:
    """Mean and 95 % bootstrap interval."""
    rng = np.random.default_rng(0)
    means = rng.choice(values, (_RESAMPLES, len(values))).mean(1)
    low, high = np.quantile(means, (0.025, 0.975))
    return f"{values.mean():.2f} ({low:.2f} to {high:.2f})"


if __name__ == "__main__":
    main()
