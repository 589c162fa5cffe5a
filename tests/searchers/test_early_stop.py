"""RobustDARTS's rule on eigenvalues, and a search that it ends."""

import dataclasses
import math

import pytest
from support.tiny_searches import TINY, search

from oneshot_hpo.searchers import measuring
from oneshot_hpo.searchers.early_stop import stop_epoch
from oneshot_hpo.searchers.registry import settings_class
from oneshot_hpo.searchers.settings import SettingsError

FLAT = [0.1] * 20
RISING = [0.1] * 14 + [0.12, 0.15, 0.2, 0.25, 0.3, 0.3]
"""The authors' EVLocalAvg (window 5, delta 5, factor 4/3, start 10) returns from its epoch 18 to
11, counted from 1."""


def first_stop(values, growth=4 / 3, start=10):
    for epoch in range(1, len(values) + 1):
        found = stop_epoch(values[:epoch], growth, start)
        if found is not None:
            return epoch, found
    return None


def test_a_growing_eigenvalue_ends_the_search_at_the_epoch_before_it_grew():
    assert first_stop(RISING) == (18, 11)
    assert first_stop(FLAT) is None
    assert first_stop(RISING[::-1]) is None


def test_growth_start_and_spikes():
    assert first_stop(RISING, growth=3) is None
    assert first_stop(RISING, start=11) == (19, 12)
    # Smoothed over 5 epochs a spike has to be as high as five growths.
    assert first_stop([*FLAT[:16], 0.2, *FLAT[:3]]) is None
    assert first_stop([*FLAT[:16], 0.3, *FLAT[:3]]) == (18, 11)
    # Without a start, averages around the first epochs are over those that there are:
    # (1 + 1 + 1) / 3 around epoch 1 and (1 + 1 + 1 + 2 + 2) / 5 around epoch 6.
    assert first_stop([1, 1, 1, 1, 1, 1, 2, 2], start=0) == (8, 1)
    assert first_stop([1, 1, 1, 1, 1, 1, 1, 2], start=0) is None


@pytest.mark.parametrize("value", [0.0, -1.0, math.nan])
def test_no_growth_can_be_measured_from_this(value):
    assert first_stop([value] * 18 + [1.0]) is None


def planted(monkeypatch, values):
    """Let the searches after this measure these eigenvalues, one after the other."""
    left = iter(values)
    monkeypatch.setattr(measuring, "largest_eigenvalue", lambda *_: next(left))


STOPPING = dataclasses.replace(TINY, early_stop="eigenvalue", stop_start=1)


@pytest.mark.slow
def test_a_stopped_search_ends_with_the_cell_of_the_epoch_it_returns_to(
    few_digits, tmp_path, monkeypatch
):
    values = [1, 1, 1, 1, 1, 1, 1, 2, 2, 9, 9, 9]
    planted(monkeypatch, values)
    eager = dataclasses.replace(STOPPING, arch_learning_rate=0.3)
    found = search(few_digits, settings=eager, epochs=12, folder=tmp_path)
    records = found.trajectory
    assert len(records) == 9
    assert [record.diagnosis.eigenvalue for record in records] == values[:9]
    assert [record.diagnosis.stopped_at for record in records] == [None] * 8 + [2]
    assert found.architecture == records[1].architecture
    assert found.architecture != records[7].architecture  # alpha has moved on since

    monkeypatch.undo()
    again = search(few_digits, settings=eager, epochs=12, folder=tmp_path)
    assert again == found  # it is finished: nothing runs


@pytest.mark.slow
def test_the_last_epoch_is_no_early_stop(few_digits, monkeypatch):
    planted(monkeypatch, [1, 1, 1, 1, 1, 1, 1, 2, 2])
    found = search(few_digits, settings=STOPPING, epochs=9)
    assert found.trajectory[-1].diagnosis.stopped_at is None


@pytest.mark.slow
def test_measuring_eigenvalues_changes_nothing_else(few_digits):
    measured = dataclasses.replace(TINY, hessian_eigenvalue=True)
    records = search(few_digits, settings=measured, epochs=2).trajectory
    assert all(record.diagnosis.eigenvalue is not None for record in records)
    without = [
        dataclasses.replace(
            record, diagnosis=dataclasses.replace(record.diagnosis, eigenvalue=None)
        )
        for record in records
    ]
    assert tuple(without) == search(few_digits, epochs=2).trajectory


@pytest.mark.parametrize(
    "name", ["gdas", "random_ws", "single_path", "enas", "proxylessnas", "snas", "ddpnas"]
)
@pytest.mark.parametrize(
    "settings",
    [{"early_stop": "eigenvalue"}, {"early_stop": "operations"}, {"hessian_eigenvalue": True}],
)
def test_searchers_that_draw_cells_refuse_it_in_one_line(name, settings):
    with pytest.raises(SettingsError, match="draws a cell in each step") as refused:
        settings_class(name)(**settings)
    assert "\n" not in str(refused.value)
    assert str(refused.value).startswith(f"search setting {next(iter(settings))} must be ")


def test_other_settings_that_cannot_be():
    with pytest.raises(SettingsError, match="early_stop must be one of eigenvalue, operations"):
        settings_class("darts")(early_stop="never")
    with pytest.raises(SettingsError, match="first order alone"):
        settings_class("darts_second_order")(early_stop="operations")
    assert settings_class("darts_second_order")(early_stop="eigenvalue").takes_eigenvalue
