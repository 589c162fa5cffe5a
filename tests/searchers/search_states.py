"""Comparing what searches leave in their checkpoints."""

import torch

from searchers.checkpoint import load_checkpoint


def state_of(folder):
    """A checkpoint without what may differ between equal searches."""
    state = load_checkpoint(folder)
    for record in state["trajectory"]:
        record.pop("time")
    return state


def equal_states(one, other) -> bool:
    """Bit for bit, through dictionaries and lists."""
    if type(one) is not type(other):
        return False
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(equal_states(one[k], other[k]) for k in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(equal_states, one, other))
    return one == other
