"""What oneshot-hpo asks of plug-ins, of the parts of this one."""

from typing import ClassVar

from oneshot_hpo.contracts import (
    ObjectiveContract,
    SearcherContract,
    SearchSpaceContract,
    SupernetContract,
    TableContract,
)


class TestBandit(SearcherContract):
    searcher = "bandit"
    spaces = ("chain", 1)
    active_with: ClassVar = {"temperature": {"rule": "softmax"}}


class TestChain(SearchSpaceContract):
    space = "chain"
    isomorphic = (
        (
            '{"layer_1": "skip", "layer_2": "pool", "layer_3": "conv3x3"}',
            '{"layer_1": "pool", "layer_2": "conv3x3", "layer_3": "skip"}',
        ),
    )
    different = (
        (
            '{"layer_1": "skip", "layer_2": "pool", "layer_3": "conv3x3"}',
            '{"layer_1": "skip", "layer_2": "conv3x3", "layer_3": "pool"}',
        ),
    )


class TestChainSupernet(SupernetContract):
    space = "chain"


class TestChains(TableContract):
    table = "chains"
    spaces = ("chain",)


class TestSteady(ObjectiveContract):
    objective: ClassVar = {"steady": {"caution": 2.0}}
    space = "chain"
    table = "chains"
