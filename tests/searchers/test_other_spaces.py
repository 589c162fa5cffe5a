"""Every one-shot optimizer on NAS-Bench-201 and on DARTS's space, beside its contract."""

import pytest

from oneshot_hpo.contracts.states import equal_states, state_of
from oneshot_hpo.search_spaces import get_space
from oneshot_hpo.searchers import SearchStopped, SettingsError, run_search
from oneshot_hpo.searchers.registry import SEARCHERS, settings_class

TINY = {
    "channels": 2,
    "stacks": 2,
    "cells_per_stack": 1,
    "batch_size": 24,
    "arch_learning_rate": 1e-2,
    "cutout_prob": 0.5,
    "cutout_length": 3,
    "image_size": 4,
}
OWN = {
    "random_ws": {"ranked_cells": 3, "ranked_batches": 1, "evaluated_cells": 2},
    "single_path": {"population": 3, "generations": 2, "survivors": 2, "recalibration_images": 16},
    "enas": {"sampled_cells": 2},
    "pc_darts": {"partial_channels": 2, "channels": 4, "warmup_share": 0.5},
}


def search(data, searcher, space, *, seed=0, folder=None, stop_asked=lambda: False, **changed):
    settings = settings_class(searcher)(**(TINY | OWN.get(searcher, {}) | changed))
    return run_search(
        searcher=searcher,
        settings=settings,
        space=get_space(space),
        data=data,
        epochs=2,
        seed=seed,
        folder=folder,
        stop_asked=stop_asked,
    )


@pytest.mark.parametrize("searcher", SEARCHERS)
@pytest.mark.parametrize("space", ["nasbench201", pytest.param("darts", marks=pytest.mark.slow)])
def test_the_papers_statistics_are_continued_after_each_step(few_digits, tmp_path, space, searcher):
    result = search(few_digits, searcher, space, folder=tmp_path / "whole", supernet="paper")
    get_space(space).check(result.architecture)
    assert result.trajectory[-1].architecture == result.architecture

    stops = 0
    while True:
        try:
            continued = search(
                few_digits,
                searcher,
                space,
                folder=tmp_path / "cut",
                stop_asked=lambda: True,
                supernet="paper",
            )
        except SearchStopped:
            stops += 1
        else:
            break
    assert stops == 2 * 2  # two epochs of two steps
    assert continued == result
    assert equal_states(state_of(tmp_path / "cut"), state_of(tmp_path / "whole"))


@pytest.mark.parametrize("searcher", SEARCHERS)
def test_one_stack_of_the_space_of_darts_is_refused(few_digits, searcher):
    with pytest.raises(SettingsError, match=r"stacks must be 2 at least .*no reduction cell"):
        search(few_digits, searcher, "darts", stacks=1)
