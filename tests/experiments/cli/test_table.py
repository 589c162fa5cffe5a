"""`table show` and `table query`."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.nasbench201_writer import archive, write_nats
from support.study_commands import called, refused

from oneshot_hpo.search_spaces import get_space, load_table
from oneshot_hpo.search_spaces.recording import Recording
from oneshot_hpo.search_spaces.table import SCORE, Metric, Origin
from oneshot_hpo.search_spaces.table_file import write_table

SPACE = get_space("nasbench201")
BEST, WORST, MIDDLE = (SPACE.architecture(number) for number in (20, 4_000, 12_345))


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """Three cells: errors on one data set, scores without a test on another."""
    numbers = [SPACE.configuration(each) for each in (BEST, WORST, MIDDLE)]
    recording = Recording("made up", SPACE, numbers, of_cells=False)
    valid = np.array([[0.125, 0.25], [0.5, 0.75], [0.25, np.nan]])
    recording.add("shapes", "valid_error", Metric(), valid, 9)
    test = np.array([0.25, 0.75, 0.5])
    recording.add("shapes", "test_error", Metric(), test, 9, Origin.IMPUTED)
    recording.add("shapes", "seconds", Metric("s", kind="cost"), test * 8, 9, Origin.DERIVED)
    score = Metric(higher_is_better=True, kind=SCORE)
    recording.add("faces", "valid_ssim", score, np.array([0.5, 0.25, 0.75]), 3)
    write_table(recording.table({"file": "made.csv"}, ["a note"]), tmp_path / "made.npz")
    return tmp_path / "made.npz"


def shown(*arguments: object) -> str:
    ended = called("table", *arguments)
    assert ended.returncode == 0 and ended.stderr == "", ended.stderr
    return ended.stdout


def facts(*arguments: object) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(shown(*arguments, "--json"))
    return document


def test_a_table_is_shown_with_best_median_noise_and_origins(made: Path) -> None:
    said = facts("show", made)
    assert said["architectures"] == 3 and said["part"] == "a part, 3 of 15,625 architectures"
    assert said["dataset"] == "shapes" and said["datasets"] == ["shapes", "faces"]
    assert said["best_test_accuracy"] == 0.75 and said["median_test_accuracy"] == 0.5
    assert said["best_test_architecture"] == SPACE.text(BEST)
    assert said["best_valid_accuracy"] == 0.8125 and said["median_valid_accuracy"] == 0.75
    # of the best tenth, here one cell: the deviation of its two runs
    assert said["noise_valid"] == pytest.approx(0.125 / np.sqrt(2)) and said["noise_test"] is None
    assert said["imputed_share"] == 1
    assert said["origins"]["valid_error"] == {"real": 1}
    assert said["origins"]["seconds"] == {"derived": 1}
    assert said["metrics"]["seconds"] == {"unit": "s", "higher_is_better": False, "kind": "cost"}
    text = shown("show", made)
    assert "test accuracy: best 0.75, median 0.5; no repeats" in text and "a note" in text
    assert "test_error: imputed" in text


def test_scores_without_a_test_are_shown_as_what_they_are(made: Path) -> None:
    said = facts("show", made, "--dataset", "faces")
    assert said["best_valid_ssim"] == 0.75 and said["median_valid_ssim"] == 0.5
    assert said["best_valid_architecture"] == SPACE.text(MIDDLE)
    assert said["test_split"] == "valid" and said["imputed_share"] == 0
    assert not any("best_test" in key for key in said)
    assert "no test values: validation stands in for them" in shown(
        "show", made, "--dataset", "faces"
    )


def test_an_architecture_is_shown_with_the_origin_of_each_number(made: Path) -> None:
    said = facts("query", made, SPACE.text(BEST))
    assert said["architecture"] == SPACE.text(BEST) and said["key"] == SPACE.key(BEST)
    of_nine = said["budgets"]["9"]
    assert of_nine["valid_error"] == {"values": [0.125, 0.25], "mean": 0.1875, "origin": "real"}
    assert of_nine["test_error"]["origin"] == "imputed"
    assert of_nine["percentile"] == pytest.approx(200 / 3)
    gap = facts("query", made, SPACE.text(MIDDLE))["budgets"]["9"]["valid_error"]
    assert gap == {"values": [0.25], "mean": 0.25, "origin": "real"}
    text = shown("query", made, SPACE.text(BEST))
    assert "valid_error 0.1875 (of 0.125, 0.25)" in text
    assert "seconds 2 s, derived" in text and "better than 66.67 %" in text


@pytest.mark.slow
def test_an_imported_table_is_shown_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONESHOT_HPO_DATA", str(tmp_path / "data"))
    folder = write_nats(tmp_path / "NATS-tss-v1_0-3ffb9-simple", archive(3))
    assert called("data", "import", folder).returncode == 0
    said = facts("show", "nasbench201", "--dataset", "cifar100")
    table = load_table("nasbench201:cifar100")
    errors = table.mean_errors("test", np.arange(3))
    assert said["best_test_accuracy"] == pytest.approx(1 - errors.min())
    assert said["noise_test"] is not None
    early = facts("show", "nasbench201", "--budget", 12)
    assert early["budget"] == 12 and early["noise_test"] is None


def test_the_embedded_table_is_shown_and_asked_by_hash_and_by_document() -> None:
    said = facts("show", "digits")
    assert said["architectures"] == 2_685 and said["budgets"] == [1, 2, 4]
    table, space = load_table("digits"), get_space(1)
    assert said["best_test_accuracy"] == pytest.approx(1 - table.best(space).test_error)
    architecture = space.architecture(7)
    by_document = facts("query", "digits", json.dumps(space.to_document(architecture)))
    assert by_document == facts("query", "digits", space.key(architecture))
    assert set(by_document["budgets"]) == {"1", "2", "4"}


@pytest.mark.slow
def test_what_cannot_be_shown_is_one_line(made: Path) -> None:
    assert "not a cell of NAS-Bench-201: 'x'" in refused("table", "query", made, "x")
    other = SPACE.text(SPACE.architecture(1))
    assert "lacks the architecture |none~0|" in refused("table", "query", made, other)
    assert "lacks the cell with hash abc" in refused("table", "query", "digits", "abc")
    assert "data sets shapes, faces, not 'cifar10'" in refused(
        "table", "show", made, "--dataset", "cifar10"
    )
    assert "has budgets 9, not 4" in refused("table", "show", made, "--budget", 4)
    assert "no table 'nasbench301'" in refused("table", "show", "nasbench301")


@pytest.mark.slow
def test_the_published_best(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Path(os.environ.get("ONESHOT_HPO_TEST_DATA", ""))
    if not (folder / "nasbench201/nasbench201.csv.gz").is_file():
        pytest.skip("set ONESHOT_HPO_TEST_DATA to a folder with nasbench201/nasbench201.csv.gz")
    monkeypatch.setenv("ONESHOT_HPO_DATA", str(tmp_path / "data"))
    for name in ("nasbench201/nasbench201.csv.gz", "transnasbench101/transnas_micro.csv"):
        assert called("data", "import", folder / name).returncode == 0
    for dataset, best in (("cifar10", 94.37), ("cifar100", 73.51), ("imagenet16", 47.31)):
        said = facts("show", "nasbench201", "--dataset", dataset)
        assert said["architectures"] == 15_625
        assert round(100 * said["best_test_accuracy"], 2) == best
    said = facts("show", "transnas-micro", "--dataset", "jigsaw")
    assert said["architectures"] == 4_096 and round(100 * said["best_valid_accuracy"], 3) == 95.372
