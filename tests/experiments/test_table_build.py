"""Real builds of a whole space on a data set of 20 images, with networks of one channel."""

import json
import subprocess
import sys

import numpy as np
import pytest
from processes import run, running
from waiting import wait_until

from experiments.table_build import BuildPlan, TableBuildError, _groups
from search_spaces import get_space, load_table
from searchers.datasets import load_dataset
from searchers.standalone import ScratchSettings, train_from_scratch

SETTINGS = {"channels": 2, "stacks": 1, "cells_per_stack": 1, "batch_size": 10}


@pytest.fixture
def images(tmp_path):
    rng = np.random.default_rng(0)
    path = tmp_path / "tiny.npz"
    np.savez(path, images=rng.random((20, 4, 4)), labels=np.arange(20) % 2)
    return path


def _command(images, out, *more):
    options = [word for k, v in SETTINGS.items() for word in (f"--{k.replace('_', '-')}", str(v))]
    command = [sys.executable, "-m", "experiments.cli", "table", "build", "--dataset", str(images)]
    command += ["--out", str(out), "--budget", "1", "--repeats", "1", "--workers", "2", *options]
    return [*command, *more]


def _errors(hits):
    """Errors of 4 images."""
    return 1 - np.array(hits) / 4


@pytest.mark.slow
def test_a_killed_build_goes_on_and_ends_with_a_whole_table(images, tmp_path):
    out, partial = tmp_path / "tiny_table.npz", tmp_path / "tiny_table.npz.partial"
    partial.write_text('{"plan": ')  # a header without its end, as a kill may leave it
    with running(_command(images, out), stdout=subprocess.DEVNULL) as process:
        wait_until(lambda: partial.exists() and partial.read_bytes().count(b"\n") > 10, process)
        process.kill()
    assert not out.exists()
    finished = [json.loads(line) for line in partial.read_bytes().split(b"\n")[1:-1]]

    with partial.open("ab") as file:
        file.write(b'{"group": 3, "rep')  # a torn line, as a kill may leave it
    again = run(_command(images, out))
    assert again.returncode == 0, again.stderr
    assert not partial.exists()

    table = load_table(out)
    space = get_space(1)
    assert len(table) == len(table.space_rows(space)) == space.num_cells
    assert table.budgets == (1,) and table.final.seconds.shape == (2_685, 1, 1)
    assert table.images == {"valid": 4, "test": 4}
    assert table.provenance["command"].startswith("oneshot-hpo table build --space 1 --dataset")
    groups = _groups(1)
    assert finished
    for record in finished:
        entries = [table.query(cell) for cell in groups[record["group"]]]
        np.testing.assert_allclose([e.valid_error for e in entries], _errors(record["valid_hits"]))
        np.testing.assert_allclose([e.test_error for e in entries], _errors(record["test_hits"]))

    cells = [cell for cell in space.cells if cell.matrix == space.cells[0].matrix]
    alone = train_from_scratch(
        cells[:27], load_dataset(images), ScratchSettings(**SETTINGS), epochs=1, seed=0
    )
    entries = [table.query(cell) for cell in cells[:27]]
    np.testing.assert_allclose([e.test_error for e in entries], _errors(alone.test_hits))


@pytest.mark.slow
def test_a_full_disk_stops_a_build_with_a_word(images, tmp_path):
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000));"
    ignore = "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
    words = [str(word) for word in _command(images, tmp_path / "table.npz")[3:]]
    start = f"import sys; sys.argv[1:] = {words}; from experiments.cli import main; main()"
    ended = run([sys.executable, "-c", limit + ignore + start])
    assert ended.returncode == 1
    assert "File too large" in ended.stderr and "the same command goes on" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1
    assert not (tmp_path / "table.npz").exists()


@pytest.mark.slow
def test_a_build_that_cannot_start_says_why(images, tmp_path):
    out = tmp_path / "table.npz"
    partial = tmp_path / "table.npz.partial"
    cases = [
        (out, "is there already", lambda: out.write_text("mine")),
        (partial, "other settings", lambda: partial.write_text('{"plan": {}}\n')),
        (partial, "is damaged", lambda: partial.write_text("{\n")),
        (partial, "is damaged", lambda: partial.write_text("my notes")),
    ]
    for made, words, make in cases:
        make()
        ended = run(_command(images, out))
        assert ended.returncode == 2
        assert words in ended.stderr and len(ended.stderr.splitlines()) == 1
        made.unlink()
    ended = run(_command(images, tmp_path / "no" / "t.npz"))
    assert ended.returncode == 2 and "no folder" in ended.stderr
    for more, words in ((["--stacks", "3"], "fewer --stacks"), (["--device", "tpu"], "not 'tpu'")):
        ended = run(_command(images, out, *more))
        assert ended.returncode == 2 and words in ended.stderr
    ended = run(_command(tmp_path / "none.npz", out))
    assert ended.returncode == 2 and "no data set" in ended.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tiny.npz"]


@pytest.mark.parametrize("budgets", [(), (0, 1), (4, 2), (2, 2)])
def test_budgets_that_cannot_be(budgets):
    with pytest.raises(TableBuildError, match="budgets"):
        BuildPlan(budgets=budgets)
