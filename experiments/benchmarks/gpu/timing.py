"""Milliseconds and memory of repeated steps."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from statistics import median

import torch

from oneshot_hpo.experiments.benchmarks.gpu.sizes import Sizes, synchronize

_ROUND = 0.5
"""Seconds of a round at most, if a step takes less."""


def milliseconds(steps: Mapping[str, Callable[[], object]], sizes: Sizes) -> dict[str, float]:
    """Of one step of each kind, medians over rounds; all kinds by turns, so that drifts are fair.

    A round makes several steps and then waits for the device, as an epoch does at its end.
    """
    counts = {name: _steps_of_a_round(step, sizes) for name, step in steps.items()}

    found: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(sizes.rounds):
        for name, step in steps.items():
            seconds = _seconds(step, counts[name], sizes)
            found[name].append(1e3 * seconds / counts[name])
    return {name: median(values) for name, values in found.items()}


def _steps_of_a_round(step: Callable[[], object], sizes: Sizes) -> int:
    """As many as the sizes say, or as fit in a round; after a step that warms up."""
    _seconds(step, 1, sizes)
    return max(1, min(sizes.steps, int(_ROUND / _seconds(step, 1, sizes))))


def _seconds(step: Callable[[], object], count: int, sizes: Sizes) -> float:
    """Of some steps in a row, until the device is done."""
    started = time.perf_counter()
    for _ in range(count):
        step()
    synchronize(sizes.device)
    return time.perf_counter() - started


def peak_mebibytes(step: Callable[[], object], sizes: Sizes) -> float | None:
    """Make a step; the most memory that it needs on the GPU beyond what is allocated before.

    None without a GPU. Of the tensors alone: the context takes some hundred MiB more.
    """
    if not sizes.is_gpu:
        step()
        return None
    torch.cuda.synchronize()
    before = torch.cuda.memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    step()
    torch.cuda.synchronize()
    return (torch.cuda.max_memory_allocated() - before) / 2**20
