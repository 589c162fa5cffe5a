"""The path from the default to the incumbent, one hyperparameter at a time.

Fawcett and Hoos (2016, Journal of Heuristics 22, 431) change, at each step, the hyperparameter that
helps most, which takes searches with every one that is left. Here a random forest of the study's
own trials chooses it, as Biedenkapp et al. (2017, AAAI) do, and only the chosen path is searched,
with fresh seeds. So the order is a model's guess, and what each step brings is measured.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from ConfigSpace import ConfigurationSpace
from ConfigSpace.exceptions import ForbiddenValueError
from ConfigSpace.util import deactivate_inactive_hyperparameters
from rich.console import Console

from oneshot_hpo.experiments.numbers.configurations import unit_places
from oneshot_hpo.experiments.numbers.importance import LEAST_TRIALS
from oneshot_hpo.experiments.numbers.path import (
    ORDER,
    PATH,
    order_words,
    path_name,
    path_settings,
)
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.experiments.terminal.hints import say, say_paragraph
from oneshot_hpo.hpo import Confirmation
from oneshot_hpo.hpo.bohb.encoding import Encoding
from oneshot_hpo.hpo.plain import plain

Config = dict[str, Any]
_TREES = 128


@dataclass(frozen=True)
class PlannedPath:
    """The settings between default and incumbent, in their order."""

    settings: dict[str, Config]
    """By name; without default and incumbent, which are confirmed in any case."""
    changes: list[list[str]]
    """The hyperparameters that each step changes, the last one to the incumbent."""
    order: dict[str, Any]
    """What the order rests on, for the journal: `numbers.path.order_words` puts it in words."""


def planned_path(study: OpenedStudy, default: Config, incumbent: Config, name: str) -> PlannedPath:
    """The path to the incumbent with this name; a path that was begun before is continued."""
    before: dict[str, Config] = {}
    if study.confirmation is not None:
        before = path_settings(study.confirmation, name)
    forest = _Forest.of(study)

    configs = [default, *before.values()]
    while (following := _next(study.view.space, forest, configs[-1], incumbent)) != incumbent:
        configs.append(following)

    settings = {path_name(name, number): own for number, own in enumerate(configs[1:], start=1)}
    pairs = zip(configs, [*configs[1:], incumbent], strict=True)
    changes = [differing(one, two) for one, two in pairs]
    return PlannedPath(settings, changes, {PATH: name, ORDER: forest.facts})


def plan_path(console: Console, confirmation: Confirmation, path: PlannedPath, seeds: int) -> None:
    """Plan the settings of a path, journal what its order rests on, and say it."""
    if not any(note.get(PATH) == path.order[PATH] for note in confirmation.notes):
        confirmation.note("path", path.order)
    for name, config in path.settings.items():
        confirmation.plan(name, config, seeds)

    count = len(path.changes)
    order = next(note for note in confirmation.notes if note.get(PATH) == path.order[PATH])
    say(console, f"path: {', then '.join(' with '.join(step) for step in path.changes)}")
    say_paragraph(console, order_words(order[ORDER]))
    if count > 1:
        greedy = sum(range(2, count + 1))
        say(
            console,
            f"settings between default and tuned: {count - 1}; choosing each step by searches "
            f"would take up to {greedy}",
        )


def differing(one: Mapping[str, Any], two: Mapping[str, Any]) -> list[str]:
    """Hyperparameters that have other values, or are active in one configuration alone."""
    return [key for key in dict.fromkeys((*one, *two)) if one.get(key, ()) != two.get(key, ())]


def _next(space: ConfigurationSpace, forest: _Forest, current: Config, incumbent: Config) -> Config:
    """The configuration after the step that the forest likes best.

    Where constraints allow no single change, all that is left changes at once.
    """
    steps = []
    for name in differing(current, incumbent):
        step = _changed(space, current, incumbent, name)
        if step is not None and step != current:
            steps.append(step)
    if not steps:
        return incumbent
    return steps[int(np.argmin(forest.losses(steps)))]


def _changed(
    space: ConfigurationSpace, current: Config, incumbent: Config, name: str
) -> Config | None:
    """One hyperparameter changed to the incumbent's value; None: the space forbids that.

    What becomes active with it has the incumbent's value, too, or else its own default.
    """
    if name not in incumbent:
        return None  # it becomes inactive when the one that it depends on changes
    defaults = {key: space[key].default_value for key in space}
    everything = defaults | incumbent | current | {name: incumbent[name]}
    try:
        found = dict(deactivate_inactive_hyperparameters(everything, space))
    except ForbiddenValueError:
        return None
    return {key: plain(found)[key] for key in space if key in found}


class _Forest:
    """A forest of a study's trials at one budget, or none where there are too few of them."""

    def __init__(self, encoding: Encoding, model: Any, facts: dict[str, Any]) -> None:
        self._encoding = encoding
        self._model = model
        self.facts = facts
        """budget, trials and explained (R² on unseen trials); empty without a forest."""

    @classmethod
    def of(cls, study: OpenedStudy) -> _Forest:
        """At the largest budget with LEAST_TRIALS trials whose losses differ."""
        encoding = Encoding(study.view.space)
        results = [pair for pair in study.view.evaluations if not pair[1].crashed]
        for budget in sorted({trial.budget for trial, _ in results}, reverse=True):
            here = [(trial, result) for trial, result in results if trial.budget == budget]
            losses = np.array([result.loss for _, result in here], float)
            if len(here) < LEAST_TRIALS or np.ptp(losses) == 0:
                continue

            from sklearn.ensemble import RandomForestRegressor

            places = _places(encoding, [trial.config for trial, _ in here])
            model = RandomForestRegressor(
                _TREES, min_samples_leaf=2, oob_score=True, random_state=0
            ).fit(places, losses)
            explained = round(float(model.oob_score_), 4)
            return cls(
                encoding, model, {"budget": budget, "trials": len(here), "explained": explained}
            )
        return cls(encoding, None, {})

    def losses(self, configs: Sequence[Config]) -> np.ndarray:
        """The predicted losses; all equal without a forest, so that the space's order decides."""
        if self._model is None:
            return np.zeros(len(configs))
        found: np.ndarray = self._model.predict(_places(self._encoding, configs))
        return found


def _places(encoding: Encoding, configs: Sequence[Mapping[str, Any]]) -> np.ndarray:
    """Configurations in the unit cube; what is inactive is in the middle of its range."""
    places = unit_places(encoding, configs)
    return np.where(np.isnan(places), 0.5, places)
