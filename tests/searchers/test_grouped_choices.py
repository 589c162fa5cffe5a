"""Searchers in a space with groups and candidates that are never picked, as DARTS's has."""

import numpy as np
import pytest
import torch
from support.grouped_space import GroupedSpace
from support.reinforce import train

from oneshot_hpo.searchers.alphas import AlphaLayout
from oneshot_hpo.searchers.controller import controller_of
from oneshot_hpo.searchers.registry import SEARCHERS, searcher_class, settings_class

SPACE = GroupedSpace()


def make(name: str, seed: int = 0):
    generator = torch.Generator().manual_seed(seed)
    return searcher_class(name)(SPACE, settings_class(name)(), torch.device("cpu"), generator)


def sums_of_groups(encoding) -> list[list[float]]:
    return [
        [float(sum(weights[place] for place in places).detach()) for places in choice.mixtures]
        for choice, weights in zip(SPACE.choices, encoding.weights, strict=True)
    ]


def test_rows_of_one_width_share_a_tensor() -> None:
    layout = AlphaLayout(SPACE.choices)
    assert layout.shapes == [(5, 3), (1, 2)]  # two sources and three, then the last choice
    assert [row.row for row in layout.rows[1]] == [2, 3, 4]
    assert layout.rows[1][2].candidates == (6, 7, 8)
    assert layout.rows[2][0].tensor == 1


@pytest.mark.parametrize(
    "name", ["darts", "darts_second_order", "drnas", "snas", "sdarts_rs", "sdarts_adv", "balenas"]
)
def test_shares_of_each_group_sum_to_one(name: str) -> None:
    assert sums_of_groups(make(name).mixture()) == [
        pytest.approx([1, 1]),
        pytest.approx([1, 1, 1]),
        pytest.approx([1]),
    ]


def test_pc_darts_normalises_the_edges_of_a_node() -> None:
    searcher = make("pc_darts")
    with torch.no_grad():
        searcher.betas[1][:] = torch.tensor([0.5, 0.3, 0.2]).log()
    groups = sums_of_groups(searcher.mixture())
    assert groups[1] == pytest.approx([0.5, 0.3, 0.2])
    # equal operations: beta alone says which sources are kept
    with torch.no_grad():
        searcher.alphas[0].zero_()
    kept = {SPACE.choices[1].groups[place] for place in searcher.architecture().picks[1]}
    assert kept == {0, 1}
    assert len(searcher.state_dict()["alphas"]) == len(searcher.layout.shapes) + 2


def test_gdas_draws_one_operation_of_each_source() -> None:
    searcher = make("gdas")
    encoding = searcher.mixture()
    assert [len(weights) for weights in encoding.weights] == [2, 3, 1]
    for choice, weights in zip(SPACE.choices, encoding.weights, strict=True):
        for place, weight in weights.items():
            assert weight.detach() == 1
            assert weight.requires_grad
            assert any(place in places for places in choice.mixtures)
    assert all(
        w is None for weights in searcher.weights_encoding().weights for w in weights.values()
    )


def test_strengths_compare_shares_where_groups_compete() -> None:
    """A logit far above all others of all groups counts for no more than its share."""
    searcher = make("darts")
    with torch.no_grad():
        searcher.alphas[0][:] = torch.tensor(
            [[0, 0, 0], [0, 0, 0], [50, 51, 50], [0, 0, 3], [0, 2, 0]]
        )
    shares = torch.tensor([[50.0, 51, 50], [0, 0, 3], [0, 2, 0]]).softmax(1)
    assert np.allclose(searcher.strengths()[1], shares.flatten())
    assert searcher.architecture().picks[1] == (5, 7)


def test_the_paths_of_proxylessnas_are_ways() -> None:
    searcher = make("proxylessnas")
    assert [len(alpha) for alpha in searcher.alphas] == [4, 12, 2]
    gates = torch.tensor([[1.0, 0.0]] * 3)
    encoding = searcher._gated([[0, 3], [0, 1], [1, 0]], gates)
    ways = SPACE.choices[1].ways
    assert set(encoding.weights[1]) == set(ways[0]) | set(ways[1])
    shared = set(ways[0]) & set(ways[1])
    assert all(encoding.weights[1][place] == 1 for place in shared)  # the sum of both gates


@pytest.mark.parametrize("name", SEARCHERS)
def test_every_searcher_draws_architectures_of_the_space(name: str) -> None:
    for seed in range(5):
        searcher = make(name, seed)
        found = searcher.architecture()
        if found is None:
            found = searcher._drawn()
        SPACE.check(found)
        for weights, choice in zip(searcher.weights_encoding().weights, SPACE.choices, strict=True):
            assert set(weights) <= set(range(len(choice.candidates)))
            assert len(weights) >= choice.k


@pytest.mark.slow
def test_enas_learns_what_is_rewarded_choice_by_choice() -> None:
    controller = controller_of(SPACE, torch.Generator().manual_seed(0))

    def reward(sample) -> float:
        return float(sample.architecture.picks[2] == (1,))

    train(controller, reward, steps=150, learning_rate=0.02, baseline=0.5)
    with torch.no_grad():
        assert sum(reward(controller.sample()) for _ in range(100)) > 80
