"""The completed table of NAS-Bench-101: numbers, where each comes from, and what is refused."""

import importlib.util
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.completed_writer import completed_arrays, write_completed
from support.damage import cut

from oneshot_hpo.search_spaces import TableError, TrainedCells, get_space
from oneshot_hpo.search_spaces.nasbench101.completed_file import import_completed, is_completed
from oneshot_hpo.search_spaces.nasbench101.trained_cells import hash_array
from oneshot_hpo.search_spaces.table import Origin
from oneshot_hpo.search_spaces.table_file import load_table, write_table

CELLS = get_space(1).cells[:12]
Arrays = dict[str, np.ndarray]


def imported(path: Path) -> TrainedCells:
    return import_completed(path, lambda done, size: None)


def of_arrays(folder: Path, arrays: Arrays) -> TrainedCells:
    return imported(write_completed(folder / "completed.npz", arrays))


def test_each_number_comes_back_through_the_written_table(tmp_path: Path) -> None:
    arrays = completed_arrays(CELLS)
    write_table(of_arrays(tmp_path, arrays), tmp_path / "nasbench101.npz")
    table = load_table(tmp_path / "nasbench101.npz")

    for place, cell in enumerate(CELLS):
        for column, budget in enumerate((4, 12, 36, 108)):
            entry = table.query(cell, budget)
            hits = arrays["val"][column, :, place].astype(int)
            np.testing.assert_allclose(entry.valid_errors, 1 - hits / 9_984, atol=1e-6)
            hits += arrays["dtest"][column, :, place]
            np.testing.assert_allclose(entry.test_errors, 1 - hits / 9_984, atol=1e-6)
            assert entry.parameters == arrays["params"][place]
            if place > 0:
                tenths = arrays["time_tenths"][column, :, place]
                assert entry.seconds == pytest.approx(tenths.mean() / 10)

    assert table.query(CELLS[0], 108).seconds == pytest.approx(arrays["real_time108"].mean())
    assert table.query(CELLS[0], 12).seconds == pytest.approx(arrays["low_time"][0, 1].mean())


def test_a_mean_is_real_known_or_imputed(tmp_path: Path) -> None:
    arrays = completed_arrays(CELLS)
    codes = {0b0111: Origin.REAL, 0b1111: Origin.REAL, 0b1000: Origin.MEAN, 0: Origin.IMPUTED}
    codes |= {0b0001: Origin.IMPUTED, 0b1100: Origin.MEAN}
    for place, code in enumerate(codes):
        arrays["prov"][3, 1, place] = code  # test at 108 epochs
    table = of_arrays(tmp_path, arrays)

    rows = table.rows(hash_array(CELLS))
    origins = table.origin("test_error", rows, 108)
    assert list(origins[: len(codes)]) == list(codes.values())
    assert (table.origin("test_error", rows[1:], 36) == Origin.IMPUTED).all()
    assert table.origin("valid_error", rows[0], 4) == Origin.REAL
    assert (table.origin("parameters", rows) == Origin.REAL).all()


def _set(name: str, place: tuple[int, ...], value: int) -> Callable[[Arrays], None]:
    def change(arrays: Arrays) -> None:
        arrays[name][place] = value

    return change


def _shape(arrays: Arrays) -> None:
    arrays["val"] = arrays["val"][:3]


def _type(arrays: Arrays) -> None:
    arrays["dtest"] = arrays["dtest"].astype(np.float64)


def _twice(arrays: Arrays) -> None:
    for name in ("v", "bits", "lab"):
        arrays[name][1] = arrays[name][0]


def _lack(arrays: Arrays) -> None:
    del arrays["params"]


def _no_times(arrays: Arrays) -> None:
    arrays["real_time108"] = arrays["real_time108"][:0]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_shape, "val has shape"),
        (_type, "dtest has shape"),
        (_lack, "lacks the array params"),
        (_twice, "has a cell twice"),
        (_no_times, "measured times do not fit"),
        (_set("v", (3,), 8), "row 3 is no cell"),
        (_set("v", (3,), 1), "row 3 is no cell"),
        (_set("lab", (2,), 255), "row 2 is no cell"),
        (_set("bits", (2,), 1 << 30), "row 2 is no cell"),
        (_set("bits", (2,), 0), "row 2 has a loose end"),
        (_set("val", (0, 0, 0), 60_000), "outside 0 to 9984"),
        (_set("dtest", (0, 0, 0), -30_000), "outside 0 to 9984"),
        (_set("time_tenths", (0, 0, 5), 0), "not above 0"),
    ],
)
def test_a_file_that_does_not_fit_is_one_line(
    tmp_path: Path, change: Callable[[Arrays], None], words: str
) -> None:
    arrays = completed_arrays(CELLS)
    change(arrays)
    with pytest.raises(TableError) as raised:
        of_arrays(tmp_path, arrays)
    assert words in str(raised.value) and "completed.npz" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_damaged_file_is_refused_and_a_foreign_one_not_taken(tmp_path: Path) -> None:
    path = write_completed(tmp_path / "completed.npz", completed_arrays(CELLS))
    assert is_completed(path)
    content = bytearray(path.read_bytes())
    content[content.index(b"val.npy") + 200] ^= 0x55
    path.write_bytes(content)
    with pytest.raises(TableError, match="damaged"):
        imported(path)
    cut(path)
    assert not is_completed(path)
    np.savez(tmp_path / "images.npz", images=np.zeros(3), labels=np.zeros(3))
    assert not is_completed(tmp_path / "images.npz")


@pytest.mark.slow
def test_the_numbers_are_those_of_its_own_reader(tmp_path: Path) -> None:
    folder = Path(os.environ.get("ONESHOT_HPO_TEST_DATA", "")) / "nasbench101"
    if not (folder / "nb101.py").exists():
        pytest.skip("set ONESHOT_HPO_TEST_DATA to a folder with nasbench101/nb101.py")
    reference = _module(folder / "nb101.py").load(str(folder / "nb101_completed.npz"))
    rows = np.sort(np.random.default_rng(0).choice(len(reference), 200, replace=False))
    table = of_arrays(tmp_path, _part(folder / "nb101_completed.npz", rows))

    for row in rows:
        place = table.rows(np.frombuffer(bytes.fromhex(reference.hash(row)), np.uint8)[None])[0]
        for budget in (4, 12, 36, 108):
            for repeat in range(3):
                wanted = reference.query(row, budget, repeat)
                got = table.valid_errors(place, budget)[repeat]
                assert got == pytest.approx(1 - wanted["final_validation_accuracy"], abs=1e-6)
                got = table.test_errors(place, budget)[repeat]
                assert got == pytest.approx(1 - wanted["final_test_accuracy"], abs=1e-6)
                got = table.seconds(place, budget)[repeat]
                assert got == np.float32(wanted["final_training_time"])
        is_real = reference.prov[row, 3, 0] & 7 == 7
        assert (table.origin("valid_error", place, 108) == Origin.REAL) == is_real


def _part(path: Path, rows: np.ndarray) -> Arrays:
    """The arrays of some rows of the whole file."""
    with np.load(path) as file:
        whole = dict(file)
    cells = len(whole["v"])
    part = {name: array[..., rows] for name, array in whole.items() if array.shape[-1] == cells}

    measured = whole["prov"][3, 3] & 7
    for name, chosen in (
        ("real_time108", measured == 7),
        ("one_time108", np.isin(measured, (1, 2, 4))),
    ):
        part[name] = whole[name][np.isin(np.flatnonzero(chosen), rows)]
    is_low = np.isin(whole["low_rows"], rows)
    part["low_rows"] = np.searchsorted(rows, whole["low_rows"][is_low])
    part["low_time"] = whole["low_time"][is_low]
    return part


def _module(path: Path) -> Any:
    """A module that is no part of this project."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = sys.modules[path.stem] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
