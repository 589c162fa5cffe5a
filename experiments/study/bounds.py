"""Upper bounds of what a user may set: far above any study so far, below what stops a machine.

A number with too many digits is a slip; without a bound it would take all memory before any
message.
"""

from __future__ import annotations

from typing import Any

from oneshot_hpo.checks import Kind
from oneshot_hpo.experiments.errors import UserError

WORKERS = 4_096
"""Worker processes, or jobs; 1,000 were run."""
THREADS = 1_024
"""Threads that a worker computes with."""
WORKERS_PER_GPU = 60
"""As many processes NVIDIA's multi-process service takes on a GPU."""
ATTEMPTS = 1_000
"""Attempts at a trial that loses its workers."""
EPOCHS = 1_000_000
"""Epochs of one search or training."""
ITERATIONS = 1_000_000
"""Brackets of successive halving; the optimizer has the same bound."""
REPETITIONS = 1_000_000
"""Runs of the same thing with different seeds."""
EVALUATIONS = 10_000_000
"""Evaluations in one run of a black-box optimizer."""
IMAGES = 1_000_000
"""Images in a step or in a calibration."""
BATCHES = 1_000_000
"""Batches on which an architecture is fine-tuned."""


def check(name: str, value: Any, kind: Kind) -> None:
    """UserError unless the argument of a call is of its kind."""
    if not kind.test(value):
        raise UserError(f"{name} must be {kind.words}, not {value!r}")
