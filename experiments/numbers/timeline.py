"""When each trial ran, in parallel with which others, in which bracket."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from oneshot_hpo.experiments.numbers.sources import finished_trials
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.hpo import Trial, TrialResult

State = Literal["finished", "crashed", "unfinished"]

_UNITS = ((86400.0, "days"), (3600.0, "hours"), (60.0, "minutes"), (1.0, "seconds"))


def unit_of(seconds: float) -> tuple[float, str]:
    """The unit of an axis that ends at `seconds`: its seconds, and its name."""
    return next(unit for unit in _UNITS if seconds >= 2 * unit[0] or unit[0] == 1)


@dataclass(frozen=True)
class Bar:
    """One trial on a worker; times in seconds since the study's first event."""

    key: str
    """"0-0-3/9"."""
    bracket: int
    """From 0; -1 for the default configuration, which is in no bracket."""
    budget: int | float
    """In epochs."""
    start: float
    """When its last attempt started on a worker; if unknown, when it was submitted."""
    end: float
    """When it finished; if unfinished, the time of the journal's last event."""
    state: State
    lane: int
    """From 0. The journal does not name workers, so each trial is put in the lowest free lane;
    there are as many lanes as trials ran at the same time."""
    attempts: int
    """1 for a trial whose worker was never lost."""


@dataclass(frozen=True)
class Loss:
    """The loss of a worker, or of the connection to it, during a trial."""

    key: str
    bracket: int
    time: float
    """Seconds since the study's first event."""
    reason: str


@dataclass(frozen=True)
class RungSpan:
    """A rung from its first trial to its last one."""

    bracket: int
    """As for a bar."""
    budget: int | float
    start: float
    end: float
    trials: int
    """Trials started so far."""


@dataclass(frozen=True)
class Timeline:
    """The timeline of a study."""

    bars: list[Bar]
    """By start."""
    losses: list[Loss]
    """By time."""
    budgets: list[int | float]
    """Ascending."""
    lanes: int
    """The most trials that ran at the same time."""
    brackets: int
    """Brackets started so far."""
    end: float
    """When the last trial finished, or the time of the journal's last event."""
    finished: bool
    """Whether the study is finished."""

    @property
    def rungs(self) -> list[RungSpan]:
        """Rungs by bracket and budget."""
        bars: dict[tuple[int, int | float], list[Bar]] = {}
        for bar in self.bars:
            bars.setdefault((bar.bracket, bar.budget), []).append(bar)
        return [
            RungSpan(*key, min(b.start for b in own), max(b.end for b in own), len(own))
            for key, own in sorted(bars.items())
        ]

    @property
    def busy(self) -> float:
        """Share of the lanes' time up to the end in which a trial ran."""
        total = self.lanes * self.end
        return sum(bar.end - bar.start for bar in self.bars) / total if total else 0.0


def timeline(study: OpenedStudy) -> Timeline:
    """The timeline of a study, also if all trials crashed. NotEnoughData: none has finished."""
    finished = finished_trials(study)
    bracket_of = study.view.bracket_of
    assert study.times.first is not None  # a trial was submitted before it finished
    pending: list[tuple[Trial, TrialResult | None]] = [(t, None) for t in study.view.pending]
    trials = [*finished, *pending]
    spans = [(*_span(study, trial, result), trial, result) for trial, result in trials]

    # Clocks of workers may differ from the master's: nothing ends after the last event.
    zero = min(study.times.first, min(start for start, _, _, _ in spans))

    free: list[float] = []
    bars = []
    for start, end, trial, result in sorted(spans, key=lambda span: (span[0], span[2].seq)):
        lane = next((n for n, until in enumerate(free) if until <= start + _SLACK), len(free))
        free[lane : lane + 1] = [end]
        state: State = "finished"
        if result is None:
            state = "unfinished"
        elif result.crashed:
            state = "crashed"
        bars.append(
            Bar(
                trial.key,
                bracket_of(trial),
                trial.budget,
                start - zero,
                end - zero,
                state,
                lane,
                trial.attempt + 1,
            )
        )

    losses = [
        Loss(retry.trial.key, bracket_of(retry.trial), retry.time - zero, retry.reason)
        for retry in study.view.retries
    ]
    return Timeline(
        bars=bars,
        losses=losses,
        budgets=sorted({bar.budget for bar in bars}),
        lanes=len(free),
        brackets=len({bar.bracket for bar in bars if bar.bracket >= 0}),
        end=max(end for _, end, _, _ in spans) - zero,
        finished=study.view.finished,
    )


_SLACK = 1e-3  # seconds by which a worker's trials may seem to overlap


def _span(study: OpenedStudy, trial: Trial, result: TrialResult | None) -> tuple[float, float]:
    record = study.view.record(trial)
    if result is None or record.finished_at is None:
        return record.submitted_at, study.times.latest
    start = result.timestamps.get("started", record.submitted_at)
    end = result.timestamps.get("finished", record.finished_at)
    return start, max(start, end)
