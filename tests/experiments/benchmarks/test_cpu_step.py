"""Tests of oneshot_hpo.experiments.benchmarks.cpu_step."""

import argparse
from typing import Any

import pytest
import torch

from oneshot_hpo.experiments.benchmarks import cpu_step
from oneshot_hpo.experiments.benchmarks.search_step import images, make_search
from oneshot_hpo.search_spaces.nasbench101.space import numbered
from oneshot_hpo.searchers.data.batches import Batch

TINY = argparse.Namespace(
    **{"channels": 4, "cells_per_stack": 1, "batch_size": 8, "pixels": 8},
    **{"steps": 2, "rounds": 1, "device": "cpu", "child": ""},
)


@pytest.mark.slow
def test_the_shares_of_a_step_are_all_of_it() -> None:
    name, milliseconds, *shares, rate, peak = (
        cpu_step.shares("darts", TINY).strip("| ").split(" | ")
    )
    assert name == "darts"
    assert sum(map(float, shares)) == pytest.approx(100, abs=len(shares) / 2)  # each is rounded
    convolutions, normalisation, *_ = map(float, shares)
    assert convolutions > 0
    assert normalisation > 0
    assert all(float(number) > 0 for number in (milliseconds, rate, peak))


@pytest.mark.slow
def test_the_supernet_of_a_mixture_is_one_graph() -> None:
    """As `compiled` asks for it: torch raises where a graph has to break."""
    search = make_search("darts", numbered(1), "corrected", TINY)
    batch = Batch.of(images(TINY).supernet_train, torch.device("cpu"))
    network: Any = torch.compile(search.supernet, backend="eager", dynamic=False, fullgraph=True)
    other = make_search("darts", numbered(1), "corrected", TINY)
    assert torch.equal(search.step(batch, batch, network), other.step(batch, batch))
