"""Evaluations an hour with several worker processes on one GPU, with and without MPS.

An evaluation is an epoch of DARTS on CIFAR-10, at the paper's size 260 steps, at that of the
shipped study `cifar10-small` 52; what is measured are steps for some seconds, one by one and as a
CUDA graph. All processes are started once; 1, 2, 4 and 8 of them (16 small ones) then work at a
time while the others wait. With MPS, NVIDIA's multi-process service, their kernels run side by
side; without it the GPU gives each process its turn.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from oneshot_hpo.cluster.mps import multi_process_service
from oneshot_hpo.experiments.benchmarks.gpu.rows import Row, failed

STEPS_OF_AN_EVALUATION = {"paper": 260, "cifar10-small": 52}
"""25,000 and 5,000 training images in batches of 96, by size."""
_AT_A_TIME = 4
"""Steps between two looks at the clock, which wait for the device."""
WAYS = ("one by one", "graph")
"""How steps are made."""

_MODULE = "oneshot_hpo.experiments.benchmarks.gpu.workers"


def run(task: str, device: str, tiny: bool, seconds: float) -> Iterator[Row]:
    """The rows of `workers:SIZE:plain` or `workers:SIZE:mps`, which may take so many seconds."""
    ends = time.monotonic() + seconds
    with tempfile.TemporaryDirectory() as scratch, ExitStack() as stack:
        environment = dict(os.environ)
        if task.endswith("mps"):
            try:
                environment |= stack.enter_context(multi_process_service(Path(scratch) / "mps"))
            except (OSError, RuntimeError, subprocess.SubprocessError) as error:
                yield failed(task, "MPS", error)
                return
        try:
            yield from _measured(task, device, tiny, environment, Path(scratch), ends)
        except (OSError, RuntimeError, TimeoutError) as error:
            yield failed(task, "evaluations an hour", error)


def _measured(
    task: str,
    device: str,
    tiny: bool,
    environment: Mapping[str, str],
    scratch: Path,
    ends: float,
) -> Iterator[Row]:
    size = task.split(":")[1]
    counts = (1, 2) if tiny else (1, 2, 4, 8) if size == "paper" else (1, 4, 8, 16)
    window = 0.3 if tiny else 2.0
    cores = len(os.sched_getaffinity(0))
    threads = str(max(1, cores // counts[-1]))
    own = {**environment, "OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads}
    arguments = [sys.executable, "-m", _MODULE, device, size, *(["tiny"] if tiny else [])]
    workers = [_Worker(arguments, own, scratch / f"{number}.log") for number in range(counts[-1])]
    try:
        for worker in workers:
            worker.read(ends)
        for way in WAYS[: 2 if device.startswith("cuda") else 1]:
            alone = None
            for count in counts:
                for worker in workers[:count]:
                    worker.write(f"{way} {window}")
                found = [worker.read(ends) for worker in workers[:count]]
                steps = sum(one["steps"] / one["seconds"] for one in found)
                alone = steps if alone is None else alone
                yield Row(
                    task,
                    f"{way}, {count} process{'es' if count > 1 else ''}",
                    None,
                    {
                        "an hour": 3600 * steps / STEPS_OF_AN_EVALUATION[size],
                        "steps a second": steps,
                        "times one process": steps / alone,
                    },
                )
    finally:
        for worker in workers:
            worker.end()


class _Worker:
    """A worker process: it says when it is ready, and answers each line with what it did."""

    def __init__(self, arguments: list[str], environment: Mapping[str, str], log: Path) -> None:
        self._log = log
        with log.open("wb") as errors:
            self._process = subprocess.Popen(
                arguments,
                env=dict(environment),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )

    def write(self, line: str) -> None:
        """Send one line."""
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def read(self, ends: float) -> dict[str, Any]:
        """The next answer. TimeoutError: none came; RuntimeError: the process is gone."""
        timer = threading.Timer(max(0.1, ends - time.monotonic()), self._process.kill)
        timer.start()
        try:
            assert self._process.stdout is not None
            line = self._process.stdout.readline()
        finally:
            timer.cancel()
        if not line:
            if time.monotonic() >= ends:
                raise TimeoutError("the time was up")
            written = self._log.read_text(errors="replace").strip().splitlines()
            raise RuntimeError(written[-1] if written else "a worker ended without a word")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def end(self) -> None:
        """End the process."""
        with contextlib.suppress(OSError):
            assert self._process.stdin is not None
            self._process.stdin.close()  # it then ends by itself
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()


def main() -> None:
    """A worker: for each way and number of seconds read, steps until they are over."""
    from oneshot_hpo.experiments.benchmarks.gpu.sizes import Sizes, synchronize
    from oneshot_hpo.experiments.benchmarks.gpu.steps import captured, two_batches
    from oneshot_hpo.searchers.captured_step import CapturedSteps
    from oneshot_hpo.searchers.search import kernels

    device, size, *rest = sys.argv[1:]
    sizes = Sizes(device, tiny="tiny" in rest)
    search = sizes.full_search("darts") if size == "paper" else sizes.proxy_search("darts")
    batches = two_batches(search, sizes)
    steps: dict[str, Callable[..., object]] = {WAYS[0]: search.step}
    if sizes.is_gpu:
        steps[WAYS[1]] = captured(search)

    with kernels(sizes.device, deterministic=True):
        for step in steps.values():
            for _ in range(CapturedSteps.one_by_one + 1):
                step(*batches)
        synchronize(sizes.device)
        print(json.dumps({"ready": True}), flush=True)
        for line in sys.stdin:
            way, _, window = line.rpartition(" ")
            started, done = time.perf_counter(), 0
            while time.perf_counter() - started < float(window):
                for _ in range(_AT_A_TIME):
                    steps[way](*batches)
                synchronize(sizes.device)
                done += _AT_A_TIME
            seconds = time.perf_counter() - started
            print(json.dumps({"steps": done, "seconds": seconds}), flush=True)


if __name__ == "__main__":
    main()
