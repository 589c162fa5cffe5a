"""Makes a worker fail: put this folder on PYTHONPATH and name the worker in SICK_WORKER.

SICK_WORKER is VARIABLE=ENDING: the worker whose environment variable ends like that. In its process
torch's optimizers raise what a GPU with broken memory makes torch raise; with SICK_KIND=hang they
never return. Everything else, the search included, is the real code.
"""

import importlib.abc
import importlib.machinery
import os
import sys
import time
from typing import Any

MESSAGE = "CUDA error: uncorrectable ECC error encountered"


def _is_sick() -> bool:
    variable, _, ending = os.environ["SICK_WORKER"].partition("=")
    return os.environ.get(variable, "").endswith(ending)


def _break(torch: Any) -> None:
    step = torch.optim.SGD.step

    def sick_step(*args: Any, **kwargs: Any) -> Any:
        if not _is_sick():
            return step(*args, **kwargs)
        if os.environ.get("SICK_KIND") == "hang":
            time.sleep(10_000)
        raise RuntimeError(MESSAGE)

    torch.optim.SGD.step = sick_step


class _Breaker(importlib.abc.MetaPathFinder):
    """Breaks torch once it is imported."""

    def find_spec(self, name: str, path: Any, target: Any = None) -> Any:
        if name != "torch":
            return None
        sys.meta_path.remove(self)
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        assert spec is not None and spec.loader is not None
        load = spec.loader.exec_module

        def load_and_break(module: Any) -> None:
            load(module)
            _break(module)

        spec.loader.exec_module = load_and_break  # type: ignore[method-assign]
        return spec


if "SICK_WORKER" in os.environ:
    sys.meta_path.insert(0, _Breaker())
