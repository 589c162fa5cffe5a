"""Every objective holds the contract that plug-ins are given."""

from oneshot_hpo.contracts import ObjectiveContract


class TestMean(ObjectiveContract):
    objective = "mean"


class TestDraw(ObjectiveContract):
    objective = "draw"


class TestMeanOnTest(ObjectiveContract):
    objective = "test_mean"
