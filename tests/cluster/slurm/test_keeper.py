"""The loop that maintains worker jobs, with jobs in which no worker ever starts."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.throwaway_slurm import ThrowawaySlurm
from support.waiting import wait_until

from oneshot_hpo.cluster.slurm import keeper
from oneshot_hpo.cluster.slurm.keeper import Fleet, JobKeeper
from oneshot_hpo.cluster.slurm.submitted import SubmittedJobs

pytestmark = pytest.mark.slow


@contextmanager
def kept(fleet: Fleet) -> Iterator[JobKeeper]:
    """A keeper of jobs whose workers never register."""
    jobs = JobKeeper(fleet, registered=set, poll_seconds=0.5)
    try:
        yield jobs
    finally:
        jobs.close()
        fleet.jobs.cancel_all()


def fleet(name: str, logs: Path, workers: int) -> Fleet:
    """Jobs that do nothing until they are cancelled."""
    output = f"#SBATCH -J {name} -o {logs / keeper.WORKER_LOG}"
    script = f"#!/bin/sh\n{output}\nexec sleep 3000\n"
    submitted = SubmittedJobs(name, logs, logs.parent / "ids")
    return Fleet(submitted, script, workers=workers, max_pending=9, logs=logs)


def test_a_log_folder_missing_on_the_nodes_is_reported(
    slurm: ThrowawaySlurm, tmp_path: Path
) -> None:
    with kept(fleet(tmp_path.name, tmp_path / "nowhere", workers=2)) as jobs:
        wait_until(lambda: jobs.problem is not None)
    assert jobs.problem is not None
    assert "3 times the workers' jobs ended before a worker started" in jobs.problem
    assert "do the nodes share that folder?" in jobs.problem


def test_a_job_without_a_worker_is_replaced(
    slurm: ThrowawaySlurm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "_MUTE_SECONDS", 2.0)

    def jobs() -> list[str]:
        return [job for job, _, name in slurm.jobs("--states=RUNNING") if name == tmp_path.name]

    with kept(fleet(tmp_path.name, tmp_path, workers=1)):
        wait_until(lambda: bool(jobs()))
        first = jobs()

        def is_replaced() -> bool:
            now = jobs()
            assert len(now) <= 1
            return bool(now) and now != first

        wait_until(is_replaced)
