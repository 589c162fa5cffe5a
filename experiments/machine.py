"""The machine that a study is launched on: processors, GPUs, package versions."""

import os
import platform
import shutil
import subprocess
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import Any

_RECORDED = (
    *("oneshot-hpo", "torch", "numpy", "scipy", "scikit-learn"),
    *("ConfigSpace", "hpbandster", "statsmodels"),
)
"""Packages that affect what a study computes, and are recorded with it."""
_DRIVER_SECONDS = 120
"""Time limit for a driver that hangs; with many GPUs it may take long to start."""


def gpus() -> list[str]:
    """The GPUs that this process may use, as CUDA_VISIBLE_DEVICES names them."""
    import torch

    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    names = visible.split(",") if visible else [str(n) for n in range(torch.cuda.device_count())]
    return names[: torch.cuda.device_count()]


def default_workers(per_gpu: int = 1) -> int:
    """One worker per GPU, or as many as given; without GPUs one per core."""
    return per_gpu * len(gpus()) or cores()


def threads_for(workers: int) -> int:
    """Each worker's equal share of the cores, at least one thread."""
    return max(1, cores() // workers)


def versions(packages: Iterable[str] = _RECORDED) -> dict[str, str]:
    """Versions of Python and of packages, by default those that affect what a study computes."""
    return {"python": platform.python_version()} | {
        package: metadata.version(package) for package in packages
    }


def cores() -> int:
    """Number of cores that this process may use."""
    # Dask's number respects affinity and a container's limits.
    from dask.system import CPU_COUNT

    return int(CPU_COUNT)


def description() -> dict[str, Any]:
    """This machine's system, processor, cores, memory_gib and gpus; no name or address."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "system": platform.platform(),
        "processor": _processor(),
        "cores": cores(),
        "memory_gib": round(memory / 2**30, 1),
        "gpus": _gpu_names(),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:  # no Linux
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _gpu_names() -> list[str]:
    """GPU names from the driver; torch would take memory on each GPU."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    query = [program, "--query-gpu=name", "--format=csv,noheader"]
    try:
        answer = subprocess.run(
            query, capture_output=True, text=True, timeout=_DRIVER_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return []
    return answer.stdout.splitlines()
