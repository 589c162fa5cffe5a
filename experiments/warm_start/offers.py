"""What a study or an HpBandSter run has to offer to a new study."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.exports.hpbandster import CONFIGS, RESULTS
from oneshot_hpo.experiments.exports.hpbandster_run import read_any_run
from oneshot_hpo.experiments.objectives.section import LOSS, loss_name, text
from oneshot_hpo.experiments.study.inputs import INPUTS
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.experiments.study.pairing import short_name
from oneshot_hpo.experiments.study.sources import Source
from oneshot_hpo.experiments.study.specification import StudySpec
from oneshot_hpo.experiments.wording import number
from oneshot_hpo.hpo import Observation
from oneshot_hpo.hpo.bohb.encoding import tuned_names
from oneshot_hpo.hpo.journal.file import JOURNAL_NAME


@dataclass(frozen=True)
class Offer:
    """The results of one source, in its own configuration space."""

    folder: Path
    """As the user named it."""
    results: Sequence[Observation]
    """In the order in which they arrived."""
    tuned: frozenset[str]
    """The hyperparameters that it tuned."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """The values of its other settings; empty where they are unknown, as for a run."""
    study: OpenedStudy | None = None
    """The study; None for an HpBandSter run."""
    incomparable: Sequence[str] = ()
    """Why its losses cannot be compared with the new study's, in words; empty if they can."""
    differs: Sequence[str] = ()
    """What else is different in the new study, in words."""
    unusable: Sequence[str] = ()
    """A message for each line of a run that could not be used."""

    @property
    def checksum(self) -> str:
        """SHA-256 of its results."""
        return checksum_of(self.results)

    @property
    def identity(self) -> str | None:
        """The study's identity; None for a run."""
        return None if self.study is None else self.study.identity

    @property
    def sources(self) -> Sequence[Source]:
        """What the source itself began with."""
        return [] if self.study is None else self.study.sources


def checksum_of(results: Sequence[Observation]) -> str:
    """SHA-256 of results: their configurations, budgets and losses, in order."""
    rows = [[one.config, one.budget, one.loss] for one in results]
    return hashlib.sha256(json.dumps(rows, sort_keys=True).encode()).hexdigest()


def read_offer(folder: Path, spec: StudySpec, *, skip_bad: bool, any_loss: bool) -> Offer:
    """What the study or run in `folder` offers to a study with this complete specification.

    skip_bad: leave out lines of a run that cannot be used; else the first one raises.
    any_loss: whether a run's losses may be any numbers, whatever the new study's are.

    UserError: there is neither, or it cannot be read, or it has no result with a loss.
    """
    if (folder / JOURNAL_NAME).is_file():
        offer = _of_study(folder, spec)
    elif any((folder / name).exists() for name in (CONFIGS, RESULTS)):
        offer = _of_run(folder, spec, skip_bad=skip_bad, any_loss=any_loss)
    elif folder.is_dir():
        raise UserError(
            f"{folder} holds neither a study ({JOURNAL_NAME}) nor an HpBandSter run ({CONFIGS} "
            f"and {RESULTS})"
        )
    else:
        raise UserError(f"{folder}: no such folder")

    if all(one.loss is None for one in offer.results):
        raise UserError(
            f"{folder}: none of its trials has a result yet that a model can learn from"
        )
    return offer


def _of_study(folder: Path, spec: StudySpec) -> Offer:
    study = OpenedStudy(folder)
    own = study.spec
    tuned = tuned_names(study.view.space)
    return Offer(
        folder,
        results=[
            Observation(trial.config, trial.budget, None if result.crashed else result.loss)
            for trial, result in study.view.evaluations
        ],
        tuned=tuned,
        settings=own.search,
        study=study,
        incomparable=_incomparable(own, spec),
        differs=_differences(own, spec, tuned),
    )


def _of_run(folder: Path, spec: StudySpec, *, skip_bad: bool, any_loss: bool) -> Offer:
    unusable: list[str] | None = [] if skip_bad else None
    any_loss = any_loss or loss_name(spec.objective) == LOSS
    results = read_any_run(folder, unusable, any_loss=any_loss)
    names = {name for one in results for name in one.config}
    return Offer(folder, results, frozenset(names), unusable=unusable or ())


def _incomparable(own: StudySpec, new: StudySpec) -> list[str]:
    """What makes the losses of two studies numbers of different things, in words."""
    found = []
    if own.space != new.space:
        found.append(f"search space {own.space}, here {new.space}")
    for key, label in INPUTS.items():
        if not _same_input(own, new, key):
            theirs, ours = (_short(getattr(spec, key)) for spec in (own, new))
            found.append(f"{label} {theirs}, here {ours}")
    if _schedules(own) != _schedules(new):
        found.append(f"{_schedules(own)}, here {_schedules(new)}")
    if own.objective != new.objective:
        found.append(f"objective {text(own.objective)}, here {text(new.objective)}")
    return found


def _same_input(own: StudySpec, new: StudySpec, key: str) -> bool:
    """Whether an input is the same: by checksum if both studies recorded one, else by its name."""
    if key in own.checksums and key in new.checksums:
        return own.checksums[key] == new.checksums[key]
    return bool(getattr(own, key) == getattr(new, key))


def _schedules(spec: StudySpec) -> str:
    """What the losses at smaller budgets are of."""
    if not spec.continues:
        return "promotion restart"
    return f"promotion continue with schedules of {spec.max_budget} epochs"


def _short(place: str | None) -> str:
    return "none" if place is None else short_name(place)


def _differences(own: StudySpec, new: StudySpec, tuned: frozenset[str]) -> list[str]:
    """Differences that leave the losses comparable: the searcher, and settings that are fixed."""
    found = []
    if own.program_label != new.program_label:
        found.append(f"{own.program_label}, here {new.program_label}")
    ours = tuned_names(new.configuration_space())
    fixed = (own.search.keys() & new.search.keys()) - tuned - ours
    found += [
        f"{name} {number(own.search[name])}, here {number(new.search[name])}"
        for name in sorted(fixed)
        if own.search[name] != new.search[name]
    ]
    return found
