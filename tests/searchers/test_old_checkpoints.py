"""Checkpoints that earlier versions wrote: they are continued as they were begun, or refused.

`checkpoints/NAME-VERSION.pt` is that of `begun`, stopped after two of three steps of its second
epoch by that version.
"""

import shutil
from pathlib import Path

import pytest

from oneshot_hpo.search_spaces import get_space
from oneshot_hpo.searchers import run_search, settings_class
from oneshot_hpo.searchers.checkpoint import CheckpointMismatch, load_checkpoint

OLD = Path(__file__).parent / "checkpoints"
SIZES = {
    "channels": 2,
    "stacks": 2,
    "cells_per_stack": 1,
    "batch_size": 16,
    "arch_learning_rate": 1e-2,
    "cutout_prob": 0.5,
    "cutout_length": 3,
}


def begun(data, folder, **settings):
    """The search, continued from the old checkpoint."""
    shutil.copy(OLD / "proxylessnas-0.2.pt", folder / "checkpoint.pt")
    return run_search(
        searcher="proxylessnas",
        settings=settings_class("proxylessnas")(**SIZES, **settings),
        space=get_space(1),
        data=data,
        epochs=3,
        seed=0,
        folder=folder,
    )


def test_a_search_is_continued_with_the_settings_that_it_began_with(few_digits, tmp_path):
    """In version 0.2 ProxylessNAS had weight decay and no warm-up."""
    old = settings_class("proxylessnas").with_absent({"arch_weight_decay": 1e-3})
    result = begun(few_digits, tmp_path, **old)
    kept = load_checkpoint(tmp_path)["trajectory"][0]
    old_state = load_checkpoint(OLD, "proxylessnas-0.2.pt")
    assert kept == old_state["trajectory"][0]
    assert [record.epoch for record in result.trajectory] == [1, 2, 3]
    assert load_checkpoint(tmp_path)["fingerprint"] == old_state["fingerprint"]


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({}, r"arch_weight_decay = 0\.001, not 0\.0|warmup_share = 0\.0, not 0\.25"),
        ({"arch_weight_decay": 1e-3}, r"warmup_share = 0\.0, not 0\.25: choose another folder"),
    ],
)
def test_other_settings_are_refused_on_one_line(few_digits, tmp_path, settings, named):
    before = (OLD / "proxylessnas-0.2.pt").read_bytes()
    with pytest.raises(CheckpointMismatch, match=named) as refused:
        begun(few_digits, tmp_path, **settings)
    assert "\n" not in str(refused.value)
    assert (tmp_path / "checkpoint.pt").read_bytes() == before
