"""Where the processor time of a search step goes on a CPU, and what allocator and compiler change.

    OMP_NUM_THREADS=1 python -m oneshot_hpo.experiments.benchmarks.cpu_step [--searchers darts,gdas]

The first table has the shares of a step by kind of operation, and the rate of its convolutions
beside that of one large convolution on this machine. The second has steps in processes of their
own, by turns: glibc's allocator as it is, as Dask sets it for its workers, and as a search does
(`searchers/freed_memory.py`); at the end the supernet compiled by `torch.compile`, with what the
compilation takes. Processor time, medians.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from statistics import median
from typing import Any

import torch
from torch.nn import functional as F
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

from oneshot_hpo.experiments.benchmarks.search_step import images, make_search
from oneshot_hpo.search_spaces.nasbench101.space import numbered
from oneshot_hpo.searchers.data.batches import Batch
from oneshot_hpo.searchers.freed_memory import freed_memory_kept
from oneshot_hpo.searchers.search_loop import Search

KINDS = {
    "convolution": (
        *("mkldnn_convolution", "convolution_backward"),
        *("_slow_conv2d_forward", "_slow_conv2d_backward"),  # torch without oneDNN
    ),
    "normalisation": ("native_batch_norm", "native_batch_norm_backward"),
    "pooling": ("max_pool2d_with_indices", "max_pool2d_with_indices_backward"),
    "ReLU": ("relu_", "clamp_min_", "threshold_backward"),
    "sums and copies": ("mul", "add", "add_", "addcmul", "sum", "cat", "copy_", "fill_"),
}
ALLOCATORS = {"as it is": {}, "as Dask sets it": {"MALLOC_TRIM_THRESHOLD_": "65536"}, "kept": {}}
_RATES = ("convolutions, GFLOP/s", "one large convolution")
_RATIOS = ("as it is / kept", "Dask's / kept", "kept / compiled", "compilation, s")
_WARM, _PROFILED = 3, 5  # steps


def main() -> None:
    """Prints two tables in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--searchers", default="darts,pc_darts,darts_second_order")
    parser.add_argument("--channels", type=int, default=8)
    parser.add_argument("--cells-per-stack", type=int, default=1)
    parser.add_argument("--batch-size", type=int, default=96)
    parser.add_argument("--pixels", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=15)
    parser.add_argument("--child", metavar="HOW", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    arguments.device = "cpu"
    names = arguments.searchers.split(",")
    if arguments.child:
        print(json.dumps(child(names[0], arguments)))
        return

    heading("searcher", "ms a step", *(f"{kind} %" for kind in KINDS), "other %", *_RATES)
    for name in names:
        print(shares(name, arguments), flush=True)
    print()
    heading("searcher", *(f"{how}, ms" for how in (*ALLOCATORS, "compiled")), *_RATIOS)
    for name in names:
        print(compared(name, arguments), flush=True)


def heading(*names: str) -> None:
    """Prints the first two lines of a table."""
    print(f"| {' | '.join(names)} |\n|---|{'---:|' * (len(names) - 1)}")


def shares(name: str, arguments: argparse.Namespace) -> str:
    """A row of the first table."""
    step = warmed(searching(name, arguments), arguments)
    with freed_memory_kept():
        milliseconds = timed(step, arguments.steps)
        with profile(activities=[ProfilerActivity.CPU]) as profiled:
            for _ in range(_PROFILED):
                step()
        with FlopCounterMode(display=False) as counter:
            step()
        peak = _peak()

    own = {
        event.key.removeprefix("aten::"): event.self_cpu_time_total
        for event in profiled.key_averages()
    }
    total = sum(own.values())
    parts = {kind: sum(own.get(one, 0) for one in ones) for kind, ones in KINDS.items()}
    flops = sum(
        count
        for operation, count in counter.get_flop_counts()["Global"].items()
        if "convolution" in str(operation)
    )
    rate = flops * _PROFILED / (parts["convolution"] * 1e3)  # of microseconds
    percent = [100 * part / total for part in (*parts.values(), total - sum(parts.values()))]
    cells = (f"{milliseconds:.1f}", *(f"{part:.0f}" for part in percent))
    return f"| {name} | {' | '.join(cells)} | {rate:.1f} | {peak:.1f} |"


def compared(name: str, arguments: argparse.Namespace) -> str:
    """A row of the second table."""
    times: dict[str, list[float]] = {how: [] for how in ALLOCATORS}
    for _ in range(arguments.rounds):
        for how in ALLOCATORS:
            times[how].append(in_child(name, how, arguments)["ms"])
    usual, dask, kept = (median(row) for row in times.values())
    compiled = in_child(name, "compiled", arguments)
    return (
        f"| {name} | {usual:.1f} | {dask:.1f} | {kept:.1f} | {compiled['ms']:.1f} "
        f"| {usual / kept:.2f} | {dask / kept:.2f} | {kept / compiled['ms']:.2f} "
        f"| {compiled['seconds']:.0f} |"
    )


def in_child(name: str, how: str, arguments: argparse.Namespace) -> dict[str, float]:
    """What `child` finds in a process of its own."""
    given = {
        **{"channels": arguments.channels, "cells-per-stack": arguments.cells_per_stack},
        **{"batch-size": arguments.batch_size, "pixels": arguments.pixels},
        **{"steps": arguments.steps, "searchers": name, "child": how},
    }
    words = [f"--{option}={value}" for option, value in given.items()]
    usual = {key: value for key, value in os.environ.items() if not key.startswith("MALLOC_")}
    found: dict[str, float] = json.loads(
        subprocess.check_output(
            [sys.executable, "-m", str(__spec__.name), *words],
            env=usual | ALLOCATORS.get(how, {}),
            text=True,
        )
    )
    return found


def child(name: str, arguments: argparse.Namespace) -> dict[str, float]:
    """Milliseconds of a step, with one allocator or compiled; seconds of the first ones."""
    search, network = searching(name, arguments), None
    if arguments.child == "compiled":
        network = torch.compile(search.supernet, dynamic=False, fullgraph=True)
    with freed_memory_kept() if arguments.child in ("kept", "compiled") else nullcontext():
        started = time.process_time()
        step = warmed(search, arguments, network)  # the first step compiles
        seconds = time.process_time() - started
        return {"ms": timed(step, arguments.steps), "seconds": seconds}


def searching(name: str, arguments: argparse.Namespace) -> Search:
    """A search in space 1."""
    return make_search(name, numbered(1), "corrected", arguments)


def warmed(
    search: Search, arguments: argparse.Namespace, network: Any = None
) -> Callable[[], object]:
    """The step of a search, after some of them; network: as `Search.step` has it."""
    batch = Batch.of(images(arguments).supernet_train, torch.device("cpu"))

    def step() -> object:
        return search.step(batch, batch, network)

    for _ in range(_WARM):
        step()
    return step


def timed(step: Callable[[], object], count: int) -> float:
    """Milliseconds of processor time of a step, the median of some."""
    found = []
    for _ in range(count):
        started = time.process_time()
        step()
        found.append(1e3 * (time.process_time() - started))
    return median(found)


def _peak() -> float:
    """GFLOP/s of a 3 x 3 convolution of 64 channels to 64, images of 32 x 32, forward."""
    images, channels, pixels = 32, 64, 32
    x = torch.randn(images, channels, pixels, pixels).contiguous(memory_format=torch.channels_last)
    weight = torch.randn(channels, channels, 3, 3)
    flops = 2 * images * pixels**2 * channels**2 * 9
    return flops / (timed(lambda: F.conv2d(x, weight, padding=1), 10) * 1e6)


if __name__ == "__main__":
    main()
