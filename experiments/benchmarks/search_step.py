"""Time per search step of each searcher, against the same step the reference's way.

Both in one process, by turns, medians. The reference path is the network of
`reference_network` and, around it, what the code of NAS-Bench-1Shot1 does: every gradient in the
architecture step, a second network for the second order, one Gumbel draw a cell, discrete cells as
weights 0 and 1, optimizers and clipping one parameter at a time. Data are on the device for both.

    OMP_NUM_THREADS=2 python -m oneshot_hpo.experiments.benchmarks.search_step \\
        --searchers darts,gdas
"""

from __future__ import annotations

import argparse
import copy
import time
from collections.abc import Callable, Sequence
from statistics import median

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from oneshot_hpo.experiments.benchmarks.reference_network import ReferenceNetwork
from oneshot_hpo.search_spaces import SearchSpace
from oneshot_hpo.search_spaces.nasbench101.cell import OPERATIONS
from oneshot_hpo.search_spaces.nasbench101.space import NasBench101Space, numbered
from oneshot_hpo.searchers.data.batches import Batch
from oneshot_hpo.searchers.data.images import ImageSplits, random_images
from oneshot_hpo.searchers.network.nasbench101.supernet import Supernet
from oneshot_hpo.searchers.registry import SEARCHERS, settings_class
from oneshot_hpo.searchers.search_loop import Search

_EPOCH_IMAGES = 25_000  # of CIFAR-10, for the weights
WITH_REFERENCE = (  # in the reference's code
    "darts",
    "darts_second_order",
    "pc_darts",
    "gdas",
    "random_ws",
    "single_path",
    "enas",
)
_DISCRETE = ("random_ws", "single_path", "enas")


def main() -> None:
    """Prints a row for each searcher."""
    from rich.console import Console  # here: `gpu` uses the steps where there is no rich
    from rich.table import Table

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--searchers", default=",".join(SEARCHERS))
    parser.add_argument("--space", type=int, default=1)
    parser.add_argument("--channels", type=int, default=16)
    parser.add_argument("--cells-per-stack", type=int, default=3)
    parser.add_argument("--batch-size", type=int, default=96)
    parser.add_argument("--pixels", type=int, default=32)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()

    console = Console()
    console.print(
        f"space {arguments.space}, {arguments.channels} channels, 3 x {arguments.cells_per_stack} "
        f"cells, batches of {arguments.batch_size} images of {arguments.pixels} x "
        f"{arguments.pixels}, {torch.get_num_threads()} threads, {arguments.device}, torch "
        f"{torch.__version__}; seconds a step, medians of {arguments.repeats}"
    )

    table = Table(
        "searcher", "reference", "paper", "ratio", "corrected", "ratio", "s an epoch of CIFAR-10"
    )
    steps = _EPOCH_IMAGES // arguments.batch_size
    for name in arguments.searchers.split(","):
        seconds = [median(row) for row in zip(*measured(name, arguments), strict=True)]
        reference, paper, corrected = seconds
        has_reference = name in WITH_REFERENCE
        table.add_row(
            name,
            f"{reference:.3f}" if has_reference else "",
            f"{paper:.3f}",
            f"{reference / paper:.2f}" if has_reference else "",
            f"{corrected:.3f}",
            f"{reference / corrected:.2f}" if has_reference else "",
            f"{corrected * steps:.0f}",
        )

    console.print(table)


def measured(name: str, arguments: argparse.Namespace) -> list[tuple[float, float, float]]:
    """Seconds of a step: the reference's way, and here with the presets paper and corrected."""
    space = numbered(arguments.space)
    searches = [make_search(name, space, preset, arguments) for preset in ("paper", "corrected")]
    batch = Batch.of(images(arguments).supernet_train, torch.device(arguments.device))
    supernet = searches[0].supernet
    assert isinstance(supernet, Supernet)
    reference = ReferenceStep(name, space, supernet, arguments.cells_per_stack)
    runs: list[Callable[[], object]] = [
        lambda: reference(batch, batch) if name in WITH_REFERENCE else None,
        lambda: searches[0].step(batch, batch),
        lambda: searches[1].step(batch, batch),
    ]
    for run in runs:  # the first call allocates
        run()
    return [
        (timed(runs[0], arguments), timed(runs[1], arguments), timed(runs[2], arguments))
        for _ in range(arguments.repeats)
    ]


def timed(function: Callable[[], object], arguments: argparse.Namespace) -> float:
    """Seconds that a call takes, on a GPU until it is done."""
    started = time.perf_counter()
    function()
    if arguments.device != "cpu":
        torch.cuda.synchronize()
    return time.perf_counter() - started


def make_search(
    name: str, space: SearchSpace, preset: str, arguments: argparse.Namespace
) -> Search:
    """A search at its first epoch after any warm-up, on random images."""
    data = images(arguments)
    settings = settings_class(name)(
        channels=arguments.channels,
        cells_per_stack=arguments.cells_per_stack,
        batch_size=arguments.batch_size,
        supernet=preset,
    )
    return Search(name, settings, space, data, 1, 0, torch.device(arguments.device))


def images(arguments: argparse.Namespace) -> ImageSplits:
    """A batch of random images in 10 classes."""
    return random_images(arguments.batch_size, 3, arguments.pixels)


class ReferenceStep:
    """A step of a searcher as the code of NAS-Bench-1Shot1 makes it."""

    def __init__(
        self, name: str, space: NasBench101Space, supernet: Supernet, cells_per_stack: int
    ) -> None:
        self._name, self._space = name, space
        self._network = ReferenceNetwork(supernet, cells_per_stack, only_live=name == "gdas")
        device = supernet.stem.device
        self._network.to(device)
        self._rng = np.random.default_rng(0)

        def alpha(*shape: int) -> Tensor:
            return (1e-3 * torch.randn(shape, device=device)).requires_grad_()

        self._operations = alpha(space.num_blocks, len(OPERATIONS))
        self._parents = [
            alpha(node) if count < node else None
            for node, count in enumerate(space.num_parents, start=1)
        ]
        self._alphas = [self._operations, *(edges for edges in self._parents if edges is not None)]
        self._architecture = torch.optim.Adam(
            self._alphas, lr=3e-4, betas=(0.5, 0.999), weight_decay=1e-3, foreach=False
        )
        self._weights = torch.optim.SGD(
            self._network.parameters(), lr=0.025, momentum=0.9, weight_decay=3e-4, foreach=False
        )

    def __call__(self, train: Batch, valid: Batch) -> None:
        """The architecture's step, where there is one, then the weights'."""
        if self._name == "enas":
            with torch.no_grad():  # the controller's reward
                self._loss(self._network, valid)
        elif self._name == "darts_second_order":
            self._second_order(train, valid)
        elif self._name not in _DISCRETE:
            self._architecture.zero_grad()
            self._loss(self._network, valid).backward()
            self._architecture.step()
        self._weights.zero_grad()
        loss = self._loss(self._network, train)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self._network.parameters(), 5.0, foreach=False)
        self._weights.step()
        loss.item()

    def _loss(self, network: ReferenceNetwork, batch: Batch) -> Tensor:
        return F.cross_entropy(network(batch.images, *self._encoding()), batch.labels)

    def _encoding(self) -> tuple[Tensor, Sequence[Tensor | None]]:
        if self._name in _DISCRETE:
            return self._discrete()
        if self._name == "gdas":
            operations = F.gumbel_softmax(self._operations, tau=10.0, hard=True)
            return operations, [
                edges if edges is None else F.gumbel_softmax(edges, tau=10.0)
                for edges in self._parents
            ]
        return self._operations.softmax(1), [
            edges if edges is None else edges.softmax(0) for edges in self._parents
        ]

    def _discrete(self) -> tuple[Tensor, Sequence[Tensor | None]]:
        """A random cell as weights of 0 and 1 for everything."""
        drawn = self._space.sample(self._rng)
        operations = torch.zeros_like(self._operations)
        for block, place in enumerate(self._space.operation_places(drawn)):
            operations[block, place] = 1
        parents: list[Tensor | None] = []
        for edges, sources in zip(self._parents, self._space.parents(drawn), strict=True):
            weights = None if edges is None else torch.zeros_like(edges)
            if weights is not None:
                weights[list(sources)] = 1
            parents.append(weights)
        return operations, parents

    def _second_order(self, train: Batch, valid: Batch) -> None:
        """Equations 7 and 8 of DARTS with a second network and flattened weights."""
        weights, xi = list(self._network.parameters()), 0.025
        gradients = torch.autograd.grad(self._loss(self._network, train), weights)
        unrolled = copy.deepcopy(self._network)
        with torch.no_grad():
            for target, weight, gradient in zip(
                unrolled.parameters(), weights, gradients, strict=True
            ):
                buffer = self._weights.state[weight].get("momentum_buffer", 0.0)
                target.copy_(weight - xi * (0.9 * buffer + gradient + 3e-4 * weight))

        self._architecture.zero_grad()
        self._loss(unrolled, valid).backward()

        vector = [target.grad for target in unrolled.parameters() if target.grad is not None]
        length = 0.01 / torch.cat([part.flatten() for part in vector]).norm()
        sides = []
        for factor in (1, -2):
            self._move(weights, vector, factor * length)
            loss = self._loss(self._network, train)
            sides.append(torch.autograd.grad(loss, self._alphas))

        self._move(weights, vector, length)
        for alpha, plus, minus in zip(self._alphas, *sides, strict=True):
            assert alpha.grad is not None
            alpha.grad -= xi * (plus - minus) / (2 * length)
        self._architecture.step()

    @staticmethod
    @torch.no_grad()
    def _move(weights: list[torch.nn.Parameter], vector: list[Tensor], factor: Tensor) -> None:
        for weight, part in zip(weights, vector, strict=True):
            weight.add_(factor * part)


if __name__ == "__main__":
    main()
