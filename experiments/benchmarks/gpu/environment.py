"""The line that says on what everything was measured."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Iterator

import numpy as np
import torch

from oneshot_hpo.cluster.mps import mps_program
from oneshot_hpo.experiments.benchmarks.gpu.rows import Row
from oneshot_hpo.experiments.benchmarks.gpu.sizes import Sizes


def run(task: str, sizes: Sizes) -> Iterator[Row]:
    """Device, driver, torch, Python, cores."""
    values = {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "cores": len(os.sched_getaffinity(0)),
    }
    if sizes.is_gpu:
        found = torch.cuda.get_device_properties(0)
        values |= {
            "GPU": found.name,
            "GPU GiB": round(found.total_memory / 2**30, 1),
            "CUDA": torch.version.cuda,
            "cuDNN": torch.backends.cudnn.version(),
            "driver": _driver(),
            "MPS": mps_program() or "none",
        }
    yield Row(task, "machine", None, values)


def _driver() -> str:
    query = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        answer = subprocess.run(query, capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        return f"unknown ({type(error).__name__})"
    return answer.stdout.splitlines()[0].strip()
