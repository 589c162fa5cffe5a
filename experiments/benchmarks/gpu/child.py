"""A process that does tasks and writes their rows to standard output, a line each.

python -m oneshot_hpo.experiments.benchmarks.gpu.child DEVICE full|tiny TASK ...
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from importlib import import_module
from typing import Any

from oneshot_hpo.experiments.benchmarks.gpu.rows import Row, failed

SPOILED = 3
"""The exit code of a process whose GPU context can be used no more."""

_HERE = "oneshot_hpo.experiments.benchmarks.gpu"
_FUNCTIONS = {
    "environment": ("environment", "run"),
    "check": ("checks", "run"),
    "steps": ("steps", "run"),
    "variants": ("steps", "run_variants"),
    "graph": ("steps", "run_graphs"),
    "capture": ("steps", "run_graphs"),
    "compile": ("steps", "run_compiled"),
    "transfers": ("transfers", "run"),
}
"""By the first word of a task's name, the module and the function that do it."""


def main() -> int:
    """Do the tasks that the command line names, in their order; the exit code."""
    from oneshot_hpo.experiments.benchmarks.gpu.guard import SpoiledContext
    from oneshot_hpo.experiments.benchmarks.gpu.sizes import Sizes

    device, size, *tasks = sys.argv[1:]
    sizes = Sizes(device, tiny=size == "tiny")
    for task in tasks:
        _say(begin=task)
        try:
            for row in _function(task)(task, sizes):
                _say(row=asdict(row))
        except SpoiledContext as spoiled:
            _say(row=asdict(spoiled.row))
            _say(end=task)
            return SPOILED
        except Exception as error:
            _say(row=asdict(failed(task, "task", error)))
        _say(end=task)
    return 0


def _function(task: str) -> Callable[[str, Any], Iterator[Row]]:
    module, name = _FUNCTIONS[task.split(":")[0]]
    found: Callable[[str, Any], Iterator[Row]] = getattr(import_module(f"{_HERE}.{module}"), name)
    return found


def _say(**what: Any) -> None:
    print(json.dumps(what), flush=True)


if __name__ == "__main__":
    sys.exit(main())
