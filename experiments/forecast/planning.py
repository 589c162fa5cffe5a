"""From a study to what a simulation needs: its plan, and the conditions that it runs under."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from oneshot_hpo.cluster.slurm.commands import SlurmRefused, queue_waits
from oneshot_hpo.cluster.slurm.settings import limit_seconds
from oneshot_hpo.experiments import machine
from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.forecast.conditions import Conditions, Pace
from oneshot_hpo.experiments.forecast.forecasting import Plan
from oneshot_hpo.experiments.study.completion import with_space
from oneshot_hpo.experiments.study.specification import StudySpec
from oneshot_hpo.hpo import Observation

_CIFAR10_PIXELS = 32
"""A study can be forecast before its data are here."""


@dataclass(frozen=True, kw_only=True)
class Interruptions:
    """What the user says of queues and lost workers; None: what is known, or nothing."""

    queue_waits: Sequence[float] | None = None
    """Seconds, each as likely."""
    preemptions: float = 0.0
    losses: float = 0.0
    crash_share: float | None = None


def plan_of(spec: StudySpec, prior: Sequence[Observation] = ()) -> Plan:
    """The plan of a study whose model begins with `prior`.

    Neither the table nor, for CIFAR-10, the data set has to be here.
    """
    settings = spec.optimizer_settings
    if spec.command is None and spec.dataset == "cifar10" and not spec.search.get("image_size"):
        sized = spec.search | {"image_size": _CIFAR10_PIXELS}
        spec = spec.model_copy(update={"search": sized})
    space = with_space(spec).configuration_space()
    return Plan(settings=settings, space=space, prior=prior, stop=spec.stop.rules)


def workers_of(spec: StudySpec) -> int:
    """The most workers of a study. UserError: one under SLURM sets no number."""
    if spec.workers is not None:
        return spec.workers
    if spec.cluster.slurm is not None:
        raise UserError("with SLURM, say how many jobs work at once: --workers")
    return machine.default_workers(spec.cluster.workers_per_gpu)


def conditions_of(
    spec: StudySpec, pace: Pace, workers: int, interruptions: Interruptions
) -> Conditions:
    """The conditions of a study: those of SLURM's jobs where it has them."""
    slurm = spec.cluster.slurm_settings
    waits = interruptions.queue_waits
    if waits is None:
        waits = [] if slurm is None else known_waits(slurm.partition)
    limit = None if slurm is None or slurm.time is None else limit_seconds(slurm.time)
    return Conditions(
        pace=pace,
        workers=workers,
        queue_waits=tuple(waits),
        time_limit=limit,
        notice=0.0 if slurm is None or limit is None else float(slurm.notice),
        preemptions=interruptions.preemptions,
        losses=interruptions.losses,
        max_attempts=spec.cluster.max_attempts,
    )


def known_waits(partition: str | None) -> list[float]:
    """Waits of the user's latest jobs in this partition; empty where SLURM does not know."""
    try:
        return queue_waits(partition)
    except SlurmRefused:
        return []
