"""Tables of recorded columns: built, written, opened again, and files that are none of them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from oneshot_hpo.search_spaces import MissingCell, TableError, get_space, load_table
from oneshot_hpo.search_spaces.array_file import mapped_arrays, write_arrays
from oneshot_hpo.search_spaces.recorded_table import RecordedTable
from oneshot_hpo.search_spaces.recording import Recording
from oneshot_hpo.search_spaces.table import COST, SCORE, Metric, Origin, Runs
from oneshot_hpo.search_spaces.table_file import table_of, write_table

SPACE = get_space("nasbench201")
NUMBERS = [9_000, 17, 15_624]
ERRORS = np.array([[0.25, 0.75, np.nan], [0.5, 0.5, 0.5], [1.0, 0.0, 0.5]])


def small() -> RecordedTable:
    """Three cells: errors of two budgets on one data set, scores without a test on another."""
    recording = Recording("made up", SPACE, NUMBERS, of_cells=False)
    recording.add("first", "valid_error", Metric(), ERRORS, 4)
    recording.add("first", "valid_error", Metric(), ERRORS[:, 0] / 2, 1, Origin.MEAN)
    recording.add("first", "test_error", Metric(), ERRORS[:, 1], 4, Origin.IMPUTED)
    recording.add("first", "parameters", Metric(kind=COST), np.array([3, 2, 1]))
    recording.add("second", "valid_ssim", Metric("", True, SCORE), ERRORS[:, 0], 7)
    return recording.table({"file": "made.csv"}, ["a note"])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write_table(small(), tmp_path / "table.npz")
    return tmp_path / "table.npz"


def test_rows_are_sorted_and_come_back_from_the_file(path: Path) -> None:
    table = load_table(path)
    assert isinstance(table, RecordedTable)
    assert table.entry_numbers.tolist() == [17, 9_000, 15_624]
    np.testing.assert_array_equal(table.values("valid_error", np.arange(3)), ERRORS[[1, 0, 2]])
    np.testing.assert_array_equal(table.values("valid_error", 1, 1), [0.125])
    assert (
        table.values("parameters", 0).tolist() == table.values("parameters", 0, 1).tolist() == [2]
    )
    assert table.mean_errors("valid", np.arange(3)).tolist() == [0.5, 0.5, 0.5]
    for number in NUMBERS:
        architecture = SPACE.architecture(number)
        row = table.row_of(SPACE, architecture)
        assert table.architecture(row) == architecture
        assert table.key(row) == SPACE.key(architecture)


def test_each_data_set_has_its_budgets_metrics_and_origins(path: Path) -> None:
    table = load_table(path)
    assert table.datasets == ("first", "second") and table.dataset == "first"
    assert table.budgets == (1, 4) and table.test_split == "test"
    assert table.record(0).origins["test_error"] == Origin.IMPUTED
    assert table.record(0, 1).origins == {"valid_error": Origin.MEAN, "parameters": Origin.REAL}
    second = table.on("second")
    assert second.budgets == (7,) and second.test_split == "valid"
    assert second.mean_errors("test", np.arange(3)).tolist() == [0.5, 0.75, 0.0]
    assert second.on("first").budgets == (1, 4)
    with pytest.raises(MissingCell, match="no values of train images"):
        second.main_metric("train")


def test_a_part_is_marked_and_is_not_a_whole_space(path: Path) -> None:
    table = load_table(path)
    assert table.part == "a part, 3 of 15,625 architectures"
    assert table.coverage(SPACE) == 3
    first = SPACE.text(SPACE.architecture(0)).replace("|", r"\|").replace("+", r"\+")
    with pytest.raises(
        MissingCell, match=f"lacks 15,622 of 15,625 architectures, the first {first}"
    ):
        table.entries(SPACE)
    with pytest.raises(MissingCell, match=f"lacks the architecture {first}"):
        table.row_of(SPACE, SPACE.architecture(0))


def test_a_table_is_built_of_trained_unique_cells(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    cells = [SPACE.architecture(int(number)) for number in SPACE.unique.first[[5, 2, 900]]]
    hits = {split: rng.integers(0, 50, (3, 2, 4)).astype(np.uint16) for split in ("valid", "test")}
    seconds = rng.uniform(1, 2, (3, 2, 4)).astype(np.float32)
    built = table_of(
        SPACE,
        cells,
        parameters=[10, 20, 30],
        budgets=(1, 3),
        images={"valid": 50, "test": 60},
        final=Runs(hits=hits, seconds=seconds),
        provenance={"name": "mine", "dataset": "images", "dataset_sha256": "a1", "seeds": [0]},
    )
    write_table(built, tmp_path / "mine.npz")
    table = load_table(tmp_path / "mine.npz")
    assert table.name == "mine" and table.dataset == "images" and table.dataset_checksum == "a1"
    assert table.part == "a part, 3 of 6,466 architectures"
    for place, cell in enumerate(cells):
        row = table.row_of(SPACE, cell)
        assert table.key(row) == SPACE.key(cell)
        errors = 1 - hits["test"][place, 0] / 60
        np.testing.assert_allclose(table.values("test_error", row, 1), errors)
        np.testing.assert_allclose(table.seconds(row), seconds[place, 1])
        assert table.values("parameters", row).tolist() == [10 * (place + 1)]


def test_isomorphic_configurations_share_an_entry_of_a_built_table() -> None:
    cells = [SPACE.architecture(int(number)) for number in SPACE.unique.first]
    hits = np.arange(len(cells), dtype=np.uint16).reshape(-1, 1, 1)
    table = table_of(
        SPACE,
        cells,
        parameters=[1] * len(cells),
        budgets=(1,),
        images={"valid": 10_000, "test": 10_000},
        final=Runs(hits={"valid": hits, "test": hits}, seconds=np.ones(hits.shape, np.float32)),
        provenance={"name": "mine", "dataset": "images"},
    )
    assert table.part is None and len(table.entries(SPACE)) == 6_466
    of_configuration = table.entry_of(SPACE)
    assert of_configuration.tolist() == SPACE.unique.of_configuration.tolist()
    for number in range(0, 15_625, 301):
        row = table.row_of(SPACE, SPACE.architecture(number))
        assert table.values("test_error", row)[0] == pytest.approx(1 - row / 10_000)


def rewritten(
    path: Path, change: Callable[[dict[str, Any], dict[str, np.ndarray]], object]
) -> None:
    arrays = {name: np.array(array) for name, array in mapped_arrays(path).items()}
    document = json.loads(str(arrays.pop("provenance")))
    change(document, arrays)
    write_arrays(path, {"provenance": np.array(json.dumps(document)), **arrays})


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda document, arrays: document.update(format=9), "table format 9 is not known here"),
        (lambda document, arrays: document.update(space="mars"), "the space 'mars'"),
        (lambda document, arrays: document.update(space=1), "the space 1"),
        (lambda document, arrays: document.update(family="mars"), "a table of 'mars'"),
        (lambda document, arrays: document.update(datasets={}), "not a table of trained cells"),
        (lambda document, arrays: document.pop("datasets"), "not a table of trained cells"),
        (lambda document, arrays: document["datasets"].update(x={}), "not a table of trained"),
        (lambda document, arrays: arrays.pop("first.test_error.4"), "columns are missing"),
        (lambda document, arrays: arrays.pop("entries"), "not a table of trained cells"),
        (
            lambda document, arrays: arrays.update(entries=np.array([3, 2, 1], np.int32)),
            "entries does not ascend within the space",
        ),
        (
            lambda document, arrays: arrays.update(entries=np.array([3, 4, 15_625], np.int32)),
            "entries does not ascend within the space",
        ),
        (
            lambda document, arrays: arrays.update(entries=np.arange(3.0)),
            "entries is not a list of numbers",
        ),
        (
            lambda document, arrays: arrays.update({"first.parameters": np.ones((2, 1))}),
            r"first.parameters has shape \(2, 1\) of float64",
        ),
    ],
)
def test_a_file_whose_parts_do_not_fit_is_refused(
    path: Path, change: Callable[..., object], problem: str
) -> None:
    rewritten(path, change)
    with pytest.raises(TableError, match=problem) as refused:
        load_table(path)
    assert str(refused.value).startswith(str(path)) and "\n" not in str(refused.value)


def test_a_name_takes_a_data_set_after_a_colon(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONESHOT_HPO_DATA", str(tmp_path / "data"))
    with pytest.raises(TableError, match=r"there is no NAS-Bench-201 in .*data import"):
        load_table("nasbench201:second")
    (tmp_path / "data").mkdir()
    path.rename(tmp_path / "data" / "nasbench201.npz")
    assert load_table("nasbench201").dataset == "first"
    assert load_table("nasbench201:second").dataset == "second"
    with pytest.raises(TableError, match="has data sets first, second, not 'third'"):
        load_table("nasbench201:third")
