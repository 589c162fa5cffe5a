"""Real builds of a whole space on a data set of 20 images, with networks of one channel."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from support.processes import finish, run, running
from support.waiting import wait_until

from oneshot_hpo.experiments.data.table_build import (
    BuildPlan,
    TableBuildError,
    _Batch,
    _groups,
    _train_batch,
)
from oneshot_hpo.experiments.data.table_summary import image_warnings, table_lines
from oneshot_hpo.search_spaces import MissingCell, get_space, load_table
from oneshot_hpo.search_spaces.table_file import table_path
from oneshot_hpo.searchers.data.datasets import load_dataset
from oneshot_hpo.searchers.network.scratch import ScratchSettings
from oneshot_hpo.searchers.scratch import train_from_scratch

MATRIX = get_space(1).cells[0].matrix
SETTINGS = {"channels": 2, "stacks": 1, "cells_per_stack": 1, "batch_size": 10}


@pytest.fixture
def images(tmp_path):
    rng = np.random.default_rng(0)
    path = tmp_path / "tiny.npz"
    np.savez(path, images=rng.random((20, 4, 4)), labels=np.arange(20) % 2)
    return path


def _command(images, out, *more):
    options = [word for k, v in SETTINGS.items() for word in (f"--{k.replace('_', '-')}", str(v))]
    command = [
        sys.executable,
        "-m",
        "oneshot_hpo.experiments.cli",
        "table",
        "build",
        "--dataset",
        str(images),
    ]
    command += ["--out", str(out), "--budget", "1", "--repeats", "1", "--workers", "2", *options]
    return [*command, *more]


def _errors(hits):
    """Errors of 4 images."""
    return 1 - np.array(hits) / 4


@pytest.mark.slow
def test_a_killed_build_resumes_and_ends_with_a_whole_table(images, tmp_path):
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
    assert len(table) == len(table.entries(space)) == space.num_cells
    assert table.budgets == (1,) and table.final.seconds.shape == (2_685, 1, 1)
    assert table.images == {"valid": 4, "test": 4}
    assert table.provenance["command"].startswith("oneshot-hpo table build --space 1 --dataset")
    groups = _groups(BuildPlan(space=1))
    assert finished
    for record in finished:
        entries = [table.query(space.cell(one)) for one in groups[record["group"]]]
        np.testing.assert_allclose([e.valid_error for e in entries], _errors(record["valid_hits"]))
        np.testing.assert_allclose([e.test_error for e in entries], _errors(record["test_hits"]))

    first = [number for number, cell in enumerate(space.cells) if cell.matrix == MATRIX][:27]
    alone = train_from_scratch(
        space,
        [space.architecture(int(space.unique.first[number])) for number in first],
        load_dataset(images),
        ScratchSettings(**SETTINGS),
        epochs=1,
        seed=0,
    )
    entries = [table.query(space.cells[number]) for number in first]
    np.testing.assert_allclose([e.test_error for e in entries], _errors(alone.test_hits))


def _partly_built(images, out, *more):
    """A build that SIGTERM stopped, with some batches in its partial file."""
    partial = out.with_name(out.name + ".partial")
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with running(_command(images, out, *more), **pipes) as process:
        wait_until(lambda: partial.exists() and partial.read_bytes().count(b"\n") > 3, process)
        process.terminate()
        _, said = finish(process)
    return process.returncode, said, partial


@pytest.mark.slow
def test_a_build_that_is_terminated_leaves_nothing_open(images, tmp_path):
    code, said, partial = _partly_built(images, tmp_path / "table.npz")
    assert code == 130
    assert said == "stopped; finished work is kept; the same command resumes\n"
    assert partial.read_bytes().count(b"\n") > 3


@pytest.mark.slow
def test_a_build_resumes_with_the_same_images_alone(images, tmp_path):
    out = tmp_path / "table.npz"
    few = ("--cells", "60")
    _, _, partial = _partly_built(images, out, *few)
    begun = partial.read_bytes()
    kept = images.read_bytes()
    with np.load(images) as arrays:
        changed, labels = arrays["images"].copy(), arrays["labels"]
    changed[0] = changed[0][::-1]
    np.savez(images, images=changed, labels=labels)
    refused = run(_command(images, out, *few))
    assert refused.returncode == 2
    assert "other settings, images or package versions" in refused.stderr
    assert partial.read_bytes() == begun

    images.unlink()
    elsewhere = tmp_path / "moved" / "renamed.npz"
    elsewhere.parent.mkdir()
    elsewhere.write_bytes(kept)
    again = _command(f"./{elsewhere.name}", out.absolute(), *few)
    whole = run(
        again,
        cwd=elsewhere.parent,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])},
    )
    assert whole.returncode == 0, whole.stderr
    table = load_table(out)
    assert table.dataset_checksum == load_dataset(elsewhere).scratch_checksum
    assert table.dataset == "renamed"


@pytest.mark.slow
def test_a_part_of_the_cells_says_so_and_what_it_is_worth(images, tmp_path):
    out = tmp_path / "part.npz"
    built = run(_command(images, out, "--cells", "40", "--cells-seed", "3", "--repeats", "2"))
    assert built.returncode == 0, built.stderr
    table = load_table(out)
    assert len(table) == 40
    order = np.random.default_rng(3).permutation(2_685)[:40]
    assert {table.cell(row).hash for row in range(40)} == {
        get_space(1).cells[place].hash for place in order
    }
    assert "--cells 40 --cells-seed 3" in table.provenance["command"]
    with pytest.raises(MissingCell, match="it is a part, 40 of 2685 cells"):
        table.best(get_space(1))

    means = table.test_errors(np.arange(40)).mean(1)
    best, middle = 100 * means.min(), 100 * np.median(means)
    assert f"best {best:.2f} %, median {middle:.2f} %; noise between seeds" in built.stdout
    assert "a part, 40 of 2685 cells" in built.stdout
    assert "4 for validation and 4 for the test: an error moves in steps of 25.0" in built.stdout
    # the labels are noise
    assert "half of the cells are no better than always guessing one class" in built.stdout
    refused = run(_command(images, out, "--cells", "2686"))
    assert refused.returncode == 2
    assert "--cells is 1 to 2685" in refused.stderr


def test_images_that_are_changed_during_a_build_are_noticed(images):
    plan = BuildPlan(dataset=str(images), settings=ScratchSettings(**SETTINGS), cells=5)
    with pytest.raises(TableBuildError, match="was changed during the build"):
        _train_batch(plan, "0" * 64, _Batch(0, 0, 1))


def test_a_table_that_tells_good_cells_from_bad_ones_is_not_warned_of(tmp_path):
    lines = list(table_lines(table_path("digits"), load_table("digits"), load_dataset("digits")))
    assert len(lines) == 3
    assert "images: 1078 for training, 360 for validation, 359 for the test" in lines[1]
    assert not list(image_warnings(load_dataset("digits")))


@pytest.mark.slow
def test_a_full_disk_stops_a_build_with_a_word(images, tmp_path):
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000));"
    ignore = "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
    words = [str(word) for word in _command(images, tmp_path / "table.npz")[3:]]
    start = (
        f"import sys; sys.argv[1:] = {words}; from oneshot_hpo.experiments.cli import main; main()"
    )
    ended = run([sys.executable, "-c", limit + ignore + start])
    assert ended.returncode == 1
    assert "File too large" in ended.stderr and "the same command resumes" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1
    assert not (tmp_path / "table.npz").exists()


@pytest.mark.slow
def test_a_build_that_cannot_start_says_why(images, tmp_path):
    out = tmp_path / "table.npz"
    partial = tmp_path / "table.npz.partial"
    cases = [
        (out, "exists already", lambda: out.write_text("mine")),
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
    assert ended.returncode == 2 and "not a writable folder" in ended.stderr
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
