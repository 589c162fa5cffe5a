"""The jobs of a pool in SLURM, found by their name and by the ids from sbatch.

The name finds a job whose master was killed before it wrote the id down. The ids find a job whose
name has changed, for example because a site's SLURM changes names.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

from oneshot_hpo.cluster.slurm import commands
from oneshot_hpo.cluster.slurm.commands import Job

IDS = "ids"
"""The file with the ids, one per line, of the jobs that the masters of a pool submitted."""


class SubmittedJobs:
    """The jobs that were submitted under a name and start in a folder.

    note: file in which ids are kept for the next master.
    """

    def __init__(self, name: str, folder: Path, note: Path) -> None:
        self._name = name
        self._folder = folder
        self._note = note
        self._ids = set(note.read_text().split()) if note.exists() else set()
        self._ended: set[str] = set()

    def submit(self, script: str, *options: str) -> str:
        """Submit a script and return the job's id. Raises SlurmRefused, SlurmUnavailable."""
        # On the command line it takes precedence over the script's lines.
        job = commands.submit(script, f"--job-name={self._name}", *options)
        self._ids.add(job)
        with contextlib.suppress(OSError), self._note.open("a") as note:
            note.write(f"{job}\n")
        return job

    def alive(self) -> dict[str, Job]:
        """The jobs that have not ended, by id. Raises SlurmUnavailable."""
        jobs = {job.id: job for job in commands.jobs_by_name(self._name)}
        unnamed = self._ids - self._ended - _arrays(jobs)
        if unnamed:
            jobs |= {job.id: job for job in commands.jobs_by_id(unnamed, self._folder)}
            self._ended |= unnamed - _arrays(jobs)
        return jobs

    def cancel_all(self) -> None:
        """Cancel the jobs; returns when none is left in the queue. Raises SlurmUnavailable."""
        commands.cancel_all(lambda: self.alive().values())


def _arrays(jobs: dict[str, Job]) -> set[str]:
    """The ids of the arrays to which these jobs belong."""
    return {job.partition("_")[0] for job in jobs}
