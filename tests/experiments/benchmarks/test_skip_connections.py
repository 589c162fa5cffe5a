"""Skip connections over the epochs: what is counted, and a small run that is continued."""

import json
from pathlib import Path

import numpy as np
import pytest

from oneshot_hpo.experiments.benchmarks import skip_connections
from oneshot_hpo.experiments.benchmarks.skip_connections import (
    Found,
    Run,
    append,
    main,
    read,
    skip_share,
)
from oneshot_hpo.search_spaces import Metric
from oneshot_hpo.search_spaces.nasbench201.space import NASBENCH201, SKIP
from oneshot_hpo.search_spaces.recording import Recording
from oneshot_hpo.search_spaces.table_file import write_table

SKIPS = NASBENCH201.text(NASBENCH201.of_names((SKIP,) * 6))
ONE = "|skip_connect~0|+|none~0|none~1|+|nor_conv_3x3~0|none~1|none~2|"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """All cells: one of number n has a test error of n hundred-thousandths."""
    count = NASBENCH201.num_configurations
    recording = Recording("made", NASBENCH201, range(count), of_cells=False)
    for split in ("valid", "test"):
        recording.add("cifar10", f"{split}_error", Metric(), np.arange(count) / 1e5, 200)
    write_table(recording.table({}, []), tmp_path / "table.npz")
    return tmp_path / "table.npz"


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Forty of 16 x 16 pixels in three colours."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(256, size=(40, 16, 16, 3), dtype=np.uint8)
    np.savez(tmp_path / "images.npz", images=pixels, labels=np.arange(40) % 4)
    return tmp_path / "images.npz"


def test_all_edges_of_a_cell_are_counted() -> None:
    assert skip_share(SKIPS) == 1
    assert skip_share(ONE) == pytest.approx(1 / 6)  # it leads nowhere, and is an edge all the same


def test_shares_and_accuracies_are_of_the_recorded_cells(
    tmp_path: Path, table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for seed, cells in enumerate(([ONE, SKIPS], [ONE, ONE])):
        found = Found(cells, undecided=seed == 1)
        append(tmp_path / "searches.jsonl", Run("darts", "default", 2, seed), found)
    words = ["--searchers", "darts", "--epochs", "2", "--seeds", "2", "--table", str(table)]
    main([str(tmp_path), *words])

    numbers = [NASBENCH201.configuration(NASBENCH201.parse(cell)) for cell in (SKIPS, ONE)]
    accuracies = [100 - number / 1e3 for number in numbers]
    [row] = [line for line in capsys.readouterr().out.splitlines() if line.startswith("│ darts")]
    assert [part.strip() for part in row.strip("│").split("│")] == [
        *("darts", "default", "2", "17 %", "58 %"),
        f"{np.mean(accuracies):.2f}",
        " ".join(f"{accuracy:.1f}" for accuracy in accuracies),
        "1",
    ]


@pytest.mark.slow
def test_a_run_that_was_cut_short_is_continued(
    tmp_path: Path,
    table: Path,
    images: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(skip_connections.SIZES, "channels", 2)
    words = [str(tmp_path), "--dataset", str(images), "--table", str(table), "--epochs", "1"]
    words += ["--seeds", "1"]
    file = tmp_path / "searches.jsonl"
    main(words)
    done = read(file)
    assert [run.searcher for run in done] == ["darts", "gdas"]
    assert not list(tmp_path.glob("*default*"))  # checkpoints of finished searches are removed
    printed = capsys.readouterr().out

    file.write_text(file.read_text()[:-5])
    searched, again = skip_connections.searched, []

    def counted(run: Run, dataset: str, out: Path) -> Found:
        again.append(run.searcher)
        return searched(run, dataset, out)

    monkeypatch.setattr(skip_connections, "searched", counted)
    main(words)
    assert again == ["gdas"] and read(file) == done
    summary = printed.index("1 epochs, 1 seeds")
    assert capsys.readouterr().out.endswith(printed[summary:])
    assert json.loads(file.read_text().splitlines()[-1])["run"]["searcher"] == "gdas"
