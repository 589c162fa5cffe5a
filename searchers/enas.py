"""ENAS (Pham et al., ICML 2018)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from oneshot_hpo.search_spaces import Architecture, SearchSpace
from oneshot_hpo.searchers.controller import controller_of
from oneshot_hpo.searchers.data.batches import Batch
from oneshot_hpo.searchers.diagnosis import ChoiceState
from oneshot_hpo.searchers.evaluation import OneShotEvaluation, wrong
from oneshot_hpo.searchers.network.encoding import Encoding
from oneshot_hpo.searchers.network.one_shot import OneShotNetwork
from oneshot_hpo.searchers.own_settings import EnasSettings
from oneshot_hpo.searchers.sampled_searcher import SampledSearcher, best_of_many
from oneshot_hpo.searchers.settings import SearchSettings

_BETA2 = 0.999


class Enas(SampledSearcher):
    """A controller draws the cells; REINFORCE trains it by their accuracy on validation batches.

    One step of the controller comes before each step of the weights, where the authors alternate
    between epochs of the one and hundreds of steps of the other. The controller is on the CPU:
    its next draw waits for the last reward.
    """

    def __init__(
        self,
        space: SearchSpace,
        settings: SearchSettings,
        device: torch.device,
        generator: torch.Generator,
    ) -> None:
        assert isinstance(settings, EnasSettings)
        self._settings = settings
        self._space, self._device = space, device
        self._controller = controller_of(space, generator)
        self._optimizer = torch.optim.Adam(
            self._controller.parameters(),
            lr=settings.arch_rate,
            betas=(settings.controller_beta1, _BETA2),
            eps=settings.controller_epsilon,
            foreach=True,
        )
        self._baseline: float | None = None

    def architecture_step(
        self, supernet: OneShotNetwork, train: Batch, valid: Batch, weights: torch.optim.SGD
    ) -> Tensor | None:
        """One step of the controller up the expected reward (section 2.2); returns 1 - accuracy.

        The reward is the accuracy on `valid` and the entropy bonus, less a moving average of it
        that begins with the first reward.
        """
        sample = self._controller.sample()
        supernet.eval()  # a supernet with running statistics uses them, and keeps them (authors)
        with torch.no_grad():
            logits = supernet(valid.images, Encoding.discrete(sample.architecture))
            error = wrong(logits, valid.labels) / len(valid)
        supernet.train()
        entropy = float(sample.entropy.detach())
        reward = 1 - float(error) + self._settings.entropy_weight * entropy
        decay = self._settings.baseline_decay
        baseline = reward if self._baseline is None else self._baseline
        self._baseline = decay * baseline + (1 - decay) * reward
        self._optimizer.zero_grad()
        (-(reward - self._baseline) * sample.log_probability).backward()
        self._optimizer.step()
        return error

    def conclude(self, evaluation: OneShotEvaluation) -> Architecture:
        """The cell with the lowest error on all validation images among the best of many.

        Section 2.2 takes the best on one batch, where many cells are equal; NAS-Bench-1Shot1's
        code evaluates the best of them in full.
        """
        settings = self._settings
        return best_of_many(
            [self._drawn() for _ in range(settings.sampled_cells)],
            evaluation,
            images=settings.ranked_batches * settings.batch_size,
            finalists=settings.evaluated_cells,
        )

    def choice_states(self) -> Mapping[str, ChoiceState]:
        """Of the controller's decisions, each after the most probable ones before it."""
        return self._controller.choice_states()

    def architecture_weights(self) -> Sequence[Tensor]:
        """The controller's parameters."""
        return list(self._controller.parameters())

    def state_dict(self) -> dict[str, Any]:
        """Controller, its optimizer and the baseline."""
        return {
            "controller": self._controller.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "baseline": self._baseline,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the state of a searcher of the same space."""
        self._controller.load_state_dict(state["controller"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._baseline = state["baseline"]

    @torch.no_grad()
    def _drawn(self) -> Architecture:
        return self._controller.sample().architecture
