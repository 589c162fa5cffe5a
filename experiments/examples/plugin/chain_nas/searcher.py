"""A searcher: a bandit for each choice, which learns the mean validation loss of its picks."""

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch.nn import functional as F

from oneshot_hpo.checks import one_of, setting
from oneshot_hpo.search_spaces import Architecture
from oneshot_hpo.searchers.network.encoding import Encoding
from oneshot_hpo.searchers.sampling import gumbel
from oneshot_hpo.searchers.searcher import Searcher
from oneshot_hpo.searchers.settings import COUNT, POSITIVE, SHARE, SearchSettings, tuned


@dataclass(frozen=True, kw_only=True)
class BanditSettings(SearchSettings):
    unused: ClassVar = frozenset({"arch_learning_rate", "arch_weight_decay"})
    rule: str = setting("greedy", one_of("greedy", "softmax"))
    exploration: float = tuned(0.3, SHARE, 0.05, 0.9, log=True)  # greedy: how often at random
    temperature: float = tuned(0.2, POSITIVE, 0.01, 1.0, log=True)  # of softmax
    memory: int = tuned(8, COUNT, 1, 64, log=True)  # steps after which a mean has forgotten


class Bandit(Searcher):
    settings_class = BanditSettings

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)  # space, settings, device, generator
        self.means = [torch.zeros(len(choice.candidates)) for choice in self.space.choices]

    def drawn(self) -> Architecture:
        own, chance = self.settings, torch.rand((), generator=self.generator)
        heat = float("inf") if chance < own.exploration else 1e-9
        heat = own.temperature if own.rule == "softmax" else heat
        noisy = (gumbel(means.shape, self.generator) - means / heat for means in self.means)
        return self.space.decode([strengths.numpy() for strengths in noisy])

    @torch.no_grad()
    def architecture_step(self, supernet, train, valid, weights) -> torch.Tensor:
        drawn = self.drawn()
        loss = F.cross_entropy(supernet(valid.images, Encoding.discrete(drawn)), valid.labels)
        for pick, means in zip(drawn.picks, self.means, strict=True):
            seen = loss.cpu().nan_to_num(99.0) - means[list(pick)]
            means[list(pick)] += seen / self.settings.memory
        return loss

    def weights_encoding(self) -> Encoding:
        return Encoding.discrete(self.drawn())

    def architecture(self) -> Architecture:
        return self.space.decode([-means.numpy() for means in self.means])

    def state_dict(self) -> dict[str, Any]:
        return {"means": self.means}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.means = list(state["means"])
