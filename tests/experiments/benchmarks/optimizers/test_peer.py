"""Other libraries behind the line protocol, in processes of their own.

Optuna and HpBandSter are installed here: their programs run with this Python. The others' are
started only where somebody made their environments.
"""

import ast
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from ConfigSpace import Constant
from support.taskset_writer import write_task

from oneshot_hpo.experiments.benchmarks.optimizers import peer as peer_module
from oneshot_hpo.experiments.benchmarks.optimizers.clock import Trace, simulate
from oneshot_hpo.experiments.benchmarks.optimizers.peer import PEERS, Peer, described_space
from oneshot_hpo.experiments.benchmarks.optimizers.problem import Problem
from oneshot_hpo.experiments.benchmarks.optimizers.problems import load_problem
from oneshot_hpo.experiments.errors import UserError

FOLDER = Path(peer_module.__file__).with_name("peers")


@pytest.fixture
def problem(tmp_path: Path) -> Problem:
    write_task(tmp_path, "made", np.geomspace(2e-8, 9, 60).tolist())
    return load_problem("taskset:made", tmp_path)


def traced(name: str, python: Path, problem: Problem, workers: int, seed: int) -> Trace:
    peer = Peer(name, python, problem, seed, 6.0, workers)
    try:
        assert peer.versions
        return simulate(problem, peer, workers, 6, seed)
    finally:
        peer.close()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["optuna", "hpbandster"])
def test_a_library_proposes_and_learns(problem: Problem, name: str) -> None:
    first = traced(name, Path(sys.executable), problem, 4, 0)
    assert first.evaluations > 15 and first.full_evaluations >= 1
    assert first.curve[-1][1] < problem.regret(problem.find_row(problem.default)) + 1e-9


@pytest.mark.slow
@pytest.mark.parametrize("name", ["optuna", "hpbandster"])
def test_a_library_repeats_itself(problem: Problem, name: str) -> None:
    traces = [traced(name, Path(sys.executable), problem, 4, 0) for _ in range(2)]
    assert traces[0] == traces[1]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["optuna", "hpbandster"])
def test_architectures_are_categories(name: str) -> None:
    trace = traced(name, Path(sys.executable), load_problem("digits", None), 1, 0)
    assert trace.evaluations > 4 and trace.full_evaluations >= 1


@pytest.mark.slow
@pytest.mark.parametrize("name", PEERS)
def test_every_library_in_its_environment(problem: Problem, name: str) -> None:
    """`ONESHOT_HPO_TEST_PEERS`: the folder that the command's --environments names."""
    python = Path(os.environ.get("ONESHOT_HPO_TEST_PEERS", "")) / name / "bin" / "python"
    if not python.is_file():
        pytest.skip(f"set ONESHOT_HPO_TEST_PEERS to a folder of environments with {name}")
    for workers in (1, 4):
        trace = traced(name, python, problem, workers, 0)
        assert trace.evaluations > 15 and trace.full_evaluations >= 1


def test_a_program_that_ends_is_told_with_its_last_line(
    problem: Problem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bad_peer.py").write_text("raise SystemExit('no such library')")
    monkeypatch.setattr(peer_module, "_FOLDER", tmp_path)
    with pytest.raises(UserError, match="bad ended by itself: no such library"):
        Peer("bad", Path(sys.executable), problem, 0, 1.0, 1)


@pytest.mark.slow
def test_an_environment_is_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    requirements = tmp_path / "peers"
    requirements.mkdir()
    (requirements / "none.txt").write_text("# nothing\n")
    monkeypatch.setattr(peer_module, "_FOLDER", requirements)
    # pip asks for Rust's version, whose launcher keeps a folder at home.
    monkeypatch.setenv("HOME", str(tmp_path))
    python = peer_module.make_environment(tmp_path / "made", "none")
    assert python.is_file()
    touched = python.parent.stat().st_mtime_ns
    assert peer_module.make_environment(tmp_path / "made", "none") == python
    assert python.parent.stat().st_mtime_ns == touched

    (requirements / "none.txt").write_text("no such requirement\n")
    with pytest.raises(UserError, match="the environment of none cannot be made"):
        peer_module.make_environment(tmp_path / "made", "none")


def test_a_space_is_plain_values(problem: Problem) -> None:
    described = described_space(problem.space)
    assert described[0] == {
        **{"name": "epsilon", "default": 1e-8, "kind": "float"},
        **{"low": 1e-10, "high": 1e3, "log": True},
    }
    problem.space.add(Constant("fixed", 1))
    with pytest.raises(ValueError, match="fixed is a Constant"):
        described_space(problem.space)


def test_rounding_beyond_a_range_is_mended(problem: Problem) -> None:
    described = described_space(problem.space)[0]
    assert peer_module._inside(described, 1e-10 * (1 - 1e-12)) == 1e-10
    assert peer_module._inside(described, 2.0) == 2.0
    assert peer_module._inside({"kind": "category"}, "x") == "x"


def test_every_peer_has_a_program_and_pinned_requirements() -> None:
    for name in PEERS:
        source = (FOLDER / f"{name}_peer.py").read_text()
        assert ast.get_docstring(ast.parse(source))
        assert "oneshot_hpo" not in source  # which its environment does not have
        assert "==" in (FOLDER / f"{name}.txt").read_text().splitlines()[0]
