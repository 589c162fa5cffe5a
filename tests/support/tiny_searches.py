"""Searches small enough for tests, and comparisons of their checkpoints."""

import signal
import time

import torch

from oneshot_hpo.search_spaces import get_space
from oneshot_hpo.searchers import SearchSettings, run_search
from oneshot_hpo.searchers.checkpoint import load_checkpoint

TINY = SearchSettings(
    channels=2,
    stacks=2,
    cells_per_stack=1,
    batch_size=16,
    arch_learning_rate=1e-2,
    cutout_prob=0.5,
    cutout_length=3,
)


def search(data, *, settings=TINY, space=1, epochs=3, seed=0, **options):
    return run_search(
        searcher="darts",
        settings=settings,
        space=get_space(space),
        data=data,
        epochs=epochs,
        seed=seed,
        **options,
    )


def killed_at(share, **arguments):
    """A search that the kernel ends some epochs after its second one, by processor time.

    On a busy machine that moment comes no later in its work.
    """
    times = []

    def on_epoch(record):
        times.append(time.process_time())
        if len(times) == 2:
            signal.signal(signal.SIGPROF, signal.SIG_DFL)
            signal.setitimer(signal.ITIMER_PROF, share * (times[1] - times[0]))

    run_search(on_epoch=on_epoch, **arguments)


def state_of(folder):
    """A checkpoint without the values that may differ between equal searches."""
    state = load_checkpoint(folder)
    for record in state["trajectory"]:
        record.pop("time")
        record.pop("compare_seconds", None)
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
