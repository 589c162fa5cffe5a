"""Opens the pool that runs a study's trials: local, SLURM, or an existing Dask cluster."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oneshot_hpo.cluster.private_folder import NoPrivateFolder
from oneshot_hpo.experiments import machine
from oneshot_hpo.experiments.errors import StudyStopped, UserError, one_line
from oneshot_hpo.experiments.study.specification import StudySpec
from oneshot_hpo.searchers.command.program import SAVE_SECONDS

if TYPE_CHECKING:
    from oneshot_hpo.cluster.pool import DaskPool
    from oneshot_hpo.cluster.slurm.pool import SlurmJobs


_ENDING_SECONDS = 10.0
"""How long a command's processes may take to end once they are killed."""
RETIRED = "retired"
"""The key, in a journal's note, of a retired worker's place, which later pools leave out."""


@dataclass(frozen=True)
class DaskCluster:
    """A Dask cluster that the user already runs: its scheduler's address or file."""

    address: str | None = None
    scheduler_file: Path | None = None


def open_pool(
    spec: StudySpec,
    folder: Path,
    workers: int,
    cluster: DaskCluster | None = None,
    notes: Sequence[Mapping[str, Any]] = (),
) -> DaskPool:
    """The pool that a frozen specification asks for, or `cluster`'s. Raises PoolError.

    notes: those of the journal; workers that they list as retired are not used.
    """
    retired = [note[RETIRED] for note in notes if isinstance(note.get(RETIRED), str)]
    if cluster is not None:
        from oneshot_hpo.cluster.external import ExternalPool

        return ExternalPool(
            address=cluster.address,
            scheduler_file=cluster.scheduler_file,
            log=folder / "logs" / "cluster.log",
            retired=retired,
        )
    jobs = slurm_jobs(spec, folder)
    if jobs is not None:
        from oneshot_hpo.cluster.slurm.pool import SlurmPool

        return SlurmPool(jobs, workers=workers, retired=retired)
    from oneshot_hpo.cluster.local import LocalPool

    assert spec.cluster.threads is not None
    return LocalPool(
        workers=workers,
        threads=spec.cluster.threads,
        gpus=machine.gpus(),
        shares_gpus=spec.cluster.workers_per_gpu > 1,
        scratch=folder / "logs",
        retired=retired,
        # A search of this project has its checkpoint; a command saves when it is told to end.
        save_seconds=0.0 if spec.command is None else SAVE_SECONDS + _ENDING_SECONDS,
    )


def slurm_jobs(spec: StudySpec, folder: Path) -> SlurmJobs | None:
    """The worker jobs of a study under SLURM, None for one on this machine."""
    settings = spec.cluster.slurm_settings
    if settings is None:
        return None
    from oneshot_hpo.cluster.slurm.pool import SlurmJobs

    assert spec.cluster.threads is not None
    name = job_name(spec.name, folder)
    try:
        return SlurmJobs(settings, name=name, folder=folder, threads=spec.cluster.threads)
    except NoPrivateFolder as error:
        raise UserError(str(error)) from None


def check_with_slurm(jobs: SlurmJobs) -> None:
    """Let SLURM check the jobs. UserError: it refuses them; StudyStopped: no answer."""
    from oneshot_hpo.cluster.slurm.commands import SlurmRefused, SlurmUnavailable

    try:
        jobs.check()
    except SlurmRefused as error:
        raise UserError(f"SLURM refuses the workers' jobs: {one_line(error)}") from None
    except SlurmUnavailable as error:
        raise StudyStopped(f"SLURM does not answer: {one_line(error)}") from None


def job_name(study: str, folder: Path) -> str:
    """The name of a study's jobs, by which a later master finds them.

    It depends on the folder: a copy of a study has its own jobs.
    """
    digest = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()
    return f"{study}-{digest[:8]}"
