"""What a study's time depends on, beside its brackets: pace, workers, queue, interruptions."""

from __future__ import annotations

from dataclasses import dataclass

from oneshot_hpo.experiments.errors import UserError

GIVEN_SPREAD = 0.1
"""Assumed error of a pace that is given or was measured, as sigma of its logarithm: a tenth."""
COUNTED_SPREAD = 0.5
"""Likewise, of a pace that only counts operations."""
TRIAL_SPREAD = 0.15
"""Assumed spread of trials around the study's pace, likewise; other configurations take longer."""


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How long trials take on one worker."""

    epoch_seconds: float
    """Mean seconds of an epoch; more than 0."""
    trial_seconds: float = 0.0
    """Seconds of a trial beside its epochs: its start, and its objective."""
    objective_seconds: float = 0.0
    """The objective's part of them, which a study's limit of GPU hours counts, too."""
    start_seconds: float = 0.0
    """Seconds in which a worker starts, before its first trial."""
    load_seconds: float = 0.0
    """Seconds that its first trial takes longer: libraries and data are loaded."""
    spread: float = GIVEN_SPREAD
    """Uncertainty of the mean, as sigma of its logarithm: it is the same for all trials."""
    trial_spread: float = TRIAL_SPREAD
    """Spread of single trials around the mean, likewise."""
    crash_share: float = 0.0
    """Share of the trials that crash, each at a random moment."""
    basis: str = "as given"
    """Where the numbers come from, in words."""

    def __post_init__(self) -> None:
        if not self.epoch_seconds > 0:
            raise UserError(f"an epoch takes more than 0 seconds, not {self.epoch_seconds:g}")
        if not 0 <= self.crash_share < 1:
            raise UserError(f"the share of crashes is from 0 to 1, not {self.crash_share:g}")


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """The workers that a study runs on, and what interrupts them."""

    pace: Pace
    workers: int
    """The most that work at the same time."""
    queue_waits: tuple[float, ...] = ()
    """Seconds that a worker waits in a queue before it starts, each as likely; (): no queue."""
    time_limit: float | None = None
    """Seconds after which a worker is ended and another one is queued; its trial saves first."""
    notice: float = 0.0
    """Seconds before the limit at which the trial stops."""
    preemptions: float = 0.0
    """Workers taken away, an hour of each worker; the trial saves first."""
    losses: float = 0.0
    """Workers that die, an hour of each worker; the trial goes back to its last epoch."""
    max_attempts: int = 3
    """Attempts at a trial whose worker died, until it counts as crashed."""

    def __post_init__(self) -> None:
        if self.time_limit is not None and self.time_limit - self.notice <= self.lead:
            raise UserError(
                f"a worker's time limit of {self.time_limit:g} s leaves nothing for trials: "
                f"{self.notice:g} s are notice, and {self.lead:.3g} s pass until one begins"
            )

    @property
    def lead(self) -> float:
        """Seconds of a worker before the first epoch of a trial."""
        return self.pace.start_seconds + self.pace.load_seconds + self.pace.trial_seconds
