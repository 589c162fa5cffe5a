"""What holds for every searcher that trains on drawn cells and compares cells."""

import pytest
import torch

from oneshot_hpo.contracts.states import equal_states, state_of
from oneshot_hpo.search_spaces import get_space
from oneshot_hpo.searchers import SearchStopped, run_search
from oneshot_hpo.searchers.records import DRAWN, FOUND
from oneshot_hpo.searchers.registry import settings_class
from oneshot_hpo.searchers.search_loop import Search

TINY = {"channels": 4, "stacks": 2, "cells_per_stack": 1, "batch_size": 16, "cutout_prob": 0.5}
SHORT_END = {
    "random_ws": {"ranked_cells": 6, "ranked_batches": 1, "evaluated_cells": 3},
    "single_path": {"population": 4, "generations": 2, "survivors": 2, "recalibration_images": 16},
    "enas": {"sampled_cells": 6, "ranked_batches": 1, "evaluated_cells": 3},
}
SPACE = get_space(1)


def settings_of(searcher, **changed):
    return settings_class(searcher)(**(TINY | SHORT_END[searcher] | changed))


def search(data, searcher, *, folder=None, stop_asked=lambda: False, **changed):
    return run_search(
        searcher=searcher,
        settings=settings_of(searcher, **changed),
        space=SPACE,
        data=data,
        epochs=3,
        seed=0,
        folder=folder,
        stop_asked=stop_asked,
    )


@pytest.fixture(scope="module", params=SHORT_END)
def searcher(request):
    return request.param


@pytest.fixture(scope="module")
def searched(few_digits, searcher):
    """A search after its last epoch, and its records."""
    settings = settings_of(searcher)
    one = Search(searcher, settings, SPACE, few_digits, 3, 0, torch.device("cpu"))
    while one.epoch < 3:
        one.run_epoch(lambda: False)
    return one, one.trajectory


@pytest.fixture(scope="module")
def every_epoch(few_digits, searcher, tmp_path_factory):
    """The folder and result of a search that compares cells after every epoch."""
    folder = tmp_path_factory.mktemp(searcher)
    return folder, search(few_digits, searcher, folder=folder, conclude_every=1)


def test_the_last_error_is_the_found_cells_own(searched, searcher):
    search, records = searched
    images = SHORT_END[searcher].get("recalibration_images", 0)
    cell = records[-1].architecture
    assert search.evaluation.errors([cell], recalibration_images=images) == pytest.approx(
        [records[-1].valid_error]
    )


def test_each_record_says_what_its_error_is_of(searched):
    _, records = searched
    assert [record.measured for record in records] == [DRAWN, DRAWN, FOUND]
    assert [record.architecture is None for record in records] == [True, True, False]


def test_the_time_of_comparing_cells_is_measured(searched):
    _, records = searched
    assert [record.compare_seconds is None for record in records] == [True, True, False]
    assert 0 < records[-1].compare_seconds < records[-1].time


def test_comparing_cells_in_between_changes_nothing_else(searched, every_epoch):
    _, records = searched
    _, result = every_epoch
    assert [record.measured for record in result.trajectory] == [FOUND, FOUND, FOUND]
    for one, other in zip(result.trajectory, records, strict=True):
        SPACE.check(one.architecture)
        assert one.compare_seconds > 0
        assert (one.train_loss, one.train_error) == (other.train_loss, other.train_error)
    assert result.trajectory[-1] == records[-1]


@pytest.mark.slow
def test_every_so_many_epochs_are_counted_from_the_first(few_digits, searcher, every_epoch):
    _, compared = every_epoch
    result = search(few_digits, searcher, conclude_every=2)
    assert [record.measured for record in result.trajectory] == [DRAWN, FOUND, FOUND]
    assert result.trajectory[1:] == compared.trajectory[1:]


@pytest.mark.slow
def test_stopped_after_each_step_it_compares_the_same_cells(
    few_digits, searcher, every_epoch, tmp_path
):
    folder, result = every_epoch
    options = {"conclude_every": 1, "folder": tmp_path, "stop_asked": lambda: True}
    stops = 0
    while True:
        try:
            continued = search(few_digits, searcher, **options)
            break
        except SearchStopped:
            stops += 1
    assert stops > 3
    assert continued == result
    assert equal_states(state_of(tmp_path), state_of(folder))
