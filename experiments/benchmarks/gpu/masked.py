"""Steps on drawn paths made static: every candidate is computed, those not drawn with weight 0.

The step is then the same whatever is drawn, so that a CUDA graph of it can be replayed. It computes
more: a GPU that waits for the host has that time to spare.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from oneshot_hpo.searchers.gdas import Gdas
from oneshot_hpo.searchers.network.encoding import Encoding
from oneshot_hpo.searchers.random_ws import RandomWs
from oneshot_hpo.searchers.search_loop import Search


def mask_paths(search: Search) -> Callable[[], None]:
    """Let a search of random_ws or gdas train masked paths; returns what draws the next ones."""
    searcher = search._searcher
    if isinstance(searcher, RandomWs):
        return _mask_random_ws(search, searcher)
    if isinstance(searcher, Gdas):
        return _mask_gdas(search, searcher)
    raise ValueError(f"{type(searcher).__name__} draws no paths that can be masked here")


def _mask_random_ws(search: Search, searcher: RandomWs) -> Callable[[], None]:
    choices = search.space.choices
    sizes = [len(choice.candidates) for choice in choices]
    starts = torch.tensor([0, *sizes]).cumsum(0).tolist()
    device = next(search.supernet.parameters()).device
    on_device = torch.zeros(sum(sizes), device=device)

    def draw() -> None:
        mask = [0.0] * sum(sizes)
        for start, pick in zip(starts, searcher._drawn().picks, strict=False):
            for place in pick:
                mask[start + place] = 1.0
        # Pinned and not waited for: the next path is drawn while the device still computes.
        on_host = torch.tensor(mask, pin_memory=device.type == "cuda")
        on_device.copy_(on_host, non_blocking=True)

    def encodings() -> list[Encoding]:
        parts = on_device.split(sizes)
        weights = tuple(dict(enumerate(part.unbind())) for part in parts)
        return [Encoding(weights, positive=False)]

    draw()
    setattr(searcher, "weights_encodings", encodings)  # noqa: B010
    return draw


def _mask_gdas(search: Search, searcher: Gdas) -> Callable[[], None]:
    generator = search._generators["images"]

    def noisy(alpha: Tensor) -> Tensor:
        noise = -torch.empty_like(alpha).exponential_(generator=generator).log()
        return ((alpha + noise) / searcher._temperature).softmax(-1)

    def mixture() -> Encoding:
        soft = [noisy(alpha) for alpha in searcher.alphas]
        operations = searcher.layout.operations
        hard = [
            F.one_hot(shares.argmax(-1), shares.shape[-1]) - shares.detach() + shares
            for shares in soft[:operations]
        ]
        return searcher.weighed([*hard, *soft[operations:]], positive=False)

    @torch.no_grad()
    def weights_encoding() -> Encoding:
        return mixture()

    setattr(searcher, "mixture", mixture)  # noqa: B010
    setattr(searcher, "weights_encoding", weights_encoding)  # noqa: B010
    return lambda: None
