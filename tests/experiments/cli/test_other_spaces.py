"""Spaces, tables and cells that do not fit: one line, exit code 2, nothing written."""

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.nasbench201_writer import cells, write_csv
from support.study_commands import called

from oneshot_hpo.search_spaces.data_folder import VARIABLE

[CELL] = cells(1)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A data folder with NAS-Bench-201, its numbers drawn at random."""
    folder = tmp_path_factory.mktemp("data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, str(folder))
        imported = called("data", "import", write_csv(folder / "nasbench201.csv.gz"))
        assert imported.returncode == 0, imported.stderr
        yield folder


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
            ("analyze", "operations", "--table", "digits,nasbench201:svhn", "--dir", "new"),
            "not 'svhn'",
        ),
        (
            ("analyze", "operations", "--space", 2, "--table", "nasbench201", "--dir", "new"),
            "is one of nasbench201, not of space 2",
        ),
    ],
)
def test_what_does_not_fit_is_one_line(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple, words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    ended = called(*arguments)
    assert ended.returncode == 2
    [line] = ended.stderr.splitlines()
    assert line.startswith("error: ") and words in line
    assert list(tmp_path.iterdir()) == [] and ended.stdout == ""


def test_a_damaged_or_foreign_file_leaves_the_table_as_it_was(data: Path, tmp_path: Path) -> None:
    there = (data / "nasbench201.npz").read_bytes()
    whole = (data / "nasbench201.csv.gz").read_bytes()
    (tmp_path / "nasbench201.csv.gz").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "foreign.csv").write_text("a,b\n1,2\n")
    (tmp_path / "text.csv.gz").write_bytes(gzip.compress(b"no table at all"))
    for name in ("nasbench201.csv.gz", "foreign.csv", "text.csv.gz"):
        ended = called("data", "import", tmp_path / name)
        assert ended.returncode == 2, name
        errors = [line for line in ended.stderr.splitlines() if line.startswith("error: ")]
        assert len(errors) == 1 and name in errors[0]
        assert (data / "nasbench201.npz").read_bytes() == there
