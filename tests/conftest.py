"""Fixtures of several packages' tests."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from support.throwaway_slurm import ThrowawaySlurm, missing_programs

from oneshot_hpo.search_spaces.nasbench101.cell import OPERATIONS


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--shuffle", type=int, metavar="SEED", help="Run the tests in a random order.")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Files in a random order, and the tests of each; all processes of xdist find the same one."""
    seed = config.getoption("shuffle")
    if seed is None:
        return
    order = random.Random(seed)
    files: dict[Path, list[pytest.Item]] = {}
    for item in items:
        files.setdefault(item.path, []).append(item)
    shuffled = list(files.values())
    order.shuffle(shuffled)
    for tests in shuffled:
        order.shuffle(tests)
    items[:] = [item for tests in shuffled for item in tests]


_TEMPORARY = pytest.StashKey[Path]()


def pytest_configure(config: pytest.Config) -> None:
    """Let tests press Ctrl-C, and give all of them one folder for temporary files."""
    # A shell starts background jobs, and their children, with the signal ignored.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)

    if not hasattr(config, "workerinput"):  # the processes of xdist inherit the variable
        config.stash[_TEMPORARY] = _own_temporary_folder()


def _own_temporary_folder() -> Path:
    """Create what `TMPDIR` names from now on, open to all users as /tmp is.

    Tests kill processes, which leave their temporary files. pytest's own stay where they were.
    """
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", tempfile.gettempdir())
    folder = Path(tempfile.mkdtemp(prefix="t-"))  # short: a socket's path has 107 characters
    folder.chmod(0o1777)
    os.environ["TMPDIR"] = tempfile.tempdir = str(folder)
    return folder


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove what killed processes left."""
    if folder := config.stash.get(_TEMPORARY, None):
        shutil.rmtree(folder, ignore_errors=True)


class NasBench101:
    """The cells of NAS-Bench-101 as an independent program enumerated and hashed them."""

    def __init__(self, folder: Path):
        with np.load(folder / "nb101_completed.npz") as table:
            self._vertices, self._bits, self._labels = table["v"], table["bits"], table["lab"]
            self._parameters = table["params"]
        with np.load(folder / "nb101_hash.npz") as hashes:
            self._hashes = hashes["hash"]

    def __len__(self) -> int:
        return len(self._bits)

    @property
    def packed(self) -> np.ndarray:
        """All cells as `nasbench101.graphs` packs them, uint32 (423624,)."""
        sizes, bits = self._vertices.astype(np.uint32), self._bits.astype(np.uint32)
        packed: np.ndarray = sizes - 2 << np.uint32(29)
        return packed | self._labels.astype(np.uint32) << np.uint32(21) | bits

    def __getitem__(self, row: int) -> tuple[np.ndarray, tuple[str, ...], str, int]:
        """Matrix, operations, official hash and trainable parameters of a row."""
        vertices, label = int(self._vertices[row]), int(self._labels[row])
        pairs = [(x, y) for y in range(vertices) for x in range(y)]
        matrix = np.zeros((vertices, vertices), int)
        for place, (x, y) in enumerate(pairs):
            matrix[x, y] = int(self._bits[row]) >> place & 1
        codes = [label // 3**power % 3 for power in reversed(range(vertices - 2))]
        operations = ("input", *(OPERATIONS[code] for code in codes), "output")
        return matrix, operations, self._hashes[row].tobytes().hex(), int(self._parameters[row])


@pytest.fixture(scope="session")
def nasbench101_folder() -> Path:
    """ONESHOT_HPO_TEST_DATA/nasbench101; tests that need it are skipped without it."""
    folder = Path(os.environ.get("ONESHOT_HPO_TEST_DATA", "")) / "nasbench101"
    if not (folder / "nb101_completed.npz").exists():
        pytest.skip("set ONESHOT_HPO_TEST_DATA to a folder with nasbench101/nb101_completed.npz")
    return folder


@pytest.fixture(scope="session")
def nasbench101(nasbench101_folder: Path) -> NasBench101:
    """The cells of NAS-Bench-101, enumerated elsewhere."""
    return NasBench101(nasbench101_folder)


@pytest.fixture(scope="session")
def full_tfrecord(nasbench101_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """2,000 cells of NAS-Bench-101 at all budgets, in the official format, by another program."""
    path = tmp_path_factory.mktemp("nasbench101") / "full.tfrecord"
    options = [str(path), "--limit", "2000", "--budgets", "4", "12", "36", "108"]
    writer = str(nasbench101_folder / "write_tfrecord.py")
    subprocess.run([sys.executable, "-B", writer, *options], check=True, capture_output=True)
    return path


@contextmanager
def _started_slurm() -> Iterator[ThrowawaySlurm]:
    if missing := missing_programs():
        pytest.skip(f"no SLURM here (apt-get install slurm-wlm munge): {', '.join(missing)}")
    slurm = ThrowawaySlurm()
    try:
        slurm.start()
        yield slurm
    finally:
        slurm.stop()


def _lent(slurm: ThrowawaySlurm, monkeypatch: pytest.MonkeyPatch) -> Iterator[ThrowawaySlurm]:
    """Let a test use a SLURM, in whose queue it has to leave no job."""
    for name, value in slurm.environment.items():
        monkeypatch.setenv(name, value)
    # What jobs find of their master lies in the user's folder, here in one of the test's.
    monkeypatch.setenv("XDG_STATE_HOME", str(slurm.root / "state-home"))
    # A job takes the environment over: its worker finds the modules that tests share.
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=os.pathsep)
    yield slurm
    left = slurm.jobs("--states=PENDING,RUNNING")
    slurm.clear()
    assert not left


@pytest.fixture(scope="session")
def shared_slurm() -> Iterator[ThrowawaySlurm]:
    """A real SLURM with two nodes of two fake GPUs each, started once."""
    with _started_slurm() as slurm:
        yield slurm


@pytest.fixture
def slurm(
    shared_slurm: ThrowawaySlurm, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ThrowawaySlurm]:
    """The SLURM that tests share; all of them leave its daemons alone."""
    yield from _lent(shared_slurm, monkeypatch)


@pytest.fixture
def own_slurm(monkeypatch: pytest.MonkeyPatch) -> Iterator[ThrowawaySlurm]:
    """A SLURM for a test that kills its daemons.

    A controller that was killed may come back with GPUs taken by no job.
    """
    with _started_slurm() as slurm:
        yield from _lent(slurm, monkeypatch)
