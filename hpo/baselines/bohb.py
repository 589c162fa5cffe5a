"""BOHB (Falkner et al. 2018): Hyperband with the model that studies use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from oneshot_hpo.hpo.baselines.hyperband import Hyperband, HyperbandSettings
from oneshot_hpo.hpo.baselines.optimizer import Floats, Integers, Problem
from oneshot_hpo.hpo.bohb.kde_model import KDEModel, can_be_fitted


@dataclass(frozen=True, kw_only=True)
class BOHBSettings(HyperbandSettings):
    """Settings of BOHB; the defaults are those of nas_benchmarks and NAS-Bench-1Shot1."""

    top_n_percent: int = 15
    """Percentage of the observations that count as good."""
    num_samples: int = 64
    """Candidates drawn for one proposal."""
    random_fraction: float = 1 / 3
    """Share of proposals that are random."""
    bandwidth_factor: float = 3
    """Candidates are drawn with bandwidths widened by this factor."""
    min_bandwidth: float = 0.3
    """Least bandwidth: a category is drawn anew with this probability at least."""

    def _more(self) -> dict:
        return super()._more() | {
            name: getattr(self, name)
            for name in (
                "top_n_percent",
                "num_samples",
                "random_fraction",
                "bandwidth_factor",
                "min_bandwidth",
            )
        }


class BOHB(Hyperband):
    """Hyperband with proposals from the kernel densities of the largest budget that has a model."""

    def __init__(
        self,
        problem: Problem,
        settings: BOHBSettings,
        seeds: Sequence[np.random.SeedSequence],
    ) -> None:
        super().__init__(problem, settings, seeds)
        self._generators = [np.random.default_rng(seed) for seed in seeds]
        self._observed: dict[float, tuple[list[Integers], list[Floats]]] = {}
        self._models: list[KDEModel] = []
        self._modelled: tuple[float, int] | None = None

    def tell(self, losses: Floats) -> None:
        """Record an observation at its budget, too."""
        super().tell(losses)
        seen = self._observed.setdefault(self._proposal.budget, ([], []))
        seen[0].append(self._proposal.configurations)
        seen[1].append(losses)

    def _new_configurations(self) -> Integers:
        """Proposals of the repetitions' models, or random ones."""
        self._fit_models()
        proposals = np.empty((self.repetitions, len(self.choices)), np.int64)
        for repetition, rng in enumerate(self._generators):
            if not self._models or rng.random() < self._settings.random_fraction:
                proposals[repetition] = rng.integers(self.choices)
            else:
                proposals[repetition] = next(
                    self._models[repetition].candidates(self._settings, rng)
                )
        return proposals

    def _fit_models(self) -> None:
        """Fit models of the largest budget with enough observations, unless they are current."""
        counts = {budget: len(losses) for budget, (_, losses) in self._observed.items()}
        ready = [
            b for b, n in counts.items() if can_be_fitted(n, len(self.choices), self._settings)
        ]
        if not ready or (max(ready), counts[max(ready)]) == self._modelled:
            return
        budget = max(ready)
        configurations, losses = self._observed[budget]
        vectors = np.stack(configurations, axis=1).astype(float)
        self._models = [
            KDEModel.fit(vectors[r], row, self.choices, self._settings, self._generators[r])
            for r, row in enumerate(np.stack(losses, axis=1))
        ]
        self._modelled = (budget, counts[budget])
