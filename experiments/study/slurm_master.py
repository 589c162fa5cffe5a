"""The master of a study as a SLURM job of its own, which hands over to the next one."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from oneshot_hpo.cluster.slurm import commands
from oneshot_hpo.cluster.slurm.commands import Job, SlurmRefused, SlurmUnavailable
from oneshot_hpo.cluster.slurm.contact import contact_folder, remove_contact
from oneshot_hpo.cluster.slurm.job_script import MASTER_LOG, master_script
from oneshot_hpo.cluster.slurm.submitted import IDS, SubmittedJobs
from oneshot_hpo.experiments.errors import HandedOver, StudyStopped, UserError, one_line
from oneshot_hpo.experiments.study.folder import CONFIRMATION
from oneshot_hpo.experiments.study.pools import job_name
from oneshot_hpo.experiments.study.specification import StudySpec
from oneshot_hpo.experiments.study.trust import commands_of, digest_of
from oneshot_hpo.experiments.terminal.console import terminal
from oneshot_hpo.experiments.terminal.hints import say

AS_JOB = "--as-job"
"""The option of `resume` and `confirm` for a master in a SLURM job, which submits its successor."""
TRUSTED_OPTION = "--trusted"
"""The option with the digest of the commands that were trusted at submission."""


class MasterJob:
    """The SLURM jobs that are the masters of a study or its confirmation, one after the other.

    verb: what each of them runs, `oneshot-hpo resume` or `confirm`. options: its options.
    """

    def __init__(
        self,
        spec: StudySpec,
        folder: Path,
        options: Sequence[str] = (),
        *,
        verb: Literal["resume", "confirm"] = "resume",
    ) -> None:
        settings = spec.cluster.slurm_settings
        if settings is None:
            raise UserError("a master as a job is for SLURM: there is no section cluster.slurm")
        folder = folder.resolve()
        own = folder if verb == "resume" else folder / CONFIRMATION
        self._name = master_name(spec.name, own)
        self._logs = Path(settings.log_folder or own / "logs")
        self.script = master_script(
            settings,
            name=self._name,
            folder=own,
            logs=self._logs,
            command=[
                *(sys.executable, "-P", "-m", "oneshot_hpo.experiments.cli"),
                *(verb, str(folder), AS_JOB, *_trusted(spec), *options),
            ],
        )

    def check(self) -> None:
        """Let SLURM check the script. UserError: it refuses it; StudyStopped: no answer."""
        with _said("the master's job"):
            commands.check(self.script, "--chdir=/")

    def submit(self) -> str:
        """Submit the first master; returns its job and where its output will be."""
        self._logs.mkdir(parents=True, exist_ok=True)
        with _said("the master's job"):
            job = commands.submit(self.script, f"--job-name={self._name}")
        return f"job {job}; its output: {self._logs / MASTER_LOG}"

    @contextmanager
    def succession(self) -> Iterator[None]:
        """While a master works inside, a successor waits to start when this job has ended.

        It is submitted first, as a kill leaves no time for it, and cancelled when the body ends
        with a finished study or with any error but `HandedOver`.
        """
        with _said("the next master's job"):
            successor = commands.submit(
                self.script,
                f"--job-name={self._name}",
                f"--dependency=afterany:{os.environ['SLURM_JOB_ID']}",
            )
        try:
            yield
        except HandedOver:
            say(terminal(), f"handed over to job {successor}")
        except BaseException:
            commands.cancel([successor])
            raise
        else:
            commands.cancel([successor])


def master_name(study: str, folder: Path) -> str:
    """The name of a study's master jobs."""
    return f"{job_name(study, folder)}-master"


def study_queue(study: str, folder: Path) -> tuple[list[Job], list[Job]]:
    """The master's jobs and the workers' jobs of a study that are in the queue.

    Raises SlurmUnavailable or SlurmRefused if SLURM does not answer.
    """
    masters = commands.jobs_by_name(master_name(study, folder))
    return masters, list(_workers(study, folder).alive().values())


def cancel_successors(study: str, folder: Path) -> None:
    """Cancel masters that wait to start when their predecessor ends. Raises StudyStopped."""
    with _said("to cancel jobs"):
        commands.cancel_named(master_name(study, folder), "--state=PENDING")


def cancel_all(study: str, folder: Path) -> None:
    """End a study's masters and workers; returns when none is in the queue.

    StudyStopped: SLURM does not answer.
    """
    with _said("to cancel jobs"):
        commands.clear_queue(master_name(study, folder))
        _workers(study, folder).cancel_all()


def forget_workers(study: str, folder: Path) -> None:
    """Remove the key and the address by which the study's jobs find their master."""
    remove_contact(contact_folder(job_name(study, folder)))


def _workers(study: str, folder: Path) -> SubmittedJobs:
    name = job_name(study, folder)
    return SubmittedJobs(name, folder.resolve(), contact_folder(name) / IDS)


def _trusted(spec: StudySpec) -> list[str]:
    """Options that pass on to a master in a job which commands this process has trusted."""
    commands = commands_of(spec)
    return [TRUSTED_OPTION, digest_of(commands)] if commands else []


@contextmanager
def _said(what: str) -> Iterator[None]:
    try:
        yield
    except SlurmRefused as error:
        raise UserError(f"SLURM refuses {what}: {one_line(error)}") from None
    except SlurmUnavailable as error:
        raise StudyStopped(f"SLURM does not answer: {one_line(error)}") from None
