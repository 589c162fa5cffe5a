"""TransNAS-Bench-101's numbers: made-up ones, and those of the published files."""

import csv
import os
from collections.abc import Callable
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from oneshot_hpo.search_spaces import TableError, get_space, load_table
from oneshot_hpo.search_spaces.recorded_table import RecordedTable
from oneshot_hpo.search_spaces.table import PROXY
from oneshot_hpo.search_spaces.table_file import write_table
from oneshot_hpo.search_spaces.transnas.csv_file import TASKS, import_csv

MICRO, MACRO = get_space("transnas-micro"), get_space("transnas-macro")
RANGES = {"valid_error": (0, 100), "valid_ssim": (0, 1), "valid_loss": (-1, 0)}
NAMES = ["arch", *(f"{task}__{name}" for task in TASKS for name in ("val_accuracy", "zen"))]


def architectures(size: str) -> list[tuple[int, ...]]:
    if size == "micro":
        return list(product(range(4), repeat=6))
    texts = (MACRO.skeleton(MACRO.architecture(int(number))) for number in MACRO.unique.first)
    return [tuple(map(int, digits)) for digits in texts]


def write(path: Path, size: str, count: int | None = None) -> Path:
    rng = np.random.default_rng(0)
    every = architectures(size)
    order = rng.permutation(len(every))[:count]
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(NAMES)
        for place in order:
            values: list[float] = []
            for task in TASKS.values():
                values += [rng.uniform(*RANGES[task.metric]), rng.choice([-1e8, 70.5])]
            writer.writerow([every[place], *values])
    return path


def imported(path: Path) -> RecordedTable:
    return import_csv(path, lambda done, size: None)


@pytest.mark.slow
@pytest.mark.parametrize("size", ["micro", "macro"])
def test_every_number_comes_back(tmp_path: Path, size: str) -> None:
    path = write(tmp_path / "transnas.csv", size)
    write_table(imported(path), tmp_path / "table.npz")
    table, space = load_table(tmp_path / "table.npz"), get_space(f"transnas-{size}")
    assert table.datasets == tuple(TASKS) and table.family == f"transnas-{size}"
    rows = list(csv.DictReader(path.open()))
    for row in rows[::37]:
        digits = row["arch"].strip("()").replace(", ", "")
        text = f"{digits[0]}_{digits[1:3]}_{digits[3:]}" if size == "micro" else digits
        place = table.row_of(space, space.parse(text))
        for task, described in TASKS.items():
            opened = table.on(task)
            assert opened.budgets == (described.epochs,)
            (value,) = opened.values(described.metric, place)
            given = float(row[f"{task}__val_accuracy"])
            expected = {"valid_error": 1 - given / 100, "valid_loss": -given}
            assert value == pytest.approx(expected.get(described.metric, given), abs=1e-11)
            zen = float(row[f"{task}__zen"])
            np.testing.assert_equal(opened.values("zen", place)[0], np.nan if zen == -1e8 else zen)
            assert opened.metrics["zen"].kind == PROXY


@pytest.mark.slow
def test_lower_is_better_whatever_the_metric(tmp_path: Path) -> None:
    table = imported(write(tmp_path / "transnas.csv", "micro"))
    rows = table.entries(MICRO)
    for task, described in TASKS.items():
        opened = table.on(task)
        values = opened.values(described.metric, rows)[:, 0]
        errors = opened.mean_errors("valid", rows)
        best = int(errors.argmin())
        higher = described.metric == "valid_ssim"
        assert values[best] == (values.max() if higher else values.min())
        assert opened.metrics[described.metric].higher_is_better is higher


@pytest.mark.slow
def test_validation_replaces_a_missing_test_split(tmp_path: Path) -> None:
    table = imported(write(tmp_path / "transnas.csv", "macro")).on("normal")
    assert table.test_split == "valid"
    assert table.main_metric("test") == table.main_metric("valid") == "valid_ssim"
    best = table.best(MACRO)
    assert best.test_error == best.valid_error
    assert not any(name.startswith("test") for name in table.metrics)


@pytest.mark.slow
def test_times_that_nobody_recorded_are_absent(tmp_path: Path) -> None:
    table = imported(write(tmp_path / "transnas.csv", "macro"))
    assert np.isnan(table.seconds(np.arange(3))).tolist() == [[True]] * 3
    assert "seconds" not in table.record(0).values


@pytest.mark.slow
def test_the_macro_table_has_an_entry_for_each_skeleton(tmp_path: Path) -> None:
    table = imported(write(tmp_path / "transnas.csv", "macro"))
    assert table.coverage(MACRO) == len(table) == 3_256
    assert table.entry_of(MACRO).tolist() == MACRO.unique.of_configuration.tolist()
    for row in (0, 1_000, 3_255):
        assert MACRO.skeleton(table.architecture(row)) == table.key(row)


def setting(place: int, text: str) -> Callable[[list[str]], None]:
    return lambda values: values.__setitem__(place, text)


@pytest.mark.parametrize(
    ("size", "edit", "problem"),
    [
        ("micro", setting(0, "012345"), "line 3 is wrong: arch is '012345', not like"),
        ("micro", setting(0, "(0, 1, 2, 3, 0, 4)"), "line 3 is wrong: not a cell"),
        ("micro", setting(0, "(0, 1, 2, 3)"), "line 3 is wrong: not a cell"),
        ("macro", setting(0, "(1, 1, 1, 1)"), "line 3 is wrong: not a skeleton"),
        ("macro", setting(1, "101"), "line 3 is wrong: class_scene__val_accuracy is '101'"),
        ("macro", setting(5, "0.1"), "line 3 is wrong: room_layout__val_accuracy is '0.1'"),
        ("macro", setting(2, "x"), "line 3 is wrong: class_scene__zen is 'x'"),
        ("micro", setting(2, "1"), "cut short: it has 9 of 4,096 architectures"),
        ("macro", setting(2, "1"), "cut short: it has 9 of 3,256 architectures"),
    ],
)
def test_a_wrong_row_is_named(
    tmp_path: Path, size: str, edit: Callable[[list[str]], None], problem: str
) -> None:
    path = write(tmp_path / "transnas.csv", size, 9)
    rows = list(csv.reader(path.open()))
    edit(rows[2])
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    with pytest.raises(TableError, match=problem) as refused:
        imported(path)
    assert "\n" not in str(refused.value)


def test_an_architecture_that_is_there_twice_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "transnas.csv", "micro", 3)
    with path.open("a") as file:
        file.write(path.read_text().splitlines()[1] + "\n")
    with pytest.raises(TableError, match="line 5 is wrong: the architecture of line 2 again"):
        imported(path)


PUBLISHED = {
    "micro": (54.936, 45.586, 0.5772, 0.5873, 95.372, -0.6010, 94.613),
    "macro": (57.414, 47.422, None, None, 97.019, None, None),
}
"""Best scene, object, autoencoder, normal, jigsaw, room, segmentation."""


@pytest.mark.parametrize("size", ["micro", "macro"])
def test_the_published_numbers(size: str) -> None:
    folder = Path(os.environ.get("ONESHOT_HPO_TEST_DATA", "")) / "transnasbench101"
    if not (folder / f"transnas_{size}.csv").is_file():
        pytest.skip("set ONESHOT_HPO_TEST_DATA to a folder with transnasbench101/transnas_*.csv")
    table, space = imported(folder / f"transnas_{size}.csv"), get_space(f"transnas-{size}")
    assert len(table.entries(space)) == {"micro": 4_096, "macro": 3_256}[size]
    tasks = ("class_scene", "class_object", "autoencoder", "normal", "jigsaw", "room_layout")
    for task, best in zip((*tasks, "segmentsemantic"), PUBLISHED[size], strict=True):
        error = table.on(task).best(space).valid_error
        shown = -error if task == "room_layout" else 1 - error
        if best is not None:
            scale = 100 if best > 1 else 1
            assert round(scale * shown, 3 if scale == 100 else 4) == best
