"""The processor time of a library's ask and tell, without fsync, in its own process.

    python own_time.py dehb 300 < problem.json

prints {"evaluations", "own_ms"}; the problem is described as in `serving.py`. Losses are random.
"""

from __future__ import annotations

import importlib
import json
import os
import random
import sys
import time
from collections.abc import Callable
from typing import Any

CLASSES = {"dehb": "DEHBPeer", "optuna": "Optuna"}


def without_fsync() -> Callable[[], float]:
    """A clock of this process's processor time, which stands still in fsync."""
    fsync, spent = os.fsync, [0.0]

    def timed(descriptor: Any) -> None:
        start = time.process_time()
        fsync(descriptor)
        spent[0] += time.process_time() - start

    os.fsync = timed  # type: ignore[assignment]
    return lambda: time.process_time() - spent[0]


def main() -> None:
    """Runs the library, one evaluation after the other."""
    name, evaluations = sys.argv[1], int(sys.argv[2])
    optimizer = getattr(importlib.import_module(f"{name}_peer"), CLASSES[name])(
        json.load(sys.stdin)
    )
    rng = random.Random(0)

    clock = without_fsync()
    start = clock()
    for _ in range(evaluations):
        optimizer.tell(optimizer.ask()["token"], rng.random())
    own_ms = 1e3 * (clock() - start) / evaluations
    print(json.dumps({"evaluations": evaluations, "own_ms": own_ms}))


if __name__ == "__main__":
    main()
