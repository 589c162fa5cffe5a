"""What holds for every built-in one-shot optimizer, beside its contract."""

import pytest
import torch

from oneshot_hpo.contracts.states import equal_states, state_of
from oneshot_hpo.search_spaces import Architecture, get_space
from oneshot_hpo.searchers import SearchDiverged, SearchStopped, run_search
from oneshot_hpo.searchers.network.encoding import Encoding
from oneshot_hpo.searchers.registry import SEARCHERS, settings_class
from oneshot_hpo.searchers.searcher import Searcher
from oneshot_hpo.searchers.settings import SearchSettings

TINY = {
    "channels": 4,
    "stacks": 2,
    "cells_per_stack": 1,
    "batch_size": 16,
    "arch_learning_rate": 1e-2,
    "cutout_prob": 0.5,
    "cutout_length": 3,
}
LOSSES = "|".join(
    (
        "training loss of the weights",
        "validation loss of the architecture steps",
        "one-shot validation loss",
    )
)
SHORT_END = {
    "random_ws": {"ranked_cells": 4, "ranked_batches": 2, "evaluated_cells": 2},
    "single_path": {"population": 4, "generations": 2, "survivors": 2, "recalibration_images": 16},
    "enas": {"sampled_cells": 3},
}
SHARED = {
    "weight_decay": 1e-2,
    "cutout_prob": 1.0,
    "learning_rate": 0.1,
    "arch_learning_rate": 0.1,
    "arch_weight_decay": 1e-1,
    "momentum": 0.5,
    "cutout_length": 6,
    "batch_size": 24,
    "grad_clip": 0.05,
}
OWN = {
    "hessian_epsilon": 0.5,
    "warmup_share": 0.5,
    "temperature_start": 5.0,
    "temperature_end": 0.5,
    "ranked_cells": 6,
    "mutation_prob": 0.5,
    "entropy_weight": 0.01,
    "baseline_decay": 0.5,
    "perturbation_end": 0.8,
    "zero_one_weight": 1.0,
    "distribution_momentum": 0.5,
    "sharpness": 20.0,
    "likelihood_images": 1_000,
}
FIRST_EPOCH_CHANGED = {
    "warmup_share": 2,
    "temperature_end": 2,
    "ranked_cells": 3,
    "mutation_prob": 3,
    "perturbation_end": 2,
}


def search(data, searcher, *, space=1, epochs=3, seed=0, folder=None, **changed):
    hooks = {name: changed.pop(name) for name in ("on_epoch", "stop_asked") if name in changed}
    settings = settings_class(searcher)(**(TINY | SHORT_END.get(searcher, {}) | changed))
    return run_search(
        searcher=searcher,
        settings=settings,
        space=get_space(space),
        data=data,
        epochs=epochs,
        seed=seed,
        folder=folder,
        **hooks,
    )


@pytest.fixture(scope="module", params=SEARCHERS)
def searcher(request):
    return request.param


@pytest.fixture(scope="module")
def unchanged(few_digits, searcher, tmp_path_factory):
    """The state that a search ends with, and its result."""
    folder = tmp_path_factory.mktemp(searcher)
    result = search(few_digits, searcher, folder=folder)
    return state_of(folder), result


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["corrected", "paper"])
@pytest.mark.parametrize("space", [1, 2, 3])
def test_ends_with_an_architecture_of_the_space(few_digits, searcher, space, preset):
    result = search(few_digits, searcher, space=space, epochs=1, supernet=preset)
    get_space(space).configuration(result.architecture)
    assert result.trajectory[-1].architecture == result.architecture


@pytest.mark.slow
@pytest.mark.parametrize("last", [1, 2])
def test_an_interrupted_search_continues_bit_for_bit(
    few_digits, searcher, unchanged, tmp_path, last
):
    class Interrupted(Exception):
        pass

    def interrupt(record):
        if record.epoch == last:
            raise Interrupted

    with pytest.raises(Interrupted):
        search(few_digits, searcher, folder=tmp_path, on_epoch=interrupt)
    state, result = unchanged
    assert search(few_digits, searcher, folder=tmp_path) == result
    assert equal_states(state_of(tmp_path), state)


def stopped_after_each_step(data, searcher, folder, **options):
    """A search that is stopped and resumed again and again; its result, and all stops."""
    stops = []
    while True:
        try:
            result = search(data, searcher, folder=folder, stop_asked=lambda: True, **options)
        except SearchStopped as stop:
            stops.append((stop.epoch, stop.step))
        else:
            return result, stops


@pytest.mark.slow
def test_the_papers_statistics_are_continued_too(few_digits, searcher, tmp_path):
    options = {"epochs": 2, "supernet": "paper"}
    search(few_digits, searcher, folder=tmp_path / "whole", **options)
    stopped_after_each_step(few_digits, searcher, tmp_path / "cut", **options)
    assert equal_states(state_of(tmp_path / "cut"), state_of(tmp_path / "whole"))


@pytest.mark.slow
@pytest.mark.parametrize("name", SHARED)
def test_shared_hyperparameters_reach_the_search(few_digits, searcher, unchanged, tmp_path, name):
    """All but those that the searcher declares useless, which then are."""
    search(few_digits, searcher, folder=tmp_path, **{name: SHARED[name]})
    without_settings = [
        {key: value for key, value in state.items() if key != "fingerprint"}
        for state in (unchanged[0], state_of(tmp_path))
    ]
    is_unused = name in settings_class(searcher).unused
    assert equal_states(*without_settings) == is_unused


@pytest.mark.slow
@pytest.mark.parametrize(
    ("searcher", "name"),
    [(searcher, name) for searcher in SEARCHERS for name in settings_class(searcher).own_ranges()],
    indirect=["searcher"],
)
def test_own_hyperparameters_change_the_search_where_they_should(
    few_digits, searcher, unchanged, tmp_path, name
):
    changed = search(few_digits, searcher, folder=tmp_path, **{name: OWN[name]})
    state, result = unchanged
    after = state_of(tmp_path)
    parts = ("weights", "searcher", "generators", "trajectory")
    assert any(not equal_states(state[part], after[part]) for part in parts)
    untouched = FIRST_EPOCH_CHANGED.get(name, 1) - 1
    if (searcher, name) == ("snas", "temperature_end"):
        untouched = 0  # its temperature changes from the first epoch on
    assert changed.trajectory[:untouched] == result.trajectory[:untouched]
    if name in ("ranked_cells", "mutation_prob"):
        assert equal_states(state["weights"], after["weights"])


@pytest.mark.slow
def test_a_diverging_search_is_reported(few_digits, searcher):
    """Nothing that is drawn from weights that are not finite fails before the epoch's end.

    Which loss is the first that is not finite depends on the processor.
    """
    with pytest.raises(SearchDiverged, match=rf"epoch \d+: the ({LOSSES}) is (nan|-?inf) at"):
        search(few_digits, searcher, epochs=30, learning_rate=1e6, grad_clip=1e9)


def test_a_searcher_needs_its_five_methods_and_no_more():
    space, fixed = get_space("nasbench201"), Architecture(((0,),) * 6)

    class Fixed(Searcher):
        def architecture_step(self, supernet, train, valid, weights):
            return None

        def weights_encoding(self):
            return Encoding.discrete(fixed)

        def architecture(self):
            return fixed

        def state_dict(self):
            return {}

        def load_state_dict(self, state):
            pass

    assert len(Searcher.__abstractmethods__) == 5
    searcher = Fixed(space, SearchSettings(), torch.device("cpu"), torch.Generator())
    assert searcher.evaluation_encoding() == searcher.weights_encoding()
    assert searcher.conclude(None) == fixed
    assert searcher.space is space
