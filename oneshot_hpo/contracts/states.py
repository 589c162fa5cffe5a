"""The states that searches end with, to compare them bit for bit."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import torch

from oneshot_hpo.searchers.checkpoint import load_checkpoint


def state_of(folder: Path) -> dict[str, Any]:
    """A folder's checkpoint without the values that may differ between equal searches."""
    state = load_checkpoint(folder)
    assert state is not None, f"no checkpoint in {folder}"
    for record in state["trajectory"]:
        record.pop("time")
        record.pop("compare_seconds", None)
        record.pop("processor_time", None)
    return state


def global_states() -> list[Any]:
    """The states of the random generators that belong to nobody."""
    return [torch.get_rng_state(), random.getstate(), np.random.get_state()]  # noqa: NPY002


def equal_states(one: Any, other: Any) -> bool:
    """Whether two states are equal bit for bit, through dictionaries and lists."""
    if type(one) is not type(other):
        return False
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, np.ndarray):
        return np.array_equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(equal_states(one[k], other[k]) for k in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(equal_states, one, other))
    return bool(one == other)
