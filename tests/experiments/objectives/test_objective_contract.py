"""Every objective holds the contract that plug-ins are given."""

from typing import ClassVar

import pytest

from oneshot_hpo.contracts import ObjectiveContract


class TestMean(ObjectiveContract):
    objective = "mean"


class TestDraw(ObjectiveContract):
    objective = "draw"


class TestMeanOnTest(ObjectiveContract):
    objective = "test_mean"


@pytest.mark.slow
class TestTrain(ObjectiveContract):
    """Without a table, in a space that has none."""

    objective: ClassVar = {"train": {"epochs": 2, "channels": 2, "stacks": 1, "batch_size": 200}}
    space = "nasbench201"
    table = None
