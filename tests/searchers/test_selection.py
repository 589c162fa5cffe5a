"""How a search chooses the architecture that it ends with, for every searcher."""

import itertools

import pytest
import torch

from oneshot_hpo.contracts.states import equal_states, state_of
from oneshot_hpo.search_spaces import get_space
from oneshot_hpo.searchers import SearchStopped, run_search, sampled_searcher
from oneshot_hpo.searchers.fine_tuning import FineTuning
from oneshot_hpo.searchers.records import FOUND
from oneshot_hpo.searchers.registry import SEARCHERS, settings_class
from oneshot_hpo.searchers.search_loop import Search
from oneshot_hpo.searchers.selection import best_of_likely

SIZES = {
    "channels": 4,
    "stacks": 2,
    "cells_per_stack": 1,
    "batch_size": 24,
    "image_size": 4,
    "arch_learning_rate": 1e-2,
}
KINDS = {
    "one_shot": {"selection_candidates": 3, "finetune_batches": 1},
    "perturbation": {"finetune_batches": 1},
}


FEW = ("darts", "pc_darts", "proxylessnas", "enas", "fairdarts", "ddpnas")
"""In DARTS's space perturbation takes long: one of each kind of searcher."""


def settings_of(name, **changed):
    return settings_class(name)(**(SIZES | changed))


def search(data, name, kind, space, *, folder, stop_asked=lambda: False):
    own = {"channels": 8} if (space, name) == ("darts", "pc_darts") else {}
    if (space, kind) == ("darts", "perturbation"):
        own["train_share"] = 0.5
    return run_search(
        searcher=name,
        settings=settings_of(name, selection=kind, **KINDS[kind], **own),
        space=get_space(space),
        data=data,
        epochs=1,
        seed=0,
        folder=folder,
        stop_asked=stop_asked,
    )


def cases():
    """Every day one of each kind of searcher; steps in DARTS's space are long, and many."""
    found = []
    for space in (1, "nasbench201", "darts"):
        for name in SEARCHERS:
            for kind in KINDS:
                if (space, kind) == ("darts", "perturbation") and name not in FEW:
                    continue
                is_short = space == 1 and name in ("gdas", "proxylessnas", "enas")
                is_short |= space == "nasbench201" and name in ("darts", "random_ws")
                marks = [] if is_short else [pytest.mark.slow]
                found.append(pytest.param(space, name, kind, marks=marks))
    return found


@pytest.mark.slow
@pytest.mark.parametrize(("space", "name", "kind"), cases())
def test_a_selection_that_is_stopped_at_any_time_ends_bit_for_bit(
    few_digits, tmp_path, monkeypatch, space, name, kind
):
    monkeypatch.setattr(sampled_searcher, "_MIXED", 16)
    result = search(few_digits, name, kind, space, folder=tmp_path / "whole")
    get_space(space).check(result.architecture)
    (record,) = result.trajectory
    assert record.measured == FOUND
    assert 0 < record.compare_seconds < record.time

    # In DARTS's space there are some 70 steps: it is stopped at every twelfth.
    every = 12 if (space, kind) == ("darts", "perturbation") else 1
    stops = 0
    while True:
        polls = itertools.count(1)
        try:
            again = search(
                few_digits,
                name,
                kind,
                space,
                folder=tmp_path / "cut",
                stop_asked=lambda polls=polls: next(polls) % every == 0,
            )
            break
        except SearchStopped:
            stops += 1
    assert again == result
    assert stops >= (2 if kind == "one_shot" else 5)
    assert again.trajectory[0].compare_seconds > 0
    states = [state_of(tmp_path / folder) for folder in ("whole", "cut")]
    for state in states:
        state["conclusion"].pop("seconds", None)
    assert equal_states(*states)


@pytest.fixture
def trained(few_digits):
    """A search after its only epoch, before it selects."""
    one = Search(
        "darts",
        settings_of("darts", selection_candidates=4),
        get_space(1),
        few_digits,
        1,
        0,
        torch.device("cpu"),
    )
    one.run_epoch(lambda: False, concludes=False)
    return one


def test_of_the_likeliest_the_one_with_the_lowest_error_is_taken(trained):
    for batches in (None, 2):
        settings = trained.settings.with_config({"finetune_batches": batches})
        candidates = trained._searcher.likely(4)
        tuning = FineTuning(batches or 0, settings)
        errors = trained.evaluation.errors(candidates, fine_tuning=tuning)
        assert len(set(errors)) > 1
        found = best_of_likely(trained._searcher, trained.evaluation, settings)
        assert errors[candidates.index(found)] == min(errors)


def test_fine_tuning_trains_each_candidate_on_its_own_copy(trained):
    """Its errors do not depend on the others, and the supernet stays as it was."""
    before = {name: value.clone() for name, value in trained.supernet.state_dict().items()}
    candidates = trained._searcher.likely(3)
    plain = trained.evaluation.errors(candidates)
    tuning = FineTuning(5, trained.settings.with_config({"learning_rate": 1.0}))
    together = trained.evaluation.errors(candidates, fine_tuning=tuning)
    assert together != plain
    assert together == [
        trained.evaluation.errors([one], fine_tuning=tuning)[0] for one in candidates
    ]
    assert equal_states(dict(trained.supernet.state_dict()), before)
    none = FineTuning(0, trained.settings)
    assert trained.evaluation.errors(candidates, fine_tuning=none) == plain


def test_by_default_nothing_changes(few_digits, tmp_path):
    """Selection by weights is what searches did before there was another."""
    settings = settings_of("darts")
    assert not {"selection", "selection_candidates", "finetune_batches"} & {*settings.to_record()}
    assert "one_shot" in settings_of("darts", selection="one_shot").to_record().values()
