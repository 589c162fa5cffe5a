"""Dozens of real Dask workers: what only shows where there are many of them."""

import logging
import time

import pytest

from oneshot_hpo.cluster.own_pool import OwnPool
from oneshot_hpo.experiments.benchmarks.many_workers import ManyWorkers

pytestmark = pytest.mark.slow

WORKERS = 48
TASKS = 3 * WORKERS


def test_no_task_waits_behind_another_while_a_worker_is_idle() -> None:
    """From 20 idle workers on Dask places tasks in turn, also on those it takes for nearly idle."""
    submitted = most = 0
    level = logging.getLogger("distributed").level
    with ManyWorkers(WORKERS, epoch_seconds=0.0) as pool:
        workers = pool._cluster.scheduler.workers
        while submitted < TASKS or pool.in_flight:
            while submitted < TASKS and pool.in_flight < WORKERS:
                # A task's kind, of which Dask knows how long it takes, is all before the first "-".
                key = f"{submitted // 7}-0-{submitted % 7}/12"
                OwnPool.submit(pool, key, time.sleep, 2.0)
                submitted += 1
            pool.next_outcomes(0.1)
            most = max(most, *(len(worker.processing) for worker in workers.values()))
    assert most == 1
    assert logging.getLogger("distributed").level == level  # what follows in this process may log
