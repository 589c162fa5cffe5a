"""That every searcher is right on the device: it ends, repeats itself, resumes, equals the CPU."""

from __future__ import annotations

import math
import shutil
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import torch

from oneshot_hpo.experiments.benchmarks.gpu.guard import guarded
from oneshot_hpo.experiments.benchmarks.gpu.rows import Row
from oneshot_hpo.experiments.benchmarks.gpu.sizes import Sizes
from oneshot_hpo.search_spaces import get_space
from oneshot_hpo.searchers.checkpoint import load_checkpoint
from oneshot_hpo.searchers.records import SearchResult, SearchStopped
from oneshot_hpo.searchers.registry import STATIC_STEPS
from oneshot_hpo.searchers.search import run_search
from oneshot_hpo.searchers.search_loop import Search
from oneshot_hpo.searchers.settings import SearchSettings

_EPOCHS = 2
_STOPPED_AFTER = 5
"""Steps before the search is stopped: one of the second epoch."""
_SHORT_BATCH = 8
"""Images of a step where more steps are needed: 8 an epoch, so that the fifth is from a graph."""
TOLERANCE = 1e-9
"""Largest difference from the CPU in float64, of losses and weights, relative to the largest."""


def run(task: str, sizes: Sizes) -> Iterator[Row]:
    """All checks of one searcher in one space; the task's name ends with both."""
    _, searcher, space = task.split(":")
    with tempfile.TemporaryDirectory() as scratch:
        searches = _Searches(searcher, space, sizes, Path(scratch))
        for name, check in (
            ("float64 as on the CPU", searches.equal_to_cpu),
            ("cuda_graphs changes nothing", searches.replayed),
            ("same result twice", searches.twice),
            ("resumes to the same result", searches.resumed),
            ("its checkpoint opens on a CPU", searches.opened_on_cpu),
            ("starts again on a CPU", searches.begun_again_on_cpu),
        ):
            if name != "cuda_graphs changes nothing" or searcher in STATIC_STEPS:
                yield guarded(task, name, check)


class _Searches:
    """Small searches of one searcher in one space, each in a folder of its own."""

    def __init__(self, searcher: str, space: str, sizes: Sizes, scratch: Path) -> None:
        self._searcher, self._space = searcher, get_space(space)
        self._sizes, self._scratch = sizes, scratch

    def twice(self) -> tuple[bool, dict[str, Any]]:
        """Two searches with one seed: architecture, losses and final state bit for bit."""
        started = time.perf_counter()
        with _nondeterministic() as warned:
            one = self._search("one")
        seconds = time.perf_counter() - started
        other = self._search("other")
        last = one.trajectory[-1]
        same = one == other and self._same_state("one", "other")
        values: dict[str, Any] = {
            "architecture": "same" if one.architecture == other.architecture else "OTHER",
            "loss": last.train_loss,
            "s": seconds,
        }
        if warned:
            values["nondeterministic"] = " ".join(sorted(warned))
        return same and math.isfinite(last.train_loss), values

    def resumed(self) -> tuple[bool, dict[str, Any]]:
        """A search that was stopped within an epoch and resumed, beside the whole one."""
        self._stopped("stopped")
        result = self._search("stopped")
        whole = self._search("one")  # it is finished, and read from its checkpoint
        return result == whole and self._same_state("one", "stopped"), {}

    def opened_on_cpu(self) -> tuple[bool, dict[str, Any]]:
        """All tensors of the checkpoint on a CPU; the same result from its trajectory."""
        state = load_checkpoint(self._scratch / "one")
        assert state is not None
        there = all(tensor.device.type == "cpu" for tensor in tensors_of(state).values())
        return there, {"tensors": len(tensors_of(state))}

    def begun_again_on_cpu(self) -> tuple[bool, dict[str, Any]]:
        """A search that was stopped on the device, as if it had been on a CPU from the start."""
        self._stopped("moved")
        result = self._search("moved", device="cpu")
        return result == self._search("cpu", device="cpu"), {
            "loss": result.trajectory[-1].train_loss
        }

    def replayed(self) -> tuple[bool, dict[str, Any]]:
        """A search by graphs, and one that was stopped between replays, beside one without."""
        plain = self._search("plain", {"batch_size": _SHORT_BATCH})
        replays = {"batch_size": _SHORT_BATCH, "cuda_graphs": True}
        whole = self._search("replayed", replays)
        self._stopped("replayed in parts", replays)
        parts = self._search("replayed in parts", replays)
        states = [self._state("plain"), self._state("replayed"), self._state("replayed in parts")]
        apart = [difference(state, states[0]) for state in states[1:]]
        same = whole == plain and parts == plain and apart == [0, 0]
        return same, {"whole apart": apart[0], "resumed apart": apart[1]}

    def equal_to_cpu(self) -> tuple[bool, dict[str, Any]]:
        """An epoch in float64 on the device and on the CPU, without augmentation."""
        before = torch.get_default_dtype()
        torch.set_default_dtype(torch.float64)
        try:
            one, other = (self._epoch_in_double(device) for device in (self._sizes.device, "cpu"))
        finally:
            torch.set_default_dtype(before)
        apart = {
            "losses": difference(one["steps"], other["steps"]),
            "weights": difference(one["weights"], other["weights"]),
            "architecture": difference(one["searcher"], other["searcher"]),
        }
        return max(apart.values()) <= TOLERANCE, apart

    def _epoch_in_double(self, device: str) -> dict[str, dict[str, torch.Tensor]]:
        settings = self._settings(crop_and_flip=False)
        data = self._sizes.small_data(double=True)
        search = Search(
            self._searcher, settings, self._space, data, _EPOCHS, 0, torch.device(device)
        )
        record = search.run_epoch(lambda: False, concludes=False)
        losses = torch.tensor([record.train_loss, record.valid_loss], dtype=torch.float64)
        state = search.state_dict()
        return {
            "steps": {"losses": losses},
            "weights": tensors_of(state["weights"]),
            "searcher": tensors_of(state["searcher"]),
        }

    def _search(
        self,
        folder: str,
        changed: Mapping[str, Any] | None = None,
        device: str | None = None,
        **options: Any,
    ) -> SearchResult:
        return run_search(
            searcher=self._searcher,
            settings=self._sizes.small_settings(
                self._searcher, crop_and_flip=True, cutout_prob=0.5, **(changed or {})
            ),
            space=self._space,
            data=self._sizes.small_data(),
            epochs=_EPOCHS,
            seed=0,
            folder=self._scratch / folder,
            device=device or self._sizes.device,
            **options,
        )

    def _settings(self, **changed: Any) -> SearchSettings:
        return self._sizes.small_settings(self._searcher, **changed)

    def _stopped(self, folder: str, changed: Mapping[str, Any] | None = None) -> None:
        """Leave the checkpoint of a search that was stopped after some steps."""
        shutil.rmtree(self._scratch / folder, ignore_errors=True)
        steps = count(1)
        stop: Callable[[], bool] = lambda: next(steps) == _STOPPED_AFTER  # noqa: E731
        try:
            self._search(folder, changed, stop_asked=stop)
        except SearchStopped:
            return
        raise AssertionError("the search was not stopped")

    def _same_state(self, one: str, other: str) -> bool:
        found = [self._state(name) for name in (one, other)]
        return found[0].keys() == found[1].keys() and all(
            torch.equal(value, found[1][name]) for name, value in found[0].items()
        )

    def _state(self, name: str) -> dict[str, torch.Tensor]:
        return tensors_of(load_checkpoint(self._scratch / name))


def tensors_of(state: Any, name: str = "") -> dict[str, torch.Tensor]:
    """The tensors of nested dictionaries and lists, by the path to each."""
    if isinstance(state, torch.Tensor):
        return {name: state}
    if isinstance(state, Mapping):
        items: Any = state.items()
    elif isinstance(state, list | tuple):
        items = enumerate(state)
    else:
        return {}
    found: dict[str, torch.Tensor] = {}
    for key, value in items:
        found |= tensors_of(value, f"{name}/{key}")
    return found


def difference(one: Mapping[str, torch.Tensor], other: Mapping[str, torch.Tensor]) -> float:
    """The largest difference of tensors of the same names, relative to the largest value of each.

    Infinite for other names or for values that are not finite.
    """
    if one.keys() != other.keys():
        return math.inf
    largest = 0.0
    for name, value in one.items():
        if not value.is_floating_point() or not value.numel():
            continue
        given, wanted = value.detach().cpu().double(), other[name].detach().cpu().double()
        apart = float((given - wanted).abs().max() / wanted.abs().max().clamp_min(1e-300))
        if not torch.equal(given, wanted):
            largest = max(largest, apart if math.isfinite(apart) else math.inf)
    return largest


@contextmanager
def _nondeterministic() -> Iterator[set[str]]:
    """Collects the operations of which torch warns that they have no deterministic kernel."""
    found: set[str] = set()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield found
    for warning in caught:
        words = str(warning.message).split()
        if "deterministic" in str(warning.message):
            found.add(words[0])
