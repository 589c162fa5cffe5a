"""Spaces, tables and cells that do not fit: one line, exit code 2, nothing written."""

import gzip
from pathlib import Path

import pytest
from support.nasbench201_writer import cells
from support.study_commands import called, refused

[CELL] = cells(1)
WITHOUT_TABLE = [
    word
    for setting in ("space=darts", "table=null", "objective={train: {epochs: 1}}")
    for word in ("--set", setting)
]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("table", "show", "nasbench201:svhn"), "has data sets cifar10, cifar100, imagenet16"),
        (("table", "show", "nasbench201", "--dataset", "svhn"), "not 'svhn'"),
        (("table", "show", "transnas-micro"), "there is no TransNAS-Bench-101 (micro) in"),
        (("table", "show", "darts"), "no table 'darts': use digits,"),
        (("table", "query", "nasbench201", "|nor_conv_3x3~0|"), "not a cell of NAS-Bench-201"),
        (("table", "query", "nasbench201", CELL.replace("~2", "~3")), "not a cell of"),
        (("table", "query", "digits", CELL), "the table of digits lacks the cell"),
        (("atlas", "--space", "nasbench201", "--out", "new"), "the table of digits is one of"),
        (("atlas", "--space", "darts", "--out", "new"), "too large for its architectures"),
        (("search", "--space", "nasbench201", "--epochs", 1), "the table of digits is one of"),
        (
            ("launch", "quickstart", "--dir", "new", *WITHOUT_TABLE, "--set", "search.stacks=1"),
            "quickstart: search setting stacks must be 2 at least for the space of DARTS",
        ),
        (
            ("analyze", "operations", "--table", "digits,nasbench201:svhn", "--dir", "new"),
            "not 'svhn'",
        ),
        (
            ("analyze", "operations", "--space", 2, "--table", "nasbench201", "--dir", "new"),
            "is one of nasbench201, not of space 2",
        ),
    ],
)
@pytest.mark.usefixtures("nasbench201_data")
def test_what_does_not_fit_is_one_line(tmp_path: Path, arguments: tuple, words: str) -> None:
    assert words in refused(*arguments, cwd=tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_damaged_or_foreign_file_leaves_the_table_as_it_was(
    nasbench201_data: Path, tmp_path: Path
) -> None:
    there = (nasbench201_data / "nasbench201.npz").read_bytes()
    whole = (nasbench201_data / "nasbench201.csv.gz").read_bytes()
    (tmp_path / "nasbench201.csv.gz").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "foreign.csv").write_text("a,b\n1,2\n")
    (tmp_path / "text.csv.gz").write_bytes(gzip.compress(b"no table at all"))
    for name in ("nasbench201.csv.gz", "foreign.csv", "text.csv.gz"):
        ended = called("data", "import", tmp_path / name)
        assert ended.returncode == 2, name
        errors = [line for line in ended.stderr.splitlines() if line.startswith("error: ")]
        assert len(errors) == 1 and name in errors[0]
        assert (nasbench201_data / "nasbench201.npz").read_bytes() == there
