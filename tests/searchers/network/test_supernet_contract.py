"""Every supernet holds the contract that plug-ins are given."""

from oneshot_hpo.contracts import SupernetContract


class TestSpace1(SupernetContract):
    space = 1


class TestSpace3(SupernetContract):
    space = 3


class TestNasBench201(SupernetContract):
    space = "nasbench201"


class TestDarts(SupernetContract):
    space = "darts"
