import json
import resource
import subprocess
import sys
import zipfile

import numpy as np
import pytest

from oneshot_hpo.search_spaces import get_space, load_table
from oneshot_hpo.search_spaces.data_folder import VARIABLE
from oneshot_hpo.search_spaces.nasbench101.trained_cells import TrainedCells
from oneshot_hpo.search_spaces.table import Runs, TableError
from oneshot_hpo.search_spaces.table_file import write_table

CELLS = get_space(1).cells[:40]


@pytest.fixture
def table() -> TrainedCells:
    rng = np.random.default_rng(0)
    shape = (len(CELLS), 2, 3)

    def runs() -> Runs:
        hits = {m: rng.integers(100, size=shape).astype(np.uint16) for m in ("valid", "test")}
        return Runs(hits=hits, seconds=rng.random(shape).astype(np.float32))

    whole = TrainedCells.of_cells(
        CELLS,
        parameters=rng.integers(100, 1000, len(CELLS)),
        budgets=(2, 4),
        images={"valid": 100, "test": 200},
        final=runs(),
        provenance={"name": "synthetic", "seed": 0},
    )
    return TrainedCells(**vars(whole) | {"halfway": runs()})


def arrays_of(table: TrainedCells) -> dict[str, np.ndarray]:
    columns = {"hashes": table.hashes, "graphs": table.graphs, "parameters": table.parameters}
    for prefix, runs in (("", table.final), ("halfway_", table.halfway)):
        assert runs is not None
        columns |= {f"{prefix}{metric}_hits": hits for metric, hits in runs.hits.items()}
        columns[f"{prefix}seconds"] = runs.seconds
    return columns


def test_written_and_read_again_is_the_same(table, tmp_path):
    path = tmp_path / "table.npz"
    write_table(table, path)
    again = load_table(path)
    assert [p.name for p in tmp_path.iterdir()] == ["table.npz"]
    for name, array in arrays_of(table).items():
        np.testing.assert_array_equal(arrays_of(again)[name], array)
    assert again.budgets == (2, 4) and again.images == {"valid": 100, "test": 200}
    assert again.name == "synthetic" and again.provenance["seed"] == 0


def test_numpy_opens_it_too_and_its_arrays_are_mapped_where_they_lie(table, tmp_path):
    path = tmp_path / "table.npz"
    write_table(table, path)
    with np.load(path) as plain:
        for name, array in arrays_of(table).items():
            np.testing.assert_array_equal(plain[name], array)
    for array in arrays_of(load_table(path)).values():
        assert array.flags.aligned and not array.flags.owndata and not array.flags.writeable


def test_equal_tables_are_equal_files(table, tmp_path):
    for name in ("a", "b"):
        write_table(table, tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_table_that_is_not_there_says_which_there_are(tmp_path, monkeypatch):
    with pytest.raises(
        TableError, match=r"no table 'nowhere\.npz': use digits, digits-201, nasbench101, .*or"
    ):
        load_table("nowhere.npz")
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    with pytest.raises(TableError, match=r"no NAS-Bench-101 in .*oneshot-hpo data import FILE"):
        load_table("nasbench101")


def test_nasbench101_lies_in_the_data_folder(table, tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    write_table(table, tmp_path / "nasbench101.npz")
    assert load_table("nasbench101").name == "synthetic"


def test_a_file_that_is_not_a_table_is_refused(table, tmp_path):
    path = tmp_path / "table.npz"
    for content in (b"", b"not a table"):
        path.write_bytes(content)
        with pytest.raises(TableError, match="not a table of trained cells"):
            load_table(path)
    np.savez(path, images=np.zeros(3))
    with pytest.raises(TableError, match=r"not a table of trained cells .*provenance"):
        load_table(path)
    np.savez_compressed(path, hashes=table.hashes)
    with pytest.raises(TableError, match="compressed"):
        load_table(path)
    np.savez(path, hashes=np.array([{}]))
    with pytest.raises(TableError, match="no plain numbers"):
        load_table(path)
    with pytest.raises(TableError, match="not a table of trained cells"):
        load_table(tmp_path)


def test_a_table_cut_anywhere_is_refused(table, tmp_path):
    path = tmp_path / "table.npz"
    write_table(table, path)
    whole = path.read_bytes()
    for length in np.linspace(0, len(whole) - 1, 60).astype(int):
        path.write_bytes(whole[:length])
        with pytest.raises(TableError):
            load_table(path)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("hashes", lambda array: array[:, :8], r"hashes has shape \(40, 8\)"),
        ("graphs", lambda array: array.astype(np.int64), "of int64, not .* of uint32"),
        ("test_hits", lambda array: array[:-1], "test_hits has shape"),
        ("halfway_seconds", lambda array: array[:, :1], "halfway_seconds has shape"),
        ("budgets", lambda array: array[:0], "seconds has shape"),
    ],
)
def test_arrays_that_do_not_fit_together_are_named(table, tmp_path, name, change, message):
    path = tmp_path / "table.npz"
    write_table(table, path)
    with np.load(path) as plain:
        arrays = dict(plain)
    np.savez(path, **arrays | {name: change(arrays[name])})
    with pytest.raises(TableError, match=message):
        load_table(path)


def test_a_newer_format_is_refused(table, tmp_path):
    path = tmp_path / "table.npz"
    write_table(table, path)
    with np.load(path) as plain:
        arrays = dict(plain)
    document = json.loads(str(arrays["provenance"])) | {"format": 3}
    np.savez(path, **arrays | {"provenance": np.array(json.dumps(document))})
    with pytest.raises(TableError, match="table format 3 is not known here"):
        load_table(path)


def test_a_full_disk_leaves_what_was_there(table, tmp_path):
    """A limit on the file's size replaces a full disk, in a separate process."""
    path = tmp_path / "table.npz"
    write_table(table, path)
    before = path.read_bytes()
    script = (
        "import resource, signal, sys\n"
        "from pathlib import Path\n"
        "from oneshot_hpo.search_spaces.table_file import load_table, write_table\n"
        "table = load_table(sys.argv[1])\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "try:\n"
        "    write_table(table, Path(sys.argv[1]))\n"
        "except OSError as error:\n"
        "    sys.exit(print(error.strerror))\n"
        "sys.exit('written')\n"
    )
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 4096
    process = subprocess.run([sys.executable, "-c", script, path], capture_output=True, text=True)
    assert process.returncode == 0, process.stderr
    assert process.stdout.strip() == "File too large"
    assert path.read_bytes() == before and [p.name for p in tmp_path.iterdir()] == ["table.npz"]


def test_the_shipped_table_is_stored_as_it_is_used():
    from oneshot_hpo.search_spaces.table_file import table_path

    with zipfile.ZipFile(table_path("digits")) as archive:
        assert archive.testzip() is None
