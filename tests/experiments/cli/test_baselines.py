"""`oneshot-hpo baselines run` as a user runs it."""

import json
import os
import signal
from pathlib import Path

import numpy as np
import pytest

pq = pytest.importorskip("pyarrow.parquet", reason="needs the extra baselines")

from support.study_commands import refused, run, started
from support.waiting import HANG_SECONDS, wait_until

from oneshot_hpo.search_spaces import get_space, load_table

OPTIONS = ("--methods", "rs,tpe,bohb", "--evaluations", 60, "--repetitions", 120, "--seed", 3)
BLOCKS = 9


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an undisturbed run, on one worker."""
    folder = tmp_path_factory.mktemp("baselines") / "undisturbed"
    ended = run("baselines", "run", *OPTIONS, "--workers", 1, "--dir", folder)
    assert ended.returncode == 0, ended.stderr
    assert "test regret after 60 evaluations" in ended.stdout
    for method in ("rs", "tpe", "bohb"):
        assert method in ended.stdout
    return folder


@pytest.mark.slow
def test_the_results_say_what_the_table_says(finished: Path) -> None:
    file = pq.ParquetFile(finished / "results.parquet")
    rows = file.read().to_pandas()
    plan = json.loads(file.schema_arrow.metadata[b"oneshot-hpo"])
    assert plan["seed"] == 3 and plan["objective"] == "mean"
    assert plan["methods"]["tpe"]["candidates"] == 24
    assert "budget / largest budget" in plan["conventions"]["evaluations"]
    keys = ["method", "space", "repetition", "evaluation"]
    assert (
        rows[keys]
        .astype({"method": str})
        .equals(rows[keys].astype({"method": str}).sort_values(keys, ignore_index=True))
    )
    assert rows.groupby(["method", "repetition"], observed=True).ngroups == 360

    table, space = load_table("digits"), get_space(1)
    some = rows.sample(200, random_state=0)
    for row in some.itertuples():
        cell = space.cell(space.architecture(row.configuration))
        assert table.cell(row.table_row).hash == cell.hash
        assert row.valid_error == pytest.approx(table.query(cell, row.budget).valid_error)
        assert row.test_error == pytest.approx(table.query(cell).test_error)
    for _, one in rows.groupby(["method", "repetition"], observed=True):
        spent = one.budget.cumsum() / 4
        np.testing.assert_allclose(one.evaluations_spent, spent)
        assert 59 < one.evaluations_spent.iloc[-1] <= 60
        assert (one.simulated_seconds.diff().iloc[1:] > 0).all()
        full = one[one.budget == 4]
        best = full.loc[full.valid_error.idxmin()]
        assert one.incumbent_valid_error.iloc[-1] == best.valid_error
        assert one.incumbent_test_error.iloc[-1] == best.test_error


@pytest.mark.parametrize(("end", "code"), [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 130)])
@pytest.mark.slow
def test_a_stopped_run_ends_with_the_same_bytes(
    finished: Path, tmp_path: Path, end: signal.Signals, code: int
) -> None:
    folder = tmp_path / "disturbed"
    with started("baselines", "run", *OPTIONS, "--workers", 2, "--dir", folder) as process:
        wait_until(lambda: len(list(folder.glob("parts/*.parquet"))) >= 2, process)
        os.kill(process.pid, end)
        assert process.wait(HANG_SECONDS) == code
    kept = {path: path.stat().st_mtime_ns for path in folder.glob("parts/*.parquet")}
    assert 2 <= len(kept) < BLOCKS and not (folder / "results.parquet").exists()
    # A part that was lost is computed again, those that are there are not.
    lost = min(kept)
    lost.unlink()
    with started("baselines", "run", *OPTIONS, "--workers", 1, "--dir", folder) as process:
        wait_until(lost.exists, process)
        del kept[lost]
        assert {path: path.stat().st_mtime_ns for path in kept} == kept
        assert process.wait(HANG_SECONDS) == 0
    assert (folder / "results.parquet").read_bytes() == (finished / "results.parquet").read_bytes()
    assert not (folder / "parts").exists()


@pytest.mark.slow
def test_a_finished_run_is_only_shown(finished: Path) -> None:
    before = (finished / "results.parquet").stat().st_mtime_ns
    ended = run("baselines", "run", *OPTIONS, "--dir", finished)
    assert ended.returncode == 0, ended.stderr
    assert "test regret" in ended.stdout
    assert (finished / "results.parquet").stat().st_mtime_ns == before


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--seed", 4), "seed: 3 there, 4 here"),
        (("--set", "tpe.startup=20"), "methods.tpe.startup: 10 there, 20 here"),
    ],
)
def test_another_run_in_the_same_folder_is_refused(
    finished: Path, options: tuple[object, ...], words: str
) -> None:
    before = (finished / "results.parquet").read_bytes()
    line = refused("baselines", "run", *OPTIONS, *options, "--dir", finished)
    assert "other settings" in line and words in line
    assert (finished / "results.parquet").read_bytes() == before


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--space", "2"), "space 2: the table of digits lacks"),
        (("--evaluations", "2"), "first bracket takes 3 evaluations, but only 2 are planned"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(
    tmp_path: Path, options: tuple[object, ...], words: str
) -> None:
    line = refused("baselines", "run", *options, "--dir", tmp_path / "new" / "folder")
    assert line.startswith("error: ") and words in line
    assert not any(tmp_path.iterdir())


def test_a_folder_that_cannot_be_used_is_refused(tmp_path: Path) -> None:
    notes = tmp_path / "notes.txt"
    notes.write_text("mine")
    assert "not empty and holds no baselines" in refused("baselines", "run", "--dir", tmp_path)
    assert "Not a directory" in refused("baselines", "run", "--dir", notes / "folder")
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
