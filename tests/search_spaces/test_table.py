"""What every table has from its metrics, values and origins."""

from pathlib import Path

import numpy as np
import pytest
from support.grouped_space import GroupedSpace
from support.made_table import MadeTable

from oneshot_hpo.search_spaces import Metric, MissingCell, TableError, get_space, load_table
from oneshot_hpo.search_spaces.table import LOSS, SCORE, Origin
from oneshot_hpo.search_spaces.table_file import READERS, write_table

SPACE, TABLE = GroupedSpace(), MadeTable.new()
ROWS = np.arange(96)


def test_a_score_is_minimised_as_what_it_lacks_and_a_gap_is_no_repeat() -> None:
    errors = TABLE.mean_errors("test", ROWS, 1)
    scores = TABLE.values("test_ssim", ROWS, 1)
    for row in (0, 1, 5, 7):  # 0 and 5 have two repeats
        assert errors[row] == pytest.approx(1 - np.nanmean(scores[row]))
    assert TABLE.mean_errors("test", 5, 1) == errors[5]


@pytest.mark.parametrize(
    ("metric", "wanted"),
    [
        (Metric(), 0.25),
        (Metric(higher_is_better=True, kind=SCORE), 0.75),
        (Metric(higher_is_better=True, kind=LOSS), -0.25),
        (Metric("s"), 0.25),
    ],
)
def test_the_direction_of_a_metric(metric: Metric, wanted: float) -> None:
    assert metric.to_minimise(np.array(0.25)) == wanted


def test_best_and_percentile_respect_the_direction() -> None:
    best = TABLE.best(SPACE)
    means = np.nanmean(TABLE.values("test_ssim", ROWS), 1)
    assert best.test_error == pytest.approx(1 - means.max())
    top = SPACE.architecture(int(means.argmax()))
    assert TABLE.percentile(SPACE, top) == pytest.approx(100 * 95 / 96)
    assert TABLE.row_of(SPACE, top) == means.argmax()


def test_noise_is_pooled_over_the_good_rows_without_their_gaps() -> None:
    values = TABLE.values("test_ssim", ROWS)
    good = np.argsort(TABLE.mean_errors("test", ROWS), kind="stable")[:10]
    wanted = np.sqrt(np.mean([np.nanvar(values[row], ddof=1) for row in good]))
    assert np.isnan(values[good]).any()
    assert TABLE.noise("test", ROWS) == pytest.approx(wanted)


def test_a_record_says_all_of_a_row_and_where_it_is_from() -> None:
    record = TABLE.record(3)
    assert (record.key, record.budget) == (SPACE.key(SPACE.architecture(3)), 3)
    assert record.values["latency"].tolist() == [3.0]
    assert record.origins == {
        "valid_ssim": Origin.REAL,
        "test_ssim": Origin.IMPUTED,
        "seconds": Origin.REAL,
        "latency": Origin.REAL,
    }
    assert set(TABLE.record(3, 1).values) == {"valid_ssim", "test_ssim", "seconds"}
    with pytest.raises(MissingCell, match="has budgets 1, 3, not 2"):
        TABLE.record(3, 2)


def test_a_table_is_opened_for_one_of_its_data_sets() -> None:
    faces = TABLE.on("faces")
    assert (TABLE.dataset, faces.dataset, faces.datasets) == (
        "shapes",
        "faces",
        ("shapes", "faces"),
    )
    assert (faces.mean_errors("test", ROWS) != TABLE.mean_errors("test", ROWS)).all()
    with pytest.raises(TableError, match="has data sets shapes, faces, not 'birds'"):
        TABLE.on("birds")
    with pytest.raises(TableError, match="has data sets digits, not 'shapes'"):
        load_table("digits:shapes")
    assert load_table("digits:digits").dataset == "digits"


def test_another_familys_space_is_refused() -> None:
    with pytest.raises(MissingCell, match="is one of grouped, not of space 1"):
        TABLE.entries(get_space(1))
    with pytest.raises(MissingCell, match="is one of nasbench101, not of the grouped space"):
        load_table("digits").best(SPACE)
    assert TABLE.coverage(get_space(1)) == load_table("digits").coverage(SPACE) == 0
    assert TABLE.coverage(SPACE) == 96


def test_a_file_is_read_by_its_family(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "made.npz"
    write_table(TABLE, path)
    with pytest.raises(TableError, match=r"made.npz: a table of 'grouped', which is not known"):
        load_table(path)
    monkeypatch.setitem(READERS, "grouped", ("support.made_table", "of_arrays"))
    read = load_table(path)
    assert np.array_equal(read.values("test_ssim", ROWS), TABLE.values("test_ssim", ROWS), True)
    assert read.name == "made on shapes"
    write_table(MadeTable({}, {"name": "nothing"}), path)
    with pytest.raises(TableError, match=r"made.npz: it has no scores$"):
        load_table(path)
