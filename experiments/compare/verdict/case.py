"""One comparison with all that its studies know of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from oneshot_hpo.experiments.compare.comparing import Pairing, Space
from oneshot_hpo.experiments.compare.sources import Study
from oneshot_hpo.experiments.compare.statistics import Comparison
from oneshot_hpo.experiments.numbers.sample import Sample
from oneshot_hpo.hpo import ConfirmationView, Rerun, TrialResult


@dataclass(frozen=True)
class Case:
    """A comparison, its space and its studies."""

    space: Space
    pairing: Pairing
    studies: Sequence[Study]
    """Those of the space; a baseline is of none."""

    @property
    def comparison(self) -> Comparison:
        """The statistics."""
        return self.pairing.comparison

    @property
    def samples(self) -> tuple[Sample, Sample]:
        """The first sample and the one that it is compared with."""
        return self.pairing.first, self.pairing.second

    @property
    def names(self) -> tuple[str, str]:
        """Their names."""
        return self.space.name(self.pairing.first), self.space.name(self.pairing.second)

    @property
    def medians(self) -> tuple[float, float]:
        """Their medians; infinite where half of the searches crashed."""
        first, second = (float(np.median(sample.values)) for sample in self.samples)
        return first, second

    @property
    def involved(self) -> list[Study]:
        """The studies of the two samples, each once."""
        places = {sample.origin[0] for sample in self.samples}
        found = {
            study.opened.folder.resolve(): study
            for study in reversed(self.studies)
            if study.opened.folder.resolve() in places
        }
        return list(reversed(found.values()))

    def study_of(self, sample: Sample) -> Study | None:
        """The study of a sample; None for a baseline."""
        found = (s for s in self.studies if s.opened.folder.resolve() == sample.origin[0])
        return next(found, None)

    def confirmation_of(self, sample: Sample) -> ConfirmationView | None:
        """The confirmation that a sample comes from; None for a baseline."""
        study = self.study_of(sample)
        return None if study is None else study.opened.confirmation

    def all_runs_of(self, sample: Sample) -> list[tuple[Rerun, TrialResult]]:
        """The runs of a sample's setting, also those after a rule's last look.

        None for a baseline.
        """
        confirmation = self.confirmation_of(sample)
        if confirmation is None:
            return []
        return list(confirmation.results_of(sample.origin[1]).values())

    def runs_of(self, sample: Sample) -> list[tuple[Rerun, TrialResult]]:
        """The runs of a sample; none for a baseline."""
        seeds = sample.seeds or ()
        return [(run, result) for run, result in self.all_runs_of(sample) if run.seed in seeds]
