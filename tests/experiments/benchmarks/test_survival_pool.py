"""A sample of the survival command's `pool`, whose counts its README has."""

import contextlib
import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from oneshot_hpo.cluster.local import LocalPool
from oneshot_hpo.experiments.benchmarks.survival import pool_external
from oneshot_hpo.experiments.benchmarks.survival.pool import FAULTS, WorkerFault, inject, local_pool
from oneshot_hpo.experiments.benchmarks.survival.pool_study import run_to_end
from oneshot_hpo.experiments.benchmarks.survival.pool_trials import little_memory

pytestmark = pytest.mark.slow

SAMPLE = [fault for fault in FAULTS if fault.name != "leave and die"]


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalPool]:
    with local_pool(tmp_path_factory.mktemp("logs")) as pool:
        yield pool


@pytest.mark.parametrize("fault", SAMPLE, ids=lambda fault: fault.kind)
def test_a_trial_that_harms_its_worker_changes_no_evaluation(
    pool: LocalPool, tmp_path: Path, fault: WorkerFault
) -> None:
    smaller = dataclasses.replace(fault, size=min(fault.size, 3 * 10**8))
    with little_memory() as has_groups:
        if fault.name == "allocate" and not has_groups:
            pytest.skip("no memory control groups here")
        assert inject(pool, smaller, 1, tmp_path) == ""


def test_a_scheduler_that_has_gone_is_waited_for(tmp_path: Path) -> None:
    with contextlib.ExitStack() as stack:
        assert pool_external.scheduler_gone(stack, tmp_path / "gone", run_to_end) == ""
