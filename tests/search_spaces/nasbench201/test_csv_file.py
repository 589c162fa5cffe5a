"""NAS-Bench-201's numbers from a CSV file: made-up ones, and the published."""

import csv
import gzip
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support.damage import cut, flip
from support.nasbench201_writer import DATASETS, cells, write_csv

from oneshot_hpo.search_spaces import MissingCell, TableError, get_space, load_table
from oneshot_hpo.search_spaces.nasbench201.csv_file import import_csv
from oneshot_hpo.search_spaces.recorded_table import RecordedTable
from oneshot_hpo.search_spaces.table import COST, PROXY, Origin
from oneshot_hpo.search_spaces.table_file import write_table

SPACE = get_space("nasbench201")


def imported(path: Path) -> RecordedTable:
    return import_csv(path, lambda done, size: None)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_csv(tmp_path_factory.mktemp("csv") / "nasbench201.csv.gz")


@pytest.fixture(scope="module")
def rows(path: Path) -> list[dict[str, str]]:
    with gzip.open(path, "rt") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def table(path: Path, tmp_path_factory: pytest.TempPathFactory) -> RecordedTable:
    """Imported, written and opened again."""
    file = tmp_path_factory.mktemp("table") / "table.npz"
    write_table(imported(path), file)
    opened = load_table(file)
    assert isinstance(opened, RecordedTable)
    return opened


def test_every_number_comes_back(table: RecordedTable, rows: list[dict[str, str]]) -> None:
    assert len(table) == 15_625 and table.part is None
    assert table.datasets == DATASETS and table.budgets == (12, 200)
    for line in range(0, len(rows), 501):
        row, architecture = rows[line], SPACE.parse(rows[line]["cell"])
        place = table.row_of(SPACE, architecture)
        assert table.architecture(place) == architecture
        assert table.key(place) == SPACE.key(architecture)
        for dataset in DATASETS:
            opened = table.on(dataset)
            repeats = [row[f"{dataset}_val_200ep_r{repeat}"] for repeat in range(3)]
            errors = [1 - float(text) / 100 if text else np.nan for text in repeats]
            np.testing.assert_allclose(opened.values("valid_error", place), errors, atol=1e-12)
            for metric, budget, column in (
                ("valid_error", 12, "val_12ep"),
                ("test_error", 12, "test_12ep"),
                ("test_error", 200, "test_200ep_mean"),
            ):
                (error,) = opened.values(metric, place, budget)
                assert error == pytest.approx(
                    1 - float(row[f"{dataset}_{column}"]) / 100, abs=1e-12
                )
            seconds = float(row[f"{dataset}_train_time_s"])
            assert opened.seconds(place).tolist() == [seconds]
            assert opened.seconds(place, 12) == pytest.approx(seconds * 12 / 200)
            parameters = round(float(row[f"{dataset}_params_M"]) * 1e6)
            assert opened.values("parameters", place, 12).tolist() == [parameters]


def test_where_each_number_comes_from(table: RecordedTable) -> None:
    for dataset in DATASETS:
        record = table.on(dataset).record(7)
        assert record.origins == {
            "valid_error": Origin.REAL,
            "test_error": Origin.MEAN,
            "seconds": Origin.MEAN,
            "latency": Origin.MEAN,
            "parameters": Origin.REAL,
            "synflow": Origin.REAL,
        }
        of_few = table.on(dataset).record(7, 12)
        assert of_few.origins["seconds"] == Origin.DERIVED
        of_two = dataset == "cifar10"  # a mean of two runs in the benchmark
        assert of_few.origins["valid_error"] == (Origin.MEAN if of_two else Origin.REAL)
        assert of_few.origins["test_error"] == Origin.REAL
    kinds = {name: metric.kind for name, metric in table.metrics.items()}
    assert kinds["parameters"] == kinds["latency"] == COST and kinds["synflow"] == PROXY


def test_gaps_do_not_count_in_means(table: RecordedTable, rows: list[dict[str, str]]) -> None:
    row = table.row_of(SPACE, SPACE.parse(rows[1]["cell"]))
    first, second, third = table.values("valid_error", row)
    assert np.isnan(third)
    assert table.mean_errors("valid", np.array([row]))[0] == pytest.approx((first + second) / 2)
    assert table.noise("valid", table.entries(SPACE)) is not None


def test_every_configuration_is_an_entry_of_its_own(table: RecordedTable) -> None:
    assert table.entries(SPACE).tolist() == list(range(15_625))
    assert table.entry_of(SPACE).tolist() == list(range(15_625))
    assert table.coverage(SPACE) == 15_625 and table.coverage(get_space("transnas-micro")) == 0
    with pytest.raises(MissingCell, match="is one of nasbench201, not of space 1"):
        table.entries(get_space(1))


def test_what_the_table_lacks_is_one_line(table: RecordedTable) -> None:
    with pytest.raises(MissingCell, match="has no accuracy: it has valid_error, test_error"):
        table.values("accuracy", 0)
    with pytest.raises(MissingCell, match="has budgets 12, 200, not 100"):
        table.values("valid_error", 0, 100)
    with pytest.raises(
        TableError, match="has data sets cifar10, cifar100, imagenet16, not 'mnist'"
    ):
        table.on("mnist")


@pytest.mark.slow
@pytest.mark.parametrize("damage", [cut, flip])
def test_a_damaged_file_is_refused(
    path: Path, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    copy = tmp_path / "nasbench201.csv.gz"
    copy.write_bytes(path.read_bytes())
    damage(copy)
    with pytest.raises(TableError, match=r"nasbench201\.csv\.gz: [^\n]*$"):
        imported(copy)


def edited(path: Path, edit: Callable[[list[str]], None]) -> None:
    """A file of six cells whose values on line 4 are edited."""
    write_csv(path, cells(6))
    lines = path.read_text().splitlines()
    values = lines[3].split(",")
    edit(values)
    lines[3] = ",".join(values)
    path.write_text("\n".join(lines) + "\n")


def setting(place: int, text: str) -> Callable[[list[str]], None]:
    return lambda values: values.__setitem__(place, text)


@pytest.mark.parametrize(
    ("edit", "problem"),
    [
        (setting(1, "|none~0|"), "line 4 is wrong: not a cell of NAS-Bench-201"),
        (setting(2, "101"), "line 4 is wrong: cifar10_val_12ep is '101', not in 0 to 100"),
        (setting(2, "nan"), "line 4 is wrong: cifar10_val_12ep is 'nan', not in 0 to 100"),
        (setting(2, ""), "line 4 is wrong: cifar10_val_12ep is '', not in 0 to 100"),
        (setting(8, "-1"), "line 4 is wrong: cifar10_train_time_s is '-1'"),
        (setting(9, "inf"), "line 4 is wrong: cifar10_latency_s is 'inf'"),
        (lambda values: values.pop(), "line 4 is wrong: it has 31 values, not 32"),
        (setting(1, cells(6)[0]), "line 4 is wrong: the cell of line 2 again"),
        (setting(3, "5"), "cut short: it has 6 of 15,625 cells"),
    ],
)
def test_a_wrong_row_is_named(
    tmp_path: Path, edit: Callable[[list[str]], None], problem: str
) -> None:
    edited(tmp_path / "few.csv", edit)
    with pytest.raises(TableError, match=problem) as refused:
        imported(tmp_path / "few.csv")
    assert "\n" not in str(refused.value)


def test_a_file_without_a_column_or_of_one_endless_line_is_refused(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "few.csv", cells(2))
    text = path.read_text()
    path.write_text(text.replace("cifar100_params_M", "size"))
    with pytest.raises(TableError, match="its first line lacks the column cifar100_params_M"):
        imported(path)
    path.write_text(text.splitlines()[0] + "\n" + "0" * 200_000)
    with pytest.raises(TableError, match="line 2 is wrong: it is too long"):
        imported(path)
    path.write_bytes(text.encode() + b"\xff\n")
    with pytest.raises(TableError, match=r"line 4 is wrong: .* can't decode byte"):
        imported(path)


@pytest.mark.slow
def test_the_progress_reaches_the_size_of_the_file(path: Path) -> None:
    told: list[tuple[int, int]] = []
    import_csv(path, lambda done, size: told.append((done, size)))
    assert told == sorted(told) and len(told) > 3
    assert told[-1] == (path.stat().st_size,) * 2


def test_the_published_numbers() -> None:
    file = Path(os.environ.get("ONESHOT_HPO_TEST_DATA", "")) / "nasbench201/nasbench201.csv.gz"
    if not file.is_file():
        pytest.skip("set ONESHOT_HPO_TEST_DATA to a folder with nasbench201/nasbench201.csv.gz")
    table = imported(file)
    published = {"cifar10": 94.37, "cifar100": 73.51, "imagenet16": 47.31}
    for dataset, accuracy in published.items():
        best = table.on(dataset).best(SPACE)
        assert round(100 * (1 - best.test_error), 2) == accuracy
    # the cells that the paper's table names as optimal on the test sets reach it
    errors = table.on("cifar10").mean_errors("test", table.entries(SPACE))
    cell = (
        "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+"
        "|skip_connect~0|nor_conv_3x3~1|nor_conv_1x1~2|"
    )
    assert errors[table.entry(SPACE, SPACE.parse(cell))] == errors.min()
