"""A study's configurations on the axes of its hyperparameters, with the result of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from ConfigSpace.hyperparameters import (
    CategoricalHyperparameter,
    FloatHyperparameter,
    Hyperparameter,
    IntegerHyperparameter,
    OrdinalHyperparameter,
)
from numpy.typing import NDArray

from oneshot_hpo.experiments.errors import NotEnoughData
from oneshot_hpo.experiments.numbers.sources import finished_trials
from oneshot_hpo.experiments.objectives.section import VALIDATION
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.experiments.wording import number
from oneshot_hpo.hpo import Trial, TrialResult
from oneshot_hpo.hpo.bohb.encoding import Encoding

Array = NDArray[np.float64]


@dataclass(frozen=True)
class AxisScale:
    """One hyperparameter, as ConfigSpace scales it to [0, 1]."""

    name: str
    log: bool
    ticks: tuple[tuple[float, str], ...]
    """Positions in [0, 1] with their labels, ascending."""


@dataclass(frozen=True, eq=False)
class Configurations:
    """N configurations in the order of ask, each with its result at its largest budget."""

    axes: list[AxisScale]
    """d axes; a hyperparameter with a single value has none."""
    places: Array
    """(N, d) in [0, 1]; NaN where a hyperparameter is inactive."""
    values: list[dict[str, Any]]
    """N configurations, unscaled."""
    keys: list[str]
    """N names, "baseline" and "0-0-3"."""
    budgets: Array
    """(N,) the largest budget that has a result, in epochs."""
    losses: Array
    """(N,) losses there; infinite for a crash."""
    default: int | None
    """Index of the default configuration."""
    incumbent: int | None
    """Index of the incumbent."""
    measure: str = VALIDATION
    """What is minimised (`OpenedStudy.measure`)."""

    @property
    def crashed(self) -> NDArray[np.bool_]:
        """Which configurations crashed, (N,)."""
        return np.isinf(self.losses)


def configurations(study: OpenedStudy) -> Configurations:
    """The configurations of a study. NotEnoughData: nothing was tuned, or no trial has finished."""
    evaluations = sorted(finished_trials(study), key=lambda pair: (pair[0].seq, pair[0].budget))
    encoding = Encoding(study.view.space)
    if not encoding.dimensions:
        raise NotEnoughData(f"{study.source}: the study tunes no hyperparameter")

    last: dict[str, tuple[Trial, TrialResult]] = {}
    for trial, result in evaluations:
        key = trial.key.split("/")[0]
        if key not in last or trial.budget > last[key][0].budget:
            last[key] = (trial, result)

    incumbent = study.view.incumbent
    keys = list(last)
    return Configurations(
        axes=axis_scales(study),
        places=unit_places(encoding, [trial.config for trial, _ in last.values()]),
        values=[dict(trial.config) for trial, _ in last.values()],
        keys=keys,
        budgets=np.array([trial.budget for trial, _ in last.values()], float),
        losses=np.array(
            [np.inf if r.crashed or r.loss is None else r.loss for _, r in last.values()]
        ),
        default=keys.index("baseline") if "baseline" in keys else None,
        incumbent=None if incumbent is None else keys.index(incumbent[0].key.split("/")[0]),
        measure=study.measure,
    )


def unit_places(encoding: Encoding, configs: Sequence[Mapping[str, Any]]) -> Array:
    """Configurations as (N, d) in [0, 1], by `Encoding`, with categories evenly spaced."""
    places = np.array([encoding.encode(config) for config in configs], float)
    scaled: Array = places.reshape(len(configs), encoding.dimensions) / np.maximum(
        1, encoding.levels - 1
    )
    return scaled


def axis_scales(study: OpenedStudy) -> list[AxisScale]:
    """The axes of `Encoding`'s dimensions, in its order."""
    found = [_axis(hyperparameter) for hyperparameter in study.view.space.values()]
    return [axis for axis in found if len(axis.ticks) > 1]


def _axis(hyperparameter: Hyperparameter) -> AxisScale:
    name = hyperparameter.name
    if isinstance(hyperparameter, CategoricalHyperparameter):
        choices = hyperparameter.choices
        last = max(1, len(choices) - 1)
        ticks = tuple((place / last, number(choice)) for place, choice in enumerate(choices))
        return AxisScale(name, False, ticks)
    if isinstance(hyperparameter, OrdinalHyperparameter):
        sequence = hyperparameter.sequence
        ticks = tuple(((i + 0.5) / len(sequence), number(v)) for i, v in enumerate(sequence))
        return AxisScale(name, False, ticks)
    if not isinstance(hyperparameter, FloatHyperparameter | IntegerHyperparameter):
        return AxisScale(name, False, ())  # a constant
    low, high, log = hyperparameter.lower, hyperparameter.upper, hyperparameter.log
    whole = isinstance(hyperparameter, IntegerHyperparameter)
    values = _tick_values(float(low), float(high), log, whole=whole)
    legal: list[Any] = [int(value) if whole else value for value in values]
    return AxisScale(
        name, log, tuple((float(hyperparameter.to_vector(v)), _written(v)) for v in legal)
    )


def _tick_values(low: float, high: float, log: bool, *, whole: bool) -> Sequence[float]:
    """Both ends and a few round values between them."""
    if log and high / low >= 100:
        powers = np.arange(np.ceil(np.log10(low) - 1e-9), np.floor(np.log10(high) + 1e-9) + 1)
        between = [float(f"1e{int(power)}") for power in powers]
    elif log:
        between = [low * 2**k for k in range(1, int(np.log2(high / low)) + 1)]
    else:
        step = _round_step((high - low) / 4)
        first = np.ceil(low / step + 0.4)
        between = [n * step for n in np.arange(first, high / step - 0.4)]
    values = sorted({low, high, *between})
    return sorted({float(round(v)) for v in values}) if whole else values


def _round_step(step: float) -> float:
    """The nearest of 1, 2, 2.5 and 5 times a power of ten."""
    power = 10.0 ** np.floor(np.log10(step))
    return float(min((power * n for n in (1, 2, 2.5, 5, 10)), key=lambda one: abs(one - step)))


def _written(value: float) -> str:
    """A number in short form: 1e-5, not 1e-05."""
    return f"{value:.6g}".replace("e-0", "e-").replace("e+0", "e")
