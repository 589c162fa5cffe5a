"""A step of each searcher at the paper's size, beside the reference's way and in variants of ours.

Variants, each with the preset corrected, augmentation included:

- as in studies: deterministic kernels, as `run_search` chooses them.
- memory filled: as before, but torch fills new memory, as it does by default where kernels are
  deterministic.
- fastest kernels: cuDNN chooses by trying; not deterministic.
- fused optimizers: one kernel for all weights.
- channels-last weights: convolutions find their weights in the order of their images.
- channels first: images as in the reference's network.
- bfloat16: torch's autocast.
- graph: the whole step as one CUDA graph (`captured_step`), alone and with others of these.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import torch
import torch.utils.deterministic
from torch import Tensor
from torch.nn import functional as F

from oneshot_hpo.experiments.benchmarks.gpu.checks import difference
from oneshot_hpo.experiments.benchmarks.gpu.guard import Measured, SpoiledContext, guarded
from oneshot_hpo.experiments.benchmarks.gpu.masked import mask_paths
from oneshot_hpo.experiments.benchmarks.gpu.rows import Row
from oneshot_hpo.experiments.benchmarks.gpu.sizes import Sizes
from oneshot_hpo.experiments.benchmarks.gpu.timing import milliseconds, peak_mebibytes
from oneshot_hpo.experiments.benchmarks.search_step import WITH_REFERENCE, ReferenceStep
from oneshot_hpo.search_spaces.nasbench101.space import numbered
from oneshot_hpo.searchers.captured_step import CapturedSteps
from oneshot_hpo.searchers.data.batches import Batch
from oneshot_hpo.searchers.network.nasbench101.supernet import Supernet
from oneshot_hpo.searchers.network.operations import batch_norm_relu
from oneshot_hpo.searchers.search import kernels
from oneshot_hpo.searchers.search_loop import Search

Step = Callable[[], object]


def run(task: str, sizes: Sizes) -> Iterator[Row]:
    """Step times of one searcher, the last part of the task's name, both presets."""
    searcher = task.split(":")[1]
    yield guarded(task, "same steps twice", lambda: _twice(searcher, sizes))
    yield guarded(task, "ms a step", lambda: _beside_reference(searcher, sizes))


def run_variants(task: str, sizes: Sizes) -> Iterator[Row]:
    """Step times of one searcher in each variant without a graph."""
    searcher = task.split(":")[1]
    for name in _VARIANTS:
        if name.startswith("graph"):
            continue
        yield guarded(task, name, partial(_variant, searcher, name, sizes))


def run_graphs(task: str, sizes: Sizes) -> Iterator[Row]:
    """Step times of one searcher as a CUDA graph; `masked` after its name: drawn paths as masks.

    A task `capture` only tries to record one.
    """
    kind, name = task.split(":")
    searcher, *rest = name.split("+")
    masked = bool(rest)
    first = guarded(
        task, "graph equals eager steps", lambda: _graph_is_right(searcher, masked, sizes)
    )
    if first.error is not None:
        # A recording that failed may leave the allocator in it: the process can do no more.
        raise SpoiledContext(first)
    yield first
    if kind == "capture":
        return
    for name, parts in _VARIANTS.items():
        if not parts or "graph" in parts:
            yield guarded(task, name, partial(_variant, searcher, name, sizes, masked))


def run_compiled(task: str, sizes: Sizes) -> Iterator[Row]:
    """Step time with the supernet compiled, and how long that takes."""
    searcher = task.split(":")[1]
    yield guarded(task, "torch.compile", lambda: _compiled(searcher, sizes))


def two_batches(search: Search, sizes: Sizes) -> tuple[Batch, Batch]:
    """Fixed batches of random images, before augmentation, on the device."""
    generator = torch.Generator().manual_seed(0)
    shape = (2, sizes.batch_size, 3, sizes.pixels, sizes.pixels)
    images = torch.rand(shape, generator=generator).to(sizes.device)
    labels = torch.randint(10, shape[:2], generator=generator).to(sizes.device)
    return Batch(images[0], labels[0]), Batch(images[1], labels[1])


def _beside_reference(searcher: str, sizes: Sizes) -> Measured:
    paper = sizes.full_search(searcher, supernet="paper")
    corrected = sizes.full_search(searcher)
    train, valid = two_batches(corrected, sizes)
    runs: dict[str, Step] = {
        "paper": _deterministic(paper, train, valid, sizes),
        "corrected": _deterministic(corrected, train, valid, sizes),
    }
    if searcher in WITH_REFERENCE:
        space, supernet = numbered(1), paper.supernet
        assert isinstance(supernet, Supernet)
        reference = ReferenceStep(searcher, space, supernet, paper.settings.cells_per_stack)
        runs = {"reference": _fastest(lambda: reference(train, valid), sizes), **runs}

    peaks = {f"{name} MiB": peak_mebibytes(step, sizes) for name, step in runs.items()}
    times = milliseconds(runs, sizes)
    ratios = {
        f"reference / {name}": times["reference"] / times[name]
        for name in ("paper", "corrected")
        if "reference" in times
    }
    return None, times | ratios | _known(peaks)


def _twice(searcher: str, sizes: Sizes) -> Measured:
    """Steps of two searches with one seed, at full size, deterministic kernels, bit for bit."""
    found = []
    for _ in range(2):
        search = sizes.full_search(searcher)
        train, valid = two_batches(search, sizes)
        with kernels(sizes.device, deterministic=True):
            losses = torch.stack([search.step(train, valid) for _ in range(3)])[:, :3]
        found.append({"losses": losses, **dict(search.supernet.named_parameters())})
    one, other = found
    same = all(torch.equal(value, other[name]) for name, value in one.items())
    finite = bool(one["losses"].isfinite().all())
    return same and finite, {"apart": difference(one, other)}


def _deterministic(search: Search, train: Batch, valid: Batch, sizes: Sizes) -> Step:
    def step() -> object:
        with kernels(sizes.device, deterministic=True):
            return search.step(train, valid)

    return step


def _fastest(function: Step, sizes: Sizes) -> Step:
    def step() -> object:
        with kernels(sizes.device, deterministic=False):
            return function()

    return step


_VARIANTS: dict[str, frozenset[str]] = {
    "as in studies": frozenset(),
    "memory filled": frozenset({"filled"}),
    "fastest kernels": frozenset({"fastest"}),
    "fused optimizers": frozenset({"fused"}),
    "channels-last weights": frozenset({"last"}),
    "channels first": frozenset({"first"}),
    "bfloat16": frozenset({"bfloat16"}),
    "bfloat16, fastest kernels": frozenset({"bfloat16", "fastest"}),
    "graph": frozenset({"graph"}),
    "graph, bfloat16": frozenset({"graph", "bfloat16"}),
    "graph, fastest kernels": frozenset({"graph", "fastest"}),
}


def _variant(searcher: str, name: str, sizes: Sizes, masked: bool = False) -> Measured:
    parts = _VARIANTS[name]
    if "graph" in parts and not sizes.is_gpu:
        return None, {"left out": "needs a GPU"}
    search = sizes.full_search(searcher)
    draw = mask_paths(search) if masked else None
    _prepare(search, parts)
    train, valid = two_batches(search, sizes)

    with ExitStack() as stack:
        stack.enter_context(kernels(sizes.device, deterministic="fastest" not in parts))
        if "filled" in parts:
            stack.enter_context(_filled())
        if "bfloat16" in parts:
            # Without the cache: a step of the second order changes weights between two passes.
            stack.enter_context(
                torch.autocast(sizes.device.split(":")[0], torch.bfloat16, cache_enabled=False)
            )
        plain: Callable[[Batch, Batch], Tensor] = search.step

        def step() -> object:
            if draw is not None:
                draw()
            return plain(train, valid)

        def first() -> None:
            nonlocal plain
            if "graph" in parts:
                plain = captured(search)
                for _ in range(CapturedSteps.one_by_one):
                    step()
            step()

        started = time.perf_counter()
        peak = peak_mebibytes(first, sizes)
        seconds = time.perf_counter() - started
        times = milliseconds({"ms a step": step}, sizes)
        loss = float(plain(train, valid)[0])
    return None, times | {"first s": seconds, "loss": loss} | _known({"MiB": peak})


def _prepare(search: Search, parts: frozenset[str]) -> None:
    """Change a search as a variant says."""
    if "fused" in parts:
        for optimizer in (search._weights.sgd, getattr(search._searcher, "optimizer", None)):
            if isinstance(optimizer, torch.optim.SGD | torch.optim.Adam):
                for group in optimizer.param_groups:
                    group.update(fused=True, foreach=False)
    if "last" in parts:
        for weight in search.supernet.parameters():
            weight.data = _channels_last(weight.data)
    if "first" in parts:
        supernet = search.supernet
        assert isinstance(supernet, Supernet)
        setattr(supernet, "begin", lambda images: _begun_channels_first(supernet, images))  # noqa: B010


def _channels_last(weight: Tensor) -> Tensor:
    """A convolution's weight, or several stacked, in the same shape with its channels last."""
    if weight.ndim < 4:
        return weight
    lead = list(range(weight.ndim - 4))
    o, i, h, w = range(weight.ndim - 4, weight.ndim)
    stored = weight.permute(*lead, o, h, w, i).contiguous()
    return stored.permute(*lead, o, w, i, h)  # o, h, w, i to o, i, h, w


def _begun_channels_first(supernet: Supernet, images: Tensor) -> Tensor:
    """`Supernet.begin` without its change of the memory format."""
    x = F.conv2d(images.contiguous(), supernet.stem, padding=1)
    norm = supernet.stem_norm
    return batch_norm_relu(x, norm.scale, norm.shift, norm.statistics(slice(None)))


@contextmanager
def _filled() -> Iterator[None]:
    deterministic: Any = torch.utils.deterministic  # its attributes are properties of a class
    before = deterministic.fill_uninitialized_memory
    deterministic.fill_uninitialized_memory = True
    try:
        yield
    finally:
        deterministic.fill_uninitialized_memory = before


def _graph_is_right(searcher: str, masked: bool, sizes: Sizes) -> Measured:
    """The same steps, some as a graph and all one by one: losses and weights, bit for bit."""
    if not sizes.is_gpu:
        return None, {"left out": "needs a GPU"}
    found = []
    for captures in (False, True):
        search = sizes.full_search(searcher)
        draw = mask_paths(search) if masked else lambda: None
        train, valid = two_batches(search, sizes)
        with kernels(sizes.device, deterministic=True):
            step: Callable[[Batch, Batch], Tensor] = captured(search) if captures else search.step
            losses = []
            for _ in range(CapturedSteps.one_by_one + 5):
                draw()
                losses.append(step(train, valid).clone())
        state = {name: value.clone() for name, value in search.supernet.named_parameters()}
        found.append(({"losses": torch.stack(losses)[:, :3].double()}, state))
    (plain, plain_state), (replayed, replayed_state) = found
    losses_apart = difference(replayed, plain)
    apart = difference(replayed_state, plain_state)
    return losses_apart == apart == 0, {"losses apart": losses_apart, "weights apart": apart}


def captured(search: Search) -> CapturedSteps:
    """The steps of a search as a graph, whatever its settings say."""
    weights = [*search.supernet.parameters(), *search._searcher.architecture_weights()]
    return CapturedSteps(search.step, weights, search._generators["images"])


def _compiled(searcher: str, sizes: Sizes) -> Measured:
    search = sizes.full_search(searcher)
    train, valid = two_batches(search, sizes)
    network: Any = torch.compile(search.supernet)
    with kernels(sizes.device, deterministic=False):
        started = time.perf_counter()
        search.step(train, valid, network)
        seconds = time.perf_counter() - started
        runs: dict[str, Step] = {
            "plain ms": lambda: search.step(train, valid),
            "compiled ms": lambda: search.step(train, valid, network),
        }
        times = milliseconds(runs, sizes)
    return None, times | {"compile s": seconds}


def _known(values: dict[str, float | None]) -> dict[str, float]:
    return {name: value for name, value in values.items() if value is not None}
