"""Time of one BOHB proposal: HpBandSter's CG_BOHB against the vectorised generator.

Both have the same observations, run by turns in the same process, and always propose from their
model. Set OMP_NUM_THREADS=1 for figures that compare between machines.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np
from hpbandster.core.dispatcher import Job
from hpbandster.optimizers.config_generators.bohb import BOHB as CG_BOHB
from rich.console import Console
from rich.table import Table

from oneshot_hpo.hpo import OptimizerSettings, configuration_space
from oneshot_hpo.hpo.bohb.generator import VectorisedKDEGenerator

BUDGET = 1


def main() -> None:
    """Prints the medians of both and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--observations", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=50)
    arguments = parser.parse_args()
    n, repeats = arguments.observations, arguments.repeats
    warnings.simplefilter("ignore")  # stock code calls deprecated names

    space = configuration_space("cs3")
    settings = OptimizerSettings(
        min_budget=BUDGET, max_budget=BUDGET, iterations=1, random_fraction=0.0
    )
    stock = CG_BOHB(space, random_fraction=0.0)
    ours = VectorisedKDEGenerator(space, settings)
    np.random.seed(0)  # noqa: NPY002 - the stock generator draws from it
    jobs = finished_jobs(n + repeats)
    for i, job in enumerate(jobs[:n]):
        stock.new_result(job, update_model=i == n - 1)
        ours.new_result(job)
    ours.model(BUDGET)

    seconds: dict[str, list[tuple[float, float]]] = {"proposal": [], "result and proposal": []}
    for repeat in range(repeats):
        ours.seq = repeat
        pair = timed(stock.get_config, BUDGET), timed(ours.get_config, BUDGET)
        seconds["proposal"].append(pair)
    for repeat, job in enumerate(jobs[n:]):
        ours.seq = repeats + repeat
        pair = timed(learn_and_propose, stock, job), timed(learn_and_propose, ours, job)
        seconds["result and proposal"].append(pair)

    console = Console()
    console.print(
        f"{len(space)} dimensions (CS3), {n} observations, {settings.num_samples} candidates a "
        f"proposal, medians of {repeats} repeats"
    )
    table = Table("one", "CG_BOHB", "vectorised", "ratio")
    for name, pairs in seconds.items():
        theirs, mine = (median(column) * 1e3 for column in zip(*pairs, strict=True))
        table.add_row(name, f"{theirs:.1f} ms", f"{mine:.2f} ms", f"{theirs / mine:.0f}")
    console.print(table)


def finished_jobs(n: int) -> list[Job]:
    """n random configurations of CS3 with random losses, as HpBandSter's jobs."""
    space = configuration_space("cs3")
    space.seed(0)
    losses = np.random.default_rng(0).random(n)
    jobs = []
    for configuration, loss in zip(space.sample_configuration(n), losses, strict=True):
        job = Job((0, 0, 0), config=dict(configuration), budget=BUDGET)
        job.result = {"loss": float(loss)}
        jobs.append(job)
    return jobs


def learn_and_propose(generator: CG_BOHB | VectorisedKDEGenerator, job: Job) -> None:
    """One more result, then a proposal from the model with it."""
    generator.new_result(job)
    generator.get_config(BUDGET)


def timed(function: Callable[..., Any], *arguments: Any) -> float:
    """Seconds that a call takes."""
    start = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
