"""Studies with a worker whose every search fails or hangs: a fault in torch, all else is real."""

import contextlib
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.study_commands import TINY_EVALUATIONS, decisions, events, run, told
from support.throwaway_slurm import ThrowawaySlurm
from support.waiting import seconds_to_start, wait_until

from oneshot_hpo.hpo import read_study

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]

SICK = Path(__file__).parents[1] / "support" / "sick"
LONGER = ["--set", "iterations=6"]
"""Long enough for a worker to come back after its first failure."""
MESSAGE = "uncorrectable ECC error"


@pytest.fixture(autouse=True)
def _torch_can_break(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing breaks before SICK_WORKER is set, too."""
    monkeypatch.setenv("PYTHONPATH", str(SICK), prepend=os.pathsep)


def retried(folder: Path, worker: str, fault: str = MESSAGE) -> list[tuple[int, ...]]:
    """The trials that failed on the worker; each has one result, like all, and none is a crash."""
    planned = read_study(folder).total_evaluations
    assert len(told(folder)) == len(set(told(folder))) == planned
    journal = decisions(folder)
    assert not [e for e in journal if e["event"] == "tell" and e["exception"]]
    retries = [e for e in journal if e["event"] == "retry"]
    assert all(fault in e["reason"] and worker in e["reason"] for e in retries)
    return [tuple(e["id"]) for e in retries]


def check_retired(folder: Path, worker: str) -> None:
    """Two different trials failed on the worker, which was then retired, and named."""
    assert len(set(retried(folder, worker))) == len(retried(folder, worker)) == 2
    (note,) = [e["text"] for e in decisions(folder) if e["event"] == "note"]
    assert worker in note
    assert "retired" in note


@pytest.mark.slow
def test_a_sick_worker_of_this_machine_is_retired(
    tiny_study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SICK_WORKER", "ONESHOT_HPO_WORKER_LOG=worker-1.log")
    folder = tmp_path / "study"
    ended = run("launch", tiny_study, "--dir", folder, "--workers", 2, *LONGER)
    assert ended.returncode == 0, ended.stderr
    check_retired(folder, "worker 1")
    assert "failed on it in a row: worker 1 is retired (RuntimeError: CUDA error" in ended.stdout


@pytest.mark.slow
def test_a_sick_worker_of_somebody_elses_cluster_is_retired(
    tiny_study: Path, tmp_path: Path
) -> None:
    folder, file = tmp_path / "study", tmp_path / "scheduler.json"
    with contextlib.ExitStack() as daemons:
        for sick, name, *options in (
            ({}, "dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"),
            ({}, "dask_worker", "--nthreads", "1", "--no-nanny", "--no-dashboard"),
            ({"SICK_WORKER": "HOME="}, "dask_worker", "--nthreads", "1", "--no-nanny"),
        ):
            command = [sys.executable, "-m", f"distributed.cli.{name}", *options]
            daemon = subprocess.Popen(
                [*command, "--scheduler-file", str(file)],
                env=os.environ | {"OMP_NUM_THREADS": "1"} | sick,  # type: ignore[operator]
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            daemons.callback(daemon.wait)
            daemons.callback(daemon.kill)
            wait_until(file.exists)
        arguments = ["--dir", folder, "--workers", 2, *LONGER, "--scheduler-file", file]
        ended = run("launch", tiny_study, *arguments)
    assert ended.returncode == 0, ended.stderr
    check_retired(folder, "worker tcp://127.0.0.1:")


@pytest.mark.slow
def test_a_node_of_slurm_on_which_trials_fail_is_excluded(
    slurm: ThrowawaySlurm, tiny_study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SICK_WORKER", "SLURMD_NODENAME=n2")
    folder = tmp_path / "study"
    settings = ["cluster.slurm.scheduler_interface=lo", "cluster.slurm.cpus=3"]  # one job a node
    options = [word for setting in settings for word in ("--set", setting)]
    ended = run("launch", tiny_study, "--dir", folder, "--workers", 2, *LONGER, *options)
    assert ended.returncode == 0, ended.stderr
    check_retired(folder, "worker w")
    assert "node n2 is retired" in ended.stdout
    notes = [e["environment"] for e in events(folder) if e["event"] == "note"]
    assert notes == [{"retired": "n2"}]


@pytest.mark.slow
def test_a_trial_that_hangs_is_run_elsewhere(
    tiny_study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SICK_WORKER", "ONESHOT_HPO_WORKER_LOG=worker-1.log")
    monkeypatch.setenv("SICK_KIND", "hang")
    folder = tmp_path / "study"
    seconds = max(60, math.ceil(30 * seconds_to_start()))  # which a healthy trial never takes
    limit = ["--set", f"cluster.trial_timeout={seconds}"]
    ended = run("launch", tiny_study, "--dir", folder, "--workers", 2, *limit)
    assert ended.returncode == 0, ended.stderr
    assert retried(folder, "worker 1", f"TrialTimeout: it has not ended within {seconds} s")


@pytest.mark.slow
def test_a_study_whose_every_trial_fails_ends_early_and_can_be_mended(
    tiny_study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "study"
    monkeypatch.setenv("SICK_WORKER", "HOME=")
    ended = run("launch", tiny_study, "--dir", folder, "--workers", 2)
    assert ended.returncode == 1
    (line,) = ended.stderr.splitlines()
    assert line.startswith("error: the default configuration cannot be searched: RuntimeError: ")
    assert MESSAGE in line
    again = f"oneshot-hpo resume {folder} --retry-crashed baseline/2"
    assert again in line
    tells: list[dict[str, Any]] = [e for e in decisions(folder) if e["event"] == "tell"]
    assert len(tells) < TINY_EVALUATIONS

    refused = run("resume", folder, "--retry-crashed", "0-0-9/1")
    assert refused.returncode == 2
    assert "no evaluation 0-0-9/1 of" in refused.stderr
    assert "these did: " in refused.stderr

    monkeypatch.delenv("SICK_WORKER")
    ended = run("resume", folder, "--retry-crashed", "all")
    assert ended.returncode == 0, ended.stderr
    last = {(*e["id"], e["budget"]): e["exception"] for e in events(folder) if e["event"] == "tell"}
    assert len(last) == TINY_EVALUATIONS
    assert set(last.values()) == {None}
    assert run("check", folder).returncode == 0
