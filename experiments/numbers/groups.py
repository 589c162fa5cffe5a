"""Groups studies that differ only in their seed, as repetitions of one method."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from oneshot_hpo.experiments.numbers.methods import Method, Role
from oneshot_hpo.experiments.numbers.sources import Sources
from oneshot_hpo.experiments.numbers.study_runs import clock_seconds, clock_spent, evaluations_spent
from oneshot_hpo.experiments.objectives.section import text as objective_words
from oneshot_hpo.experiments.study.config_space import space_words
from oneshot_hpo.experiments.study.inputs import INPUTS, identity
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.experiments.study.specification import StudySpec
from oneshot_hpo.experiments.wording import configuration
from oneshot_hpo.hpo import Rerun, TrialResult
from oneshot_hpo.hpo.confirmation_view import DEFAULT
from oneshot_hpo.search_spaces import SpaceId

_NO_SETTINGS = {"name", "seed", "workers", "cluster", "versions", "checksums", "transfer"}
"""Keys of a specification that do not affect results, or that follow from others."""


@dataclass(frozen=True, eq=False)
class StudyGroup:
    """Studies of equal settings."""

    studies: list[OpenedStudy]
    detail: str
    """What distinguishes it from the other groups: "in cs2", "in cs2, 50 epochs"."""
    fixed: str
    """The part of `detail` that holds for its default configuration too: "50 epochs"."""
    setting: str | None = None
    """The one setting of their confirmations that the user named; None for tuned and default."""

    @property
    def sources(self) -> str:
        """The sources, as the user named them."""
        return ", ".join(study.source for study in self.studies)

    @property
    def tuned_something(self) -> bool:
        """Whether it has brackets, and not only the default configuration."""
        return self.studies[0].spec.iterations > 0

    @property
    def spent(self) -> float:
        """Mean evaluations of one of its studies, in units of the largest budget."""
        return sum(map(evaluations_spent, self.studies)) / len(self.studies)

    @property
    def clock_spent(self) -> float | None:
        """Mean seconds of one of its studies, of search and of training each cell found."""
        return _mean([clock_spent(study) for study in self.studies])

    def method(self, role: Role, detail: str | None = None) -> Method:
        """The method of the group in a role."""
        words = self.detail if detail is None else detail
        return Method(self.studies[0].spec.searcher, role, words)


@dataclass(frozen=True, eq=False)
class ConfirmedMethod:
    """The confirmation runs of one method, from one or more studies."""

    method: Method
    members: list[tuple[OpenedStudy, Rerun, TrialResult]]
    """Finished runs by study and seed number; equal searches appear once."""
    groups: list[StudyGroup]
    """The groups of these runs."""

    @property
    def sources(self) -> str:
        """The sources, as the user named them."""
        return ", ".join(group.sources for group in self.groups)

    @property
    def spent(self) -> float:
        """Evaluations until a run has ended: one, after those of its study if it is tuned."""
        before = [group.spent for group in self.groups] if self.method.role == "tuned" else [0.0]
        return 1 + sum(before) / len(before)

    @property
    def clock_spent(self) -> float | None:
        """The same in seconds of search and of training each cell found; None: not all known."""
        tuned = self.method.role == "tuned"
        before = _mean([group.clock_spent for group in self.groups]) if tuned else 0.0
        own = _mean([clock_seconds(study, result) for study, _, result in self.members])
        return None if before is None or own is None else before + own

    @property
    def crashed(self) -> int:
        """Number of runs that crashed."""
        return sum(result.crashed for _, _, result in self.members)


def _mean(values: Sequence[float | None]) -> float | None:
    """The mean; None if one of the values is None."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if len(known) == len(values) else None


def confirmed_settings(groups: Sequence[StudyGroup]) -> list[ConfirmedMethod]:
    """The confirmed methods: incumbent and default of each study, or the named setting.

    Defaults of studies that tuned the same searcher in different configuration spaces are one
    method. Studies with equal seeds repeat the same searches; these count once.
    """
    found: dict[Method, ConfirmedMethod] = {}
    for group in groups:
        for study in group.studies:
            confirmation = study.confirmation
            if confirmation is None:
                continue

            names = [group.setting] if group.setting else [confirmation.tuned, DEFAULT]
            for name in dict.fromkeys(names):
                if name is None or name not in confirmation.settings:
                    continue
                method = _confirmed(group, name, confirmation.tuned)
                one = found.setdefault(method, ConfirmedMethod(method, [], []))
                if group not in one.groups:
                    one.groups.append(group)

                known = {_search(name, run) for _, run, _ in one.members}
                one.members.extend(
                    (study, run, result)
                    for run, result in confirmation.results_of(name).values()
                    if _search(name, run) not in known
                )
    return list(found.values())


def _search(setting: str, run: Rerun) -> tuple[int, str]:
    """A key that is equal for equal searches of a method.

    The default configuration is left out: it holds only what its study tunes.
    """
    return run.seed, "" if setting == DEFAULT else str(sorted(run.config.items()))


def _confirmed(group: StudyGroup, name: str, tuned: str | None) -> Method:
    if name == DEFAULT:
        return group.method("default", group.fixed)
    if name == tuned:
        return group.method("tuned")
    return group.method("setting", f"{name}, {group.detail}")


def group_studies(sources: Sources, space: SpaceId) -> list[StudyGroup]:
    """Group the studies of a space by their settings without seeds, in the order given."""
    members: dict[str, list[OpenedStudy]] = {}
    setting_of: dict[str, str | None] = {}
    for study, setting in zip(sources.studies, sources.settings, strict=True):
        if study.spec.space == space:
            key = json.dumps([_settings(study), setting], sort_keys=True)
            members.setdefault(key, []).append(study)
            setting_of[key] = setting

    firsts = [group[0].located for group in members.values()]
    fixed = [_fixed(spec, firsts) for spec in firsts]
    details = [
        ", ".join(filter(None, [f"in {spec.space_label}", words]))
        for spec, words in zip(firsts, fixed, strict=True)
    ]
    groups = []
    for number, (key, group) in enumerate(members.items()):
        spec, detail = firsts[number], details[number]
        alike = [
            other
            for other, words in zip(firsts, details, strict=True)
            if other.searcher == spec.searcher and words == detail
        ]
        if len(alike) > 1:
            detail += f", {_differing(spec, alike)}"
        groups.append(StudyGroup(group, detail, fixed[number], setting_of[key]))
    return groups


def _settings(study: OpenedStudy) -> dict[str, Any]:
    spec = study.located
    document = spec.model_dump(mode="json")
    document |= {key: identity(spec, key) for key in INPUTS}
    return {key: value for key, value in document.items() if key not in _NO_SETTINGS}


def _fixed(own: StudySpec, others: Sequence[StudySpec]) -> str:
    """Fixed settings of the search that differ between studies of a searcher, in words."""
    alike = [other for other in others if other.searcher == own.searcher]
    words = []
    if any(other.max_budget != own.max_budget for other in alike):
        words.append(f"{own.max_budget} epochs")
    # A space of its own may have other defaults than the fixed settings.
    of_others = [other.default_settings for other in alike]
    search = {
        key: value
        for key, value in own.default_settings.items()
        if any(other.get(key) != value for other in of_others)
    }
    if any(identity(other, "dataset") != identity(own, "dataset") for other in alike):
        search["dataset"] = own.dataset
    if search:
        words.append(configuration(search))
    return ", ".join(words)


def _differing(own: StudySpec, others: Sequence[StudySpec]) -> str:
    """What differs between studies with equal searches: of optimizer and ranges, in words."""
    optimizer = {
        key: getattr(own, key)
        for key in ("min_budget", "eta", "iterations", "objective", "bohb")
        if any(getattr(other, key) != getattr(own, key) for other in others)
    }
    if "objective" in optimizer:
        optimizer["objective"] = objective_words(own.objective)
    spaces = [space_words(other.config_space) for other in others]
    space = {
        key: words
        for key, words in space_words(own.config_space).items()
        if any(other.get(key) != words for other in spaces)
    }
    return configuration(optimizer | space)
