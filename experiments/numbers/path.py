"""What each hyperparameter brought on the path from the default to the incumbent."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from oneshot_hpo.experiments.compare.comparing import SEED
from oneshot_hpo.experiments.compare.sources import confirmed_study
from oneshot_hpo.experiments.compare.statistics import (
    Comparison,
    Interval,
    Question,
    compare_all,
    median_interval,
)
from oneshot_hpo.experiments.errors import NotEnoughData
from oneshot_hpo.experiments.numbers.sample import Sample, matched
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.hpo import ConfirmationView
from oneshot_hpo.hpo.confirmation_view import DEFAULT

PATH, ORDER = "path", "order"
"""Keys of a note in a confirmation's journal: the incumbent, and what the order rests on."""
_NAME = re.compile(r"path\.(?P<incumbent>.+)\.(?P<number>\d+)")


def path_name(incumbent: str, number: int) -> str:
    """The name of the setting after step `number`, from 1, on the path to an incumbent."""
    return f"path.{incumbent}.{number}"


def is_path_name(name: str) -> bool:
    """Whether a setting of this name is on a path."""
    return _NAME.fullmatch(name) is not None


def path_settings(confirmation: ConfirmationView, incumbent: str) -> dict[str, dict[str, Any]]:
    """The settings on the path to an incumbent, in their order."""
    found = {}
    for number in range(1, len(confirmation.settings) + 1):
        setting = confirmation.settings.get(path_name(incumbent, number))
        if setting is None:
            break
        found[setting.name] = setting.config
    return found


@dataclass(frozen=True)
class Step:
    """One step of a path: a setting, beside the one before it."""

    setting: str
    changed: Mapping[str, tuple[Any, Any]]
    """The values before and after, None for inactive, by hyperparameter."""
    sample: Sample
    gain: float
    """The median of the pairs' improvements; infinite or NaN where searches crashed."""
    gain_interval: Interval | None
    """None with too few pairs, or where searches crashed."""
    comparison: Comparison
    """With the setting before; p values hold for all steps together."""


@dataclass(frozen=True)
class AblationPath:
    """The path of a study's confirmation."""

    default: Sample
    steps: list[Step]
    order: Mapping[str, Any]
    """What the order rests on: budget, trials, explained; empty: the order of the space."""


def has_path(study: OpenedStudy) -> bool:
    """Whether the confirmation has a path to its tuned setting."""
    own = study.confirmation
    if own is None or own.tuned in (None, DEFAULT):
        return False
    return any(note.get(PATH) == own.tuned for note in own.notes)


def ablation_path(study: OpenedStudy) -> AblationPath:
    """What each step brought. NotEnoughData: there is no path, or a setting has no result yet."""
    own = study.confirmation
    if own is None or not has_path(study):
        raise NotEnoughData(f"{study.source}: no path was confirmed")
    assert own.tuned is not None
    names = [DEFAULT, *path_settings(own, own.tuned), own.tuned]
    if not all(own.results_of(name) for name in names):
        raise NotEnoughData(f"{study.source}: a setting of the path has no finished run yet")

    samples = [confirmed_study(study, name, all_crashed=True).main for name in names]
    questions = [Question(*matched(after, before)) for before, after in itertools.pairwise(samples)]
    answers = compare_all(questions, SEED)
    steps = []
    for number, (question, answer) in enumerate(zip(questions, answers, strict=True), start=1):
        gain, bounds = _gain(question)
        configs = [own.settings[names[place]].config for place in (number - 1, number)]
        steps.append(Step(names[number], _changes(*configs), samples[number], gain, bounds, answer))
    notes = [note for note in own.notes if note.get(PATH) == own.tuned]
    return AblationPath(samples[0], steps, notes[-1].get(ORDER, {}))


def order_words(order: Mapping[str, Any]) -> str:
    """What the order of a path rests on, in a sentence."""
    if not order:
        return "The order is that of the configuration space: too few trials to learn one from."
    words = (
        f"The order was chosen by a random forest of the study's {order['trials']} trials at "
        f"{order['budget']:g} epochs (R² {order['explained']:.2f} on unseen trials), not by "
        "searches"
    )
    if order["explained"] <= 0:
        words += "; it predicts no better than the mean, so the order means nothing"
    return f"{words}."


def step_words(changed: Mapping[str, tuple[Any, Any]]) -> str:
    """The change of a step: "learning_rate 0.025 → 0.1"."""
    from oneshot_hpo.experiments.wording import number

    def shown(value: Any) -> str:
        return "inactive" if value is None else number(value)

    return ", ".join(f"{name} {shown(a)} → {shown(b)}" for name, (a, b) in changed.items())


def _gain(question: Question) -> tuple[float, Interval | None]:
    """The median improvement over the setting before, and its interval."""
    if question.paired:
        with np.errstate(invalid="ignore"):
            gains = question.second - question.first
    else:  # no seed in common: of the medians, without an interval
        return float(np.median(question.second) - np.median(question.first)), None
    bounds = None
    if np.isfinite(gains).all():
        bounds = median_interval(gains, np.random.default_rng(SEED))
    return float(np.median(gains)), bounds


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    return {
        key: (before.get(key), after.get(key))
        for key in dict.fromkeys((*before, *after))
        if before.get(key) != after.get(key)
    }
