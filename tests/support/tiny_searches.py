"""Searches small enough for tests."""

import signal
import time

from oneshot_hpo.search_spaces import get_space
from oneshot_hpo.searchers import SearchSettings, run_search

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
