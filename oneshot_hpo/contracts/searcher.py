"""The contract of one-shot optimizers."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch

from oneshot_hpo.contracts.killed_search import run_killed
from oneshot_hpo.contracts.named import named
from oneshot_hpo.contracts.once import once
from oneshot_hpo.contracts.searches import SmallSearch, Steps, small_images, without_numbers
from oneshot_hpo.contracts.states import equal_states, global_states, state_of
from oneshot_hpo.search_spaces import SearchSpace, SpaceId
from oneshot_hpo.searchers import SearchDiverged, SearchStopped
from oneshot_hpo.searchers.checkpoint import load_checkpoint, save_checkpoint
from oneshot_hpo.searchers.data.images import ImageSplits
from oneshot_hpo.searchers.network.encoding import Encoding
from oneshot_hpo.searchers.registry import settings_class
from oneshot_hpo.searchers.settings import SearchSettings, SettingsError

_SMALL = {
    "channels": 4,
    "stacks": 2,
    "cells_per_stack": 1,
    "batch_size": 24,
    "arch_learning_rate": 1e-2,
    "cutout_prob": 0.5,
    "cutout_length": 3,
}
_BAD_VALUES: tuple[Any, ...] = ("nonsense", math.nan, [], -math.inf)


class SearcherContract:
    """Seeds, budgets, stops, kills, states, encodings, architectures and settings of a searcher.

    searcher: its name in a study file.
    spaces: names of the spaces that it is tried in.
    settings: of the search, laid over small ones.
    epochs: of the searches.
    active_with: by hyperparameter that only means something under other settings, these.
    """

    searcher: ClassVar[str]
    spaces: ClassVar[Sequence[Any]]
    settings: ClassVar[Mapping[str, Any]] = {}
    epochs: ClassVar[int] = 3
    active_with: ClassVar[Mapping[str, Mapping[str, Any]]] = {}

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Try each space, one after the other."""
        if "space" in metafunc.fixturenames:
            metafunc.parametrize("space", self.spaces, scope="class")

    @classmethod
    def load_data(cls) -> ImageSplits:
        """Images of a search: noise, which is quickly made; overridden for others."""
        return small_images()

    @classmethod
    def _trial(cls, space: SpaceId) -> SmallSearch:
        settings = {**_SMALL, **cls.settings}
        return SmallSearch(
            named(cls.searcher), named(space), settings, cls.load_data(), cls.epochs, seed=7
        )

    @pytest.fixture(autouse=True)
    def one_thread(self) -> Iterator[None]:
        """Equal bits need equal numbers of threads."""
        before = torch.get_num_threads()
        torch.set_num_threads(1)
        yield
        torch.set_num_threads(before)

    @pytest.fixture
    def trial(self, space: SpaceId) -> SmallSearch:
        """The search whose end the others must meet."""
        return once(type(self)._trial, space)

    @pytest.fixture
    def first(self) -> SmallSearch:
        """The search in the first space."""
        space = self.spaces[0]
        return once(type(self)._trial, getattr(space, "values", (space,))[0])

    def test_a_search_ends_with_an_architecture_of_the_space(self, trial: SmallSearch) -> None:
        """After exactly its budget of epochs; before, it has one of the space or none."""
        result, _ = trial.finished
        trial.space.check(result.architecture)
        assert [record.epoch for record in result.trajectory] == list(range(1, self.epochs + 1))
        assert result.trajectory[-1].architecture == result.architecture
        for record in result.trajectory:
            if record.architecture is not None:
                trial.space.check(record.architecture)

    def test_one_epoch_is_enough(self, trial: SmallSearch) -> None:
        result = replace(trial, epochs=1).run()
        trial.space.check(result.architecture)
        assert len(result.trajectory) == 1

    def test_the_seed_alone_decides(self, trial: SmallSearch, tmp_path: Path) -> None:
        """No global generator is used, and none is touched."""
        result, state = trial.finished
        torch.manual_seed(1)
        random.seed(1)
        np.random.seed(1)  # noqa: NPY002 - the one that a searcher must leave alone
        before = global_states()
        assert trial.run(tmp_path) == result
        assert equal_states(state_of(tmp_path), state)
        assert equal_states(global_states(), before), "a global random generator was used"
        assert replace(trial, seed=trial.seed + 1).run() != result

    def test_a_search_stopped_after_each_step_ends_with_the_same_bits(
        self, trial: SmallSearch, tmp_path: Path
    ) -> None:
        stops: list[tuple[int, int]] = []
        for _ in range(self.epochs * trial.steps):
            with pytest.raises(SearchStopped) as stopped:
                trial.run(tmp_path, stop_asked=lambda: True)
            stops.append((stopped.value.epoch, stopped.value.step))
        assert trial.run(tmp_path) == trial.finished[0]
        assert equal_states(state_of(tmp_path), trial.finished[1])
        steps = range(1, trial.steps + 1)
        assert stops == [(epoch + 1, step) for epoch in range(self.epochs) for step in steps]

    def test_a_killed_search_ends_with_the_same_bits(
        self, first: SmallSearch, tmp_path: Path
    ) -> None:
        """The process that runs it is killed in its second epoch."""
        folder = tmp_path / "search"
        run_killed(first.arguments(), folder, first.steps + 1, tmp_path / "arguments")
        checkpoint = load_checkpoint(folder)
        assert checkpoint is not None and len(checkpoint["trajectory"]) == 1

        assert first.run(folder) == first.finished[0]
        assert equal_states(state_of(folder), first.finished[1])

    def test_encodings_weigh_candidates_of_the_space(self, trial: SmallSearch) -> None:
        """As many of each choice as are picked, at least; weights are finite scalars or None."""
        steps = Steps(trial)
        for _ in range(3):
            steps.step()
            for encoding in (
                steps.searcher.weights_encoding(),
                steps.searcher.evaluation_encoding(),
            ):
                _check_encoding(encoding, trial.space)

    def test_a_state_is_restored_exactly(self, trial: SmallSearch, tmp_path: Path) -> None:
        """In a searcher of another seed, through a file that holds tensors and plain values."""
        one, other = Steps(trial), Steps(replace(trial, seed=trial.seed + 1))
        one.step()
        save_checkpoint(tmp_path, one.state())
        saved = load_checkpoint(tmp_path)
        assert saved is not None
        other.load_state(saved)
        assert equal_states(other.state(), one.state())
        for _ in range(3):
            assert one.step() == other.step()
            assert one.searcher.architecture() == other.searcher.architecture()
        assert equal_states(other.state(), one.state())

    def test_losses_that_are_not_finite_end_the_search_and_nothing_else(
        self, trial: SmallSearch
    ) -> None:
        """Whatever is computed from them raises nothing before."""
        with pytest.raises(SearchDiverged, match="epoch 1"):
            replace(trial, data=without_numbers(trial.data)).run()

    def test_settings_have_defaults_within_their_ranges(self) -> None:
        settings = settings_class(named(self.searcher))()
        assert isinstance(settings, SearchSettings)
        for name, tuned in settings.own_ranges().items():
            assert tuned.low <= getattr(settings, name) <= tuned.high, name
            assert tuned.low > 0 or not tuned.log, name

    def test_bad_settings_are_refused_by_name_on_one_line(self) -> None:
        kind = settings_class(named(self.searcher))
        for name in _own_settings(kind):
            for wrong in _BAD_VALUES:
                with pytest.raises(SettingsError, match=rf"^[^\n]*\b{name}\b[^\n]*$"):
                    kind(**{name: wrong})
        with pytest.raises(SettingsError, match=r"^[^\n]*no_such_setting[^\n]*$"):
            kind().with_config({"no_such_setting": 1})

    def test_own_hyperparameters_reach_the_search(self, trial: SmallSearch, tmp_path: Path) -> None:
        """Another value of one that is tuned changes what the search ends with."""
        for name, tuned in settings_class(named(self.searcher)).own_ranges().items():
            used = getattr(trial.search_settings, name)
            ends = (tuned.low, tuned.high) if type(used) is int else (tuned.high, tuned.low)
            other = next(type(used)(end) for end in ends if end != used)
            needed = self.active_with.get(name, {})
            base = replace(trial, settings={**trial.settings, **needed}) if needed else trial
            replace(base, settings={**base.settings, name: other}).run(tmp_path / name)
            changed, unchanged = (
                {key: value for key, value in state.items() if key != "fingerprint"}
                for state in (state_of(tmp_path / name), base.finished[1])
            )
            assert not equal_states(changed, unchanged), f"{name} changes nothing"


def _own_settings(kind: type[SearchSettings]) -> list[str]:
    """The settings that a searcher adds to those of all."""
    shared = {field.name for field in fields(SearchSettings)}
    return [field.name for field in fields(kind) if field.name not in shared]


def _check_encoding(encoding: Encoding, space: SearchSpace) -> None:
    assert isinstance(encoding, Encoding)
    assert len(encoding.weights) == len(space.choices)
    for choice, weights in zip(space.choices, encoding.weights, strict=True):
        assert set(weights) <= set(range(len(choice.candidates))), choice.name
        assert len(weights) >= choice.k, f"{choice.name} needs {choice.k} candidates"
        for weight in weights.values():
            if weight is not None:
                assert weight.shape == () and torch.isfinite(weight), choice.name
