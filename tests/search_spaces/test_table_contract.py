"""Every kind of table holds the contract that plug-ins are given."""

import os
from pathlib import Path

import pytest
from support.grouped_space import GroupedSpace
from support.made_table import MadeTable

from oneshot_hpo.contracts import TableContract
from oneshot_hpo.search_spaces import EnumerableSpace, Table
from oneshot_hpo.search_spaces.nasbench201 import csv_file as nasbench201
from oneshot_hpo.search_spaces.transnas import csv_file as transnas


class TestDigits(TableContract):
    table = "digits"
    spaces = (1,)


class TestDigits201(TableContract):
    table = "digits-201"
    spaces = ("nasbench201",)


class TestMade(TableContract):
    """Scores, gaps, several data sets, imputed values, a metric of one budget alone."""

    @classmethod
    def load(cls) -> Table:
        return MadeTable.new()

    @classmethod
    def load_spaces(cls) -> list[EnumerableSpace]:
        return [GroupedSpace()]


def published(name: str) -> Path:
    """A file behind ONESHOT_HPO_TEST_DATA; tests that need it are skipped without."""
    path = Path(os.environ.get("ONESHOT_HPO_TEST_DATA", "")) / name
    if not path.is_file():
        pytest.skip(f"set ONESHOT_HPO_TEST_DATA to a folder with {name}")
    return path


@pytest.mark.slow
class TestNasBench201(TableContract):
    spaces = ("nasbench201",)

    @classmethod
    def load(cls) -> Table:
        path = published("nasbench201/nasbench201.csv.gz")
        return nasbench201.import_csv(path, lambda done, size: None)


@pytest.mark.slow
class TestTransNasMicro(TableContract):
    spaces = ("transnas-micro",)

    @classmethod
    def load(cls) -> Table:
        path = published("transnasbench101/transnas_micro.csv")
        return transnas.import_csv(path, lambda done, size: None)


@pytest.mark.slow
class TestTransNasMacro(TableContract):
    spaces = ("transnas-macro",)

    @classmethod
    def load(cls) -> Table:
        path = published("transnasbench101/transnas_macro.csv")
        return transnas.import_csv(path, lambda done, size: None)
