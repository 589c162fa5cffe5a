"""Time to evaluate many cells with one supernet, all in one call and one by one by the same code.

A trained supernet of the digits, at the sizes of the study `quickstart`; cells are drawn among the
unique ones of the space. Both ways by turns, medians; the errors are compared. On a CPU processor
seconds, which others on the machine disturb less.

    OMP_NUM_THREADS=1 python -m oneshot_hpo.experiments.benchmarks.supernet_cells --repeats 5
"""

from __future__ import annotations

import argparse
import time
from statistics import median

import numpy as np
import torch
from rich.console import Console

from oneshot_hpo.experiments.benchmarks.searcher_regret import SIZES
from oneshot_hpo.search_spaces.nasbench101.space import numbered
from oneshot_hpo.searchers.data.datasets import load_dataset
from oneshot_hpo.searchers.registry import settings_class
from oneshot_hpo.searchers.search_loop import Search


def main() -> None:
    """Prints seconds, their ratio, and whether the errors are equal."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, default=1000)
    parser.add_argument("--space", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--recalibration-images", type=int, default=0)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()

    space = numbered(arguments.space)
    settings = settings_class("random_ws")(**SIZES)
    data = load_dataset("digits")
    device = torch.device(arguments.device)
    search = Search("random_ws", settings, space, data, arguments.epochs + 1, 0, device)
    for _ in range(arguments.epochs):
        search.run_epoch(lambda: False)

    rng = np.random.default_rng(0)
    chosen = rng.choice(space.num_cells, arguments.cells, replace=False)
    cells = [space.architecture(int(number)) for number in space.unique.first[chosen]]
    images = arguments.recalibration_images

    clock = time.process_time if device.type == "cpu" else time.perf_counter
    together: list[float] = []
    alone: list[float] = []
    for _ in range(arguments.repeats):
        started = clock()
        errors = search.evaluation.errors(cells, recalibration_images=images)
        together.append(clock() - started)
        started = clock()
        single = [
            search.evaluation.errors([cell], recalibration_images=images)[0] for cell in cells
        ]
        alone.append(clock() - started)

    console = Console(highlight=False)
    console.print(
        f"{arguments.cells} cells of {space.title}, {torch.get_num_threads()} threads, "
        f"{arguments.device}, medians of {arguments.repeats}: together {median(together):.2f} s, "
        f"one by one {median(alone):.2f} s, ratio {median(alone) / median(together):.2f}; errors "
        f"{'equal' if errors == single else 'differ'}"
    )


if __name__ == "__main__":
    main()
