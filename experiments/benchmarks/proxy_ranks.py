"""Whether configurations rank at the size of `cifar10-small` as at twice the channels.

Configurations are drawn from the study's configuration space, the default first, and each is
searched with the same seeds at both sizes. Printed are the mean test regret in points of each, and
the rank correlations between the sizes of these means, with bootstrap intervals over seeds. Those
of two halves of the seeds at one size say what correlation noise alone leaves. Finished searches
are lines of a file, so that the command can be stopped and run again.

    OMP_NUM_THREADS=1 python -m oneshot_hpo.experiments.benchmarks.proxy_ranks --processes 2
"""

from __future__ import annotations

import argparse
import dataclasses
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from scipy.stats import spearmanr

from oneshot_hpo.experiments.benchmarks.finished_rows import append_row, read_rows
from oneshot_hpo.experiments.study.completion import complete
from oneshot_hpo.experiments.study.specification import StudySpec
from oneshot_hpo.experiments.study.trial import TrialTask, search_cell
from oneshot_hpo.experiments.study.validation import load_study
from oneshot_hpo.hpo.plain import plain
from oneshot_hpo.searchers.registry import settings_class

_RESAMPLES = 2_000

Run = tuple[int, int, int]
"""Number of the configuration, factor of the channels, seed."""


def main() -> None:
    """Runs what is missing, and prints the regrets and their rank correlations."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--study", default="cifar10-small")
    parser.add_argument("--configurations", type=int, default=8)
    parser.add_argument("--factor", type=int, default=2, help="of the channels")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--results", type=Path, default=Path("proxy-ranks.jsonl"))
    arguments = parser.parse_args()

    spec = complete(load_study(arguments.study), arguments.study)
    configs = drawn(spec, arguments.configurations)
    factors, seeds = (1, arguments.factor), range(arguments.seeds)
    runs: list[Run] = [(n, f, s) for s in seeds for f in factors for n in range(len(configs))]

    found = finished(arguments.results)
    with ProcessPoolExecutor(arguments.processes) as pool:
        under_way = [
            pool.submit(searched, arguments.study, run, configs[run[0]])
            for run in runs
            if run not in found
        ]
        for future in as_completed(under_way):
            append_row(arguments.results, future.result())

    found = finished(arguments.results)
    small, large = (
        np.array([[found[n, factor, s] for s in seeds] for n in range(len(configs))])
        for factor in factors
    )
    _print(spec, configs, small, large, arguments.factor)


def drawn(spec: StudySpec, count: int) -> list[dict[str, Any]]:
    """The default configuration of a complete study, and others drawn by its seed."""
    space = spec.configuration_space()
    space.seed(spec.seed)
    own = [plain(dict(space.get_default_configuration()))]
    return own + [plain(dict(space.sample_configuration())) for _ in range(count - 1)]


def searched(study: str, run: Run, config: dict[str, Any]) -> dict[str, Any]:
    """One search: a line of the file."""
    _, factor, seed = run
    spec = complete(load_study(study), study)
    settings = settings_class(spec.searcher)().with_config(spec.search)
    settings = settings.with_config({"channels": factor * settings.channels})
    task = TrialTask(
        searcher=spec.searcher,
        settings=dataclasses.asdict(settings),
        config=config,
        space=spec.required_space,
        dataset=spec.required_dataset,
        table=spec.table,
        budget=spec.max_budget,
        seed=seed,
        folder=None,
    )
    return {"run": run, "regret": 100 * search_cell(task).reported("regret")}


def finished(path: Path) -> dict[Run, float]:
    """Regrets of finished searches."""
    return read_rows(path, lambda row: (tuple(row["run"]), row["regret"]))


def rank_correlation(
    small: NDArray[np.float64], large: NDArray[np.float64]
) -> tuple[float, float, float]:
    """Spearman's coefficient of mean regrets (configurations, seeds), and 95 % over seeds.

    NaN where all means at a size are equal.
    """
    value = _spearman(small.mean(1), large.mean(1))
    if np.isnan(value):
        return value, value, value

    rng = np.random.default_rng(0)
    again = []
    for _ in range(_RESAMPLES):
        places = rng.integers(0, small.shape[1], small.shape[1])
        again.append(_spearman(small[:, places].mean(1), large[:, places].mean(1)))
    low, high = np.nanquantile(again, (0.025, 0.975))
    return value, float(low), float(high)


def _spearman(one: NDArray[np.float64], two: NDArray[np.float64]) -> float:
    """NaN where all values of one are equal."""
    if np.ptp(one) == 0 or np.ptp(two) == 0:
        return float("nan")
    return float(spearmanr(one, two).statistic)


def _print(
    spec: StudySpec,
    configs: list[dict[str, Any]],
    small: NDArray[np.float64],
    large: NDArray[np.float64],
    factor: int,
) -> None:
    channels = settings_class(spec.searcher)().with_config(spec.search).channels
    table = Table("configuration", f"{channels} channels", f"{factor * channels} channels")
    for config, one, two in zip(configs, small.mean(1), large.mean(1), strict=True):
        words = ", ".join(f"{name} {value:.3g}" for name, value in config.items())
        table.add_row(words, f"{one:.2f}", f"{two:.2f}")

    console = Console()
    seeds = small.shape[1]
    console.print(f"{spec.name}, {spec.max_budget:g} epochs, {seeds} seeds: test regret in points")
    console.print(table)
    value, low, high = rank_correlation(small, large)
    console.print(f"rank correlation {value:.2f} (95 % over seeds: {low:.2f} to {high:.2f})")
    if seeds > 1:
        for regrets, size in ((small, channels), (large, factor * channels)):
            halves = _spearman(regrets[:, ::2].mean(1), regrets[:, 1::2].mean(1))
            console.print(f"of two halves of the seeds at {size} channels: {halves:.2f}")


if __name__ == "__main__":
    main()
