"""That images and augmentation stay on the device, and what a step's time is made of."""

from __future__ import annotations

import json
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile

from oneshot_hpo.experiments.benchmarks.gpu.guard import Measured, guarded
from oneshot_hpo.experiments.benchmarks.gpu.rows import Row
from oneshot_hpo.experiments.benchmarks.gpu.sizes import Sizes, synchronize
from oneshot_hpo.experiments.benchmarks.gpu.steps import two_batches
from oneshot_hpo.searchers.data.batches import Batch, paired_batches
from oneshot_hpo.searchers.data.images import random_images
from oneshot_hpo.searchers.search import kernels
from oneshot_hpo.searchers.search_loop import Search

_LARGEST = 64 * 1024
"""Bytes that a step may copy between host and device: draws and gates, no image."""
_STEPS = 3
_EPOCH = 8
"""Steps of the epoch that the steps looked at are taken from."""


def run(task: str, sizes: Sizes) -> Iterator[Row]:
    """Of one searcher, the last part of the task's name."""
    searcher = task.split(":")[1]
    with kernels(sizes.device, deterministic=True):
        yield guarded(task, "no image is copied in a step", lambda: _copies(searcher, sizes))
        yield guarded(task, "waits for the device", lambda: _waits(searcher, sizes))
        yield guarded(task, "share of data in a step", lambda: _data_share(searcher, sizes))


def _copies(searcher: str, sizes: Sizes) -> Measured:
    """Copies, kernels and the device's own time, of steps with their batches drawn."""
    if not sizes.is_gpu:
        return None, {"left out": "needs a GPU"}
    search = sizes.full_search(searcher)
    steps = _drawn_steps(search, sizes)
    for _ in range(2):
        next(steps)
    torch.cuda.synchronize()

    started = time.perf_counter()
    with profile(activities=[ProfilerActivity.CUDA]) as profiled:
        for _ in range(_STEPS):
            next(steps)
        torch.cuda.synchronize()
    wall = 1e3 * (time.perf_counter() - started) / _STEPS
    events = _events(profiled)
    launched = [event for event in events if event.get("cat") == "kernel"]
    if not launched:
        raise RuntimeError("the profiler saw no kernel")

    copied: Counter[str] = Counter()
    volume = 0
    for event in events:
        way = next((way for way in ("HtoD", "DtoH") if way in str(event.get("name"))), None)
        if event.get("cat") == "gpu_memcpy" and way is not None:
            copied[way] += 1
            volume += int(event.get("args", {}).get("bytes", 0))
    return volume / _STEPS <= _LARGEST, {
        **{f"{way} a step": count / _STEPS for way, count in copied.items()},
        "bytes a step": volume / _STEPS,
        "kernels a step": len(launched) / _STEPS,
        "device ms a step": sum(float(event["dur"]) for event in launched) / 1e3 / _STEPS,
        "profiled ms a step": wall,
    }


def _waits(searcher: str, sizes: Sizes) -> Measured:
    """How often a step makes the host wait for the device, and where."""
    if not sizes.is_gpu:
        return None, {"left out": "needs a GPU"}
    search = sizes.full_search(searcher)
    steps = _drawn_steps(search, sizes)
    next(steps)
    places: Counter[str] = Counter()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        torch.cuda.set_sync_debug_mode("warn")
        try:
            for _ in range(_STEPS):
                next(steps)
        finally:
            torch.cuda.set_sync_debug_mode("default")
    for warning in caught:
        if "synchronizing" in str(warning.message):
            places[f"{Path(warning.filename).name}:{warning.lineno}"] += 1
    return None, {
        "waits a step": sum(places.values()) / _STEPS,
        "at": " ".join(f"{place}x{number}" for place, number in places.most_common(6)) or "-",
    }


def _data_share(searcher: str, sizes: Sizes) -> Measured:
    """Time of drawing and augmenting two batches, alone, over that of a step."""
    search = sizes.full_search(searcher)
    train, valid = two_batches(search, sizes)
    order = torch.randperm(len(train)).to(sizes.device)

    def data() -> None:
        for batch in (train, valid):
            search._augmented(batch.rows(order))

    alone, whole = (
        _milliseconds(function, sizes) for function in (data, lambda: search.step(train, valid))
    )
    return None, {"data ms": alone, "step ms": whole, "share": alone / whole}


def _milliseconds(function: Callable[[], object], sizes: Sizes) -> float:
    function()
    synchronize(sizes.device)
    started = time.perf_counter()
    for _ in range(sizes.steps):
        function()
    synchronize(sizes.device)
    return 1e3 * (time.perf_counter() - started) / sizes.steps


def _drawn_steps(search: Search, sizes: Sizes) -> Iterator[None]:
    """Steps of an epoch, each with batches drawn from images on the device."""
    data = random_images(_EPOCH * sizes.batch_size, 3, sizes.pixels).test
    images = Batch.of(data, torch.device(sizes.device))
    order = torch.Generator().manual_seed(0)
    # All of an epoch's order goes to the device at its beginning, before the first step.
    for train, valid in paired_batches(images, images, sizes.batch_size, order):
        search.step(train, valid)
        yield


def _events(profiled: Any) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trace.json"
        profiled.export_chrome_trace(str(path))
        found: list[dict[str, Any]] = json.loads(path.read_text())["traceEvents"]
    return found
