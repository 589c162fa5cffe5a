"""A search that goes on where a shorter one with its schedules ended."""

import dataclasses
import itertools
import logging

import pytest
import torch
from support.tiny_searches import TINY, search

from oneshot_hpo.contracts.states import equal_states
from oneshot_hpo.search_spaces import get_space
from oneshot_hpo.searchers import run_search
from oneshot_hpo.searchers.checkpoint import (
    TO_CONTINUE,
    CheckpointMismatch,
    load_checkpoint,
    read_metrics,
)
from oneshot_hpo.searchers.records import SearchStopped
from oneshot_hpo.searchers.registry import settings_class


def settings_of(searcher, **more):
    """The tiny searches' settings, as those of a searcher."""
    common = {field.name: getattr(TINY, field.name) for field in dataclasses.fields(TINY)}
    defaults = settings_class(searcher)()
    given = {name: value for name, value in common.items() if name not in defaults.unused}
    return defaults.with_config(given | more)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("searcher", "settings"),
    [
        ("darts", {}),
        ("darts", {"warmup_share": 0.5}),
        ("darts", {"arch_learning_rate": "scaled"}),
        ("darts", {"selection": "perturbation", "finetune_batches": 2}),
        ("darts", {"selection": "one_shot", "selection_candidates": 2, "finetune_batches": 1}),
        ("gdas", {}),
        ("random_ws", {"ranked_cells": 10, "evaluated_cells": 2}),
        ("ddpnas", {}),
    ],
)
def test_it_ends_as_a_search_that_was_never_interrupted(few_digits, tmp_path, searcher, settings):
    def run(name, **options):
        return run_search(
            searcher=searcher,
            settings=settings_of(searcher, **settings),
            space=get_space(1),
            data=few_digits,
            epochs=3,
            seed=0,
            folder=tmp_path / name,
            **options,
        )

    whole = run("whole")
    ran = []
    run("1", until=1)
    second = run("2", until=2, start=tmp_path / "1", on_epoch=ran.append)
    third = run("3", start=tmp_path / "2", on_epoch=ran.append)

    assert third == dataclasses.replace(whole, continued_from=2)
    assert (second.continued_from, whole.continued_from) == (1, 0)
    # Of an epoch in which a shorter search ended, only the measurements are made again.
    assert [record.epoch for record in ran] == [1, 2, 2, 3]
    assert [record.inherited for record in third.trajectory] == [True, None, None]
    ends = [load_checkpoint(tmp_path / name) for name in ("whole", "3")]
    for name in ("weights", "searcher", "generators"):
        assert equal_states(ends[0][name], ends[1][name])


@pytest.mark.slow
def test_only_a_search_with_schedules_beyond_its_end_leaves_a_state(few_digits, tmp_path):
    search(few_digits, folder=tmp_path / "whole")
    search(few_digits, folder=tmp_path / "short", until=2)
    assert not (tmp_path / "whole" / TO_CONTINUE).exists()
    assert len(load_checkpoint(tmp_path / "short", TO_CONTINUE)["trajectory"]) == 1


@pytest.mark.slow
@pytest.mark.parametrize("stop", [1, 3, 4, 5, 8])
def test_it_may_be_stopped_after_any_step(few_digits, tmp_path, stop):
    whole = search(few_digits)
    steps = itertools.count(1)

    def in_parts(name, **options):
        while True:
            try:
                return search(few_digits, folder=tmp_path / name, **options)
            except SearchStopped:
                continue

    def stop_asked():
        return next(steps) % stop == 0 and next(steps) < 40

    in_parts("1", until=1, stop_asked=stop_asked)
    in_parts("2", until=2, start=tmp_path / "1", stop_asked=stop_asked)
    third = in_parts("3", start=tmp_path / "2", stop_asked=stop_asked)
    assert third == dataclasses.replace(whole, continued_from=2)


@pytest.mark.slow
def test_its_own_checkpoint_comes_before_the_shorter_search(few_digits, tmp_path):
    search(few_digits, folder=tmp_path / "1", until=1)
    result = search(few_digits, folder=tmp_path / "3", start=tmp_path / "1")
    ran = []
    again = search(few_digits, folder=tmp_path / "3", start=tmp_path / "gone", on_epoch=ran.append)
    assert again == result
    assert not ran


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["missing", "damaged"])
def test_without_its_state_it_starts_again_with_the_same_result(
    few_digits, tmp_path, caplog, fault
):
    whole = search(few_digits)
    search(few_digits, folder=tmp_path / "1", until=1)
    path = tmp_path / "1" / TO_CONTINUE
    if fault == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-20])
    with caplog.at_level(logging.WARNING):
        assert search(few_digits, folder=tmp_path / "3", start=tmp_path / "1") == whole
    assert f"{path}" in caplog.text
    assert fault in caplog.text
    assert "starts from the beginning" in caplog.text


def test_the_state_of_another_search_is_refused(few_digits, tmp_path):
    search(few_digits, folder=tmp_path / "1", until=1, seed=1)
    with pytest.raises(CheckpointMismatch, match=r"continue\.pt is of a search with seed = 1"):
        search(few_digits, folder=tmp_path / "3", start=tmp_path / "1")


def test_seconds_of_the_shorter_search_are_not_its_own(few_digits, tmp_path):
    search(few_digits, folder=tmp_path / "2", until=2)
    state = load_checkpoint(tmp_path / "2", TO_CONTINUE)
    search(few_digits, folder=tmp_path / "3", start=tmp_path / "2")
    rows = read_metrics(tmp_path / "3")
    assert rows[0]["time"] == state["trajectory"][0]["time"]
    assert [row.get("inherited") for row in rows] == [True, None, None]


@pytest.mark.slow
def test_an_end_that_early_stopping_chose_is_the_end_of_the_longer_search(few_digits, tmp_path):
    settings = dataclasses.replace(
        TINY, early_stop="eigenvalue", stop_growth=1 + 1e-9, stop_start=1, learning_rate=0.2
    )
    whole = search(few_digits, settings=settings, epochs=14)
    assert len(whole.trajectory) < 14  # it has stopped early
    until = len(whole.trajectory) + 1
    short = search(few_digits, settings=settings, epochs=14, until=until, folder=tmp_path / "1")
    ran = []
    longer = search(
        few_digits,
        settings=settings,
        epochs=14,
        folder=tmp_path / "2",
        start=tmp_path / "1",
        on_epoch=ran.append,
    )
    assert short == whole
    assert longer == dataclasses.replace(whole, continued_from=len(whole.trajectory))
    assert not ran


@pytest.mark.parametrize("until", [0, 4])
def test_it_cannot_end_outside_its_schedules(few_digits, until):
    with pytest.raises(ValueError, match=f"3 epochs cannot end after epoch {until}"):
        search(few_digits, until=until)


@pytest.mark.slow
def test_it_is_deterministic_whatever_torch_drew_before(few_digits, tmp_path):
    search(few_digits, folder=tmp_path / "1", until=1)
    torch.rand(3)
    assert (
        search(few_digits, folder=tmp_path / "3", start=tmp_path / "1").trajectory
        == search(few_digits).trajectory
    )
