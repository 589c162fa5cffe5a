"""The repository's tests that look at devices, run on this machine."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from oneshot_hpo.experiments.benchmarks.gpu.rows import Row, failed

ROOT = Path(__file__).resolve().parents[3]
_FILES = (
    "tests/searchers/test_search.py",
    "tests/searchers/test_darts_second_order.py",
    "tests/searchers/test_pc_darts.py",
    "tests/searchers/test_gdas.py",
)
_TINY = ("tests/searchers/test_sampling.py",)


def run(task: str, tiny: bool, seconds: float) -> Iterator[Row]:
    """A row for each file of tests: what pytest said last."""
    if importlib.util.find_spec("pytest") is None:
        yield failed(task, "pytest", "pytest is not installed")
        return
    for name in _TINY if tiny else _FILES:
        yield _tested(task, name, seconds)


def _tested(task: str, name: str, seconds: float) -> Row:
    if not (ROOT / name).exists():
        return failed(task, name, "there is no such file: this needs a checkout")
    # Without the options of setup.cfg: they need plug-ins that may not be here.
    options = ["-o", "addopts=", "--import-mode=importlib", "-p", "no:cacheprovider", "-q"]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        answer = subprocess.run(
            [sys.executable, "-m", "pytest", *options, "-m", "not slow", name],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=max(1.0, seconds),
        )
    except subprocess.TimeoutExpired:
        return failed(task, name, f"not finished after {seconds:.0f} s")
    lines = [line for line in answer.stdout.splitlines() if line.strip()]
    said = lines[-1].strip("= ") if lines else answer.stderr.strip()[-200:]
    if answer.returncode == 0:
        return Row(task, name, True, {"pytest": said})
    faults = [line for line in lines if line.startswith(("FAILED", "ERROR", "E  "))]
    return failed(task, name, f"{said}: {' | '.join(faults[:3])}")
