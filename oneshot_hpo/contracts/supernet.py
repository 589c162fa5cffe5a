"""The contract of supernets: the one-shot network of a search space."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor

from oneshot_hpo.contracts.named import named
from oneshot_hpo.contracts.searches import small_images
from oneshot_hpo.contracts.states import equal_states
from oneshot_hpo.search_spaces import Architecture, SearchSpace, SpaceId, get_space
from oneshot_hpo.searchers.data.batches import Batch
from oneshot_hpo.searchers.data.images import ImageSplits
from oneshot_hpo.searchers.network.encoding import Encoding
from oneshot_hpo.searchers.network.one_shot import OneShotNetwork, supernet_of
from oneshot_hpo.searchers.settings import SUPERNETS, SearchSettings

_SMALL = {"channels": 4, "stacks": 2, "cells_per_stack": 1}


class SupernetContract:
    """Logits, gradients, initial weights and statistics of a space's supernet.

    space: its name in a study file.
    settings: of the search, laid over small ones.
    """

    space: ClassVar[SpaceId]
    settings: ClassVar[Mapping[str, Any]] = {}

    @pytest.fixture(params=SUPERNETS)
    def preset(self, request: pytest.FixtureRequest) -> str:
        """The preset of the supernet, `SearchSettings.supernet`."""
        return str(request.param)

    @pytest.fixture
    def opened(self) -> SearchSpace:
        """The space."""
        return get_space(named(self.space))

    @pytest.fixture
    def data(self) -> ImageSplits:
        """Images of the size that the supernet is made for."""
        return small_images()

    @pytest.fixture
    def network(self, opened: SearchSpace, data: ImageSplits, preset: str) -> OneShotNetwork:
        """The supernet with fresh weights."""
        return self._made(opened, data, preset, seed=0)

    @pytest.fixture
    def batch(self, data: ImageSplits) -> Batch:
        """Some images, normalised."""
        whole = Batch.of(data.supernet_train, torch.device("cpu")).first(12)
        return Batch((whole.images - 0.5) / 0.3, whole.labels)

    @pytest.fixture
    def drawn(self, opened: SearchSpace) -> list[Architecture]:
        """Architectures of the space, no two of them isomorphic."""
        rng = np.random.default_rng(0)
        by_key = {opened.key(found): found for found in (opened.sample(rng) for _ in range(20))}
        return list(by_key.values())[:4]

    def test_every_encoding_gives_a_logit_for_each_class(
        self,
        network: OneShotNetwork,
        opened: SearchSpace,
        data: ImageSplits,
        batch: Batch,
        drawn: list[Architecture],
    ) -> None:
        for encoding in (_mixture(opened), *map(Encoding.discrete, drawn)):
            logits = network(batch.images, encoding)
            assert logits.shape == (len(batch), data.classes)
            assert torch.isfinite(logits).all()

    def test_architectures_compute_different_things(
        self, network: OneShotNetwork, batch: Batch, drawn: list[Architecture]
    ) -> None:
        with torch.no_grad():
            found = [network(batch.images, Encoding.discrete(one)) for one in drawn]
        assert any(not torch.equal(found[0], other) for other in found[1:])

    def test_candidates_have_gradients_and_weights_are_trained(
        self, network: OneShotNetwork, opened: SearchSpace, batch: Batch
    ) -> None:
        encoding = _mixture(opened)
        logits = network(batch.images, encoding)
        torch.nn.functional.cross_entropy(logits, batch.labels).backward()
        gradients = [
            weight.grad
            for weights in encoding.weights
            for weight in weights.values()
            if isinstance(weight, Tensor) and weight.grad is not None
        ]
        assert gradients and all(torch.isfinite(gradient) for gradient in gradients)
        assert any(gradient != 0 for gradient in gradients)
        trained = [weight.grad for weight in network.parameters() if weight.grad is not None]
        assert any((gradient != 0).any() for gradient in trained)

    def test_the_generator_alone_decides_the_initial_weights(
        self, network: OneShotNetwork, opened: SearchSpace, data: ImageSplits, preset: str
    ) -> None:
        torch.manual_seed(1)
        before = torch.get_rng_state()
        again = self._made(opened, data, preset, seed=0)
        assert torch.equal(torch.get_rng_state(), before), "the global generator was used"
        assert equal_states(dict(again.state_dict()), dict(network.state_dict()))
        other = self._made(opened, data, preset, seed=1)
        assert not equal_states(dict(other.state_dict()), dict(network.state_dict()))

    def test_wrong_labels_are_counted_one_architecture_at_a_time(
        self, network: OneShotNetwork, batch: Batch, drawn: list[Architecture]
    ) -> None:
        network.eval()
        found = network.wrong_labels(drawn, [batch, batch])
        assert not network.training
        for architecture, count in zip(drawn, found.tolist(), strict=True):
            with torch.no_grad():
                logits = network(batch.images, Encoding.discrete(architecture))
            assert count == 2 * int((logits.argmax(1) != batch.labels).sum())

    def test_images_are_judged_alone_with_statistics_that_are_kept(
        self, network: OneShotNetwork, batch: Batch, drawn: list[Architecture]
    ) -> None:
        """After `keep_statistics`, a forward pass in training, and `eval`."""
        encoding = Encoding.discrete(drawn[0])
        network.keep_statistics(momentum=1.0)
        with torch.no_grad():
            network.train()
            network(batch.images, encoding)
            network.eval()
            together = network(batch.images, encoding)
            alone = torch.cat([network(image[None], encoding) for image in batch.images])
        torch.testing.assert_close(alone, together, rtol=1e-3, atol=1e-4)

    @pytest.fixture(autouse=True)
    def one_thread(self) -> Iterator[None]:
        """Equal bits need equal numbers of threads."""
        before = torch.get_num_threads()
        torch.set_num_threads(1)
        yield
        torch.set_num_threads(before)

    def _made(
        self, space: SearchSpace, data: ImageSplits, preset: str, seed: int
    ) -> OneShotNetwork:
        settings = SearchSettings(**{**_SMALL, **self.settings, "supernet": preset})
        return supernet_of(space, data, settings, torch.Generator().manual_seed(seed))


def _mixture(space: SearchSpace) -> Encoding:
    """All candidates with weights that sum to 1 in each mixture, and that have gradients."""
    weights: list[dict[int, Tensor]] = []
    for choice in space.choices:
        weights.append({})
        for places in choice.mixtures:
            share = torch.linspace(1, 2, len(places)).softmax(0)
            for place, value in zip(places, share.tolist(), strict=True):
                weights[-1][place] = torch.tensor(value, requires_grad=True)
    return Encoding(tuple(weights))
