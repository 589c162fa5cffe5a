"""Pools of SLURM jobs for tests."""

from pathlib import Path

from oneshot_hpo.cluster.slurm.pool import SlurmJobs, SlurmPool
from oneshot_hpo.cluster.slurm.settings import SlurmSettings


def opened(folder: Path, workers: int = 1, **settings: object) -> SlurmPool:
    """A pool whose jobs have a unique name, as those of a study have."""
    settings = {"scheduler_interface": "lo", "cpus": 1} | settings
    jobs = SlurmJobs(SlurmSettings(**settings), name=folder.name, folder=folder, threads=1)  # type: ignore[arg-type]
    return SlurmPool(jobs, workers=workers, poll_seconds=0.5)
