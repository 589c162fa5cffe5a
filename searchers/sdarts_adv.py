"""SDARTS with adversarial perturbations (Chen and Hsieh, ICML 2020): SDARTS-ADV."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from oneshot_hpo.search_spaces import SearchSpace
from oneshot_hpo.searchers.data.batches import Batch
from oneshot_hpo.searchers.network.encoding import Encoding
from oneshot_hpo.searchers.network.one_shot import OneShotNetwork
from oneshot_hpo.searchers.own_settings import SdartsAdvSettings
from oneshot_hpo.searchers.sdarts_rs import SdartsRs, projected
from oneshot_hpo.searchers.settings import SearchSettings


class SdartsAdv(SdartsRs):
    """The weights are trained on the shares near the mixture's with the largest training loss.

    They are found by projected gradient ascent from a random start, with steps of twice the radius
    over their number. In the warm-up, which makes no architecture steps, the mixture is trained.
    """

    def __init__(
        self,
        space: SearchSpace,
        settings: SearchSettings,
        device: torch.device,
        generator: torch.Generator,
    ) -> None:
        super().__init__(space, settings, device, generator)
        assert isinstance(settings, SdartsAdvSettings)
        self._steps = settings.attack_steps
        self._worst: list[Tensor] | None = None  # found in the architecture step before

    def architecture_step(
        self, supernet: OneShotNetwork, train: Batch, valid: Batch, weights: torch.optim.SGD
    ) -> Tensor | None:
        """DARTS's, then the search for the shares on which the weights are trained."""
        loss = super().architecture_step(supernet, train, valid, weights)
        was_training = supernet.training
        supernet.eval()  # a supernet with running statistics uses them, and keeps them (authors)
        self._worst = self.attacked(supernet, train)
        supernet.train(was_training)
        return loss

    @torch.no_grad()
    def weights_encoding(self) -> Encoding:
        """The worst shares found; in the warm-up, the mixture."""
        worst, self._worst = self._worst, None
        return self.mixture() if worst is None else self.weighed(worst, positive=False)

    def attacked(self, supernet: OneShotNetwork, train: Batch) -> list[Tensor]:
        """The worst shares found; the mixture's own if their loss is larger."""
        own = self.own_shares()
        radius, step = self.radius, 2 * self.radius / self._steps

        worst = self.near(own)
        for _ in range(self._steps):
            leaves = [shares.requires_grad_() for shares in worst]
            loss = self._loss(supernet, train, leaves)
            # Where choices have been decided their shares have no effect.
            slopes = torch.autograd.grad(loss, leaves, allow_unused=True, materialize_grads=True)
            worst = [
                projected(old + (leaf.detach() + step * slope.sign() - old).clamp(-radius, radius))
                for old, leaf, slope in zip(own, leaves, slopes, strict=True)
            ]

        with torch.no_grad():
            before, after = (self._loss(supernet, train, shares) for shares in (own, worst))
        return own if before > after else worst

    def _loss(self, supernet: OneShotNetwork, batch: Batch, shares: list[Tensor]) -> Tensor:
        logits = supernet(batch.images, self.weighed(shares, positive=False))
        return F.cross_entropy(logits, batch.labels)
