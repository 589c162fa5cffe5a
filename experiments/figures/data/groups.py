"""Studies that differ in their seed alone are repetitions of one method."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from experiments.figures.data.sources import StudySource
from experiments.figures.data.study_runs import evaluations_spent
from experiments.figures.methods import Method, Role
from experiments.wording import configuration
from hpo.confirmation_view import DEFAULT

_NO_SETTINGS = {"name", "seed", "workers", "cluster", "versions"}
"""Keys of a specification that do not decide what is compared."""


@dataclass(frozen=True, eq=False)
class StudyGroup:
    """Studies of equal settings."""

    studies: list[StudySource]
    detail: str
    """What sets it apart from the other groups: "in cs2", "in cs2, 50 epochs"."""

    @property
    def sources(self) -> str:
        """As the user named them."""
        return ", ".join(study.source for study in self.studies)

    @property
    def tuned_something(self) -> bool:
        """Whether it has brackets, and not only the default configuration."""
        return self.studies[0].spec.iterations > 0

    @property
    def spent(self) -> float:
        """Evaluations that a study of it took, in the mean."""
        return sum(map(evaluations_spent, self.studies)) / len(self.studies)

    def method(self, role: Role, detail: str | None = None) -> Method:
        """What the group did, in a role."""
        words = self.detail if detail is None else detail
        return Method(self.studies[0].spec.searcher, role, words)

    def settings(self) -> list[tuple[Method, list[tuple[StudySource, str]]]]:
        """What was confirmed: by method, the studies with the name of the setting in them.

        The incumbent and the default of each, or the one that the user named.
        """
        found: dict[Method, list[tuple[StudySource, str]]] = {}
        for study in self.studies:
            confirmation = study.confirmation
            if confirmation is None:
                continue
            names = [study.setting] if study.setting else [confirmation.tuned, DEFAULT]
            for name in dict.fromkeys(names):
                if name is None or name not in confirmation.settings:
                    continue
                found.setdefault(self._confirmed(name, confirmation.tuned), []).append(
                    (study, name)
                )
        return list(found.items())

    def _confirmed(self, name: str, tuned: str | None) -> Method:
        if name == DEFAULT:
            words = self.detail.removeprefix(f"in {self.studies[0].spec.config_space}")
            return self.method("default", words.removeprefix(", "))
        if name == tuned:
            return self.method("tuned")
        return self.method("setting", f"{name}, {self.detail}")


def group_studies(studies: Sequence[StudySource]) -> list[StudyGroup]:
    """Studies with the same settings, seeds apart, in the order in which they first come."""
    groups: dict[str, list[StudySource]] = {}
    for study in studies:
        key = json.dumps([_settings(study), study.setting], sort_keys=True)
        groups.setdefault(key, []).append(study)
    members = list(groups.values())
    return [StudyGroup(group, _detail(group[0], [one[0] for one in members])) for group in members]


def _settings(study: StudySource) -> dict[str, Any]:
    document = study.spec.model_dump(mode="json")
    return {key: value for key, value in document.items() if key not in _NO_SETTINGS}


def _detail(study: StudySource, others: Sequence[StudySource]) -> str:
    """The configuration space, and in what else it differs from others of its searcher."""
    own = study.spec
    alike = [other.spec for other in others if other.spec.searcher == own.searcher]
    words = [f"in {own.config_space}"]
    if any(other.max_budget != own.max_budget for other in alike):
        words.append(f"{own.max_budget} epochs")
    search = {
        key: value
        for key, value in own.search.items()
        if any(other.search.get(key) != value for other in alike)
    }
    if search:
        words.append(configuration(search))
    rest = {
        key: getattr(own, key)
        for key in ("dataset", "objective", "min_budget", "eta", "iterations", "bohb")
        if any(getattr(other, key) != getattr(own, key) for other in alike)
    }
    if rest:
        words.append(configuration(rest))
    return ", ".join(words)
