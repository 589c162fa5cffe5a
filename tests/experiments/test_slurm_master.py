"""The master as a SLURM job of its own, seen and stopped from outside."""

import os
import signal
from pathlib import Path

from study_commands import TINY_EVALUATIONS, run, started, told, wait_until
from throwaway_slurm import ThrowawaySlurm

from hpo.lock import holder_here

SLURM = ["--set", "cluster.slurm.scheduler_interface=lo", "--set", "cluster.slurm.cpus=1"]


def masters(slurm: ThrowawaySlurm, state: str) -> list[str]:
    jobs = slurm.jobs(f"--states={state}")
    return [job for job, _, name in jobs if name.endswith("-master")]


def test_a_study_ends_by_itself_after_several_masters(
    slurm: ThrowawaySlurm, tiny_study: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "study"
    longer = ["--set", "min_budget=6", "--set", "max_budget=12"]
    ended = run("launch", tiny_study, "--dir", folder, "--workers", 2, "--submit", *SLURM, *longer)
    assert ended.returncode == 0, ended.stderr
    assert f"oneshot-hpo stop {folder}" in ended.stdout

    # What comes before a time limit, and then a kill.
    wait_until(lambda: len(told(folder)) >= 1)
    slurm.command("scancel", "--batch", "--signal=USR1", *masters(slurm, "RUNNING"))
    wait_until(lambda: len(told(folder)) >= 3)
    shown = run("status", folder)
    assert shown.returncode == 0, shown.stderr
    assert "1 master running" in shown.stdout
    assert "2 job running" in shown.stdout
    master = holder_here(folder)
    assert master is not None
    os.kill(master, signal.SIGKILL)

    watched = run("status", folder, "--watch")
    assert watched.returncode == 0, watched.stderr
    assert "every decision and result" in watched.stdout
    assert len(told(folder)) == len(set(told(folder))) == TINY_EVALUATIONS
    wait_until(lambda: not slurm.jobs("--states=PENDING,RUNNING"))
    output = (folder / "logs" / "master.log").read_text()
    assert output.count("workers are starting") == 3
    assert output.count("handed over to job") == 1
    assert "Traceback" not in output


def test_stop_ends_the_master_and_all_jobs(
    slurm: ThrowawaySlurm, tiny_study: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "study"
    arguments = ["--workers", 2, "--submit", *SLURM, "--set", "max_budget=64"]
    ended = run("launch", tiny_study, "--dir", folder, *arguments)
    assert ended.returncode == 0, ended.stderr
    wait_until(lambda: any((folder / "trials").rglob("metrics.jsonl")))
    assert len(masters(slurm, "RUNNING")) == len(masters(slurm, "PENDING")) == 1
    stopped = run("stop", folder)
    assert stopped.returncode == 0, stopped.stderr
    assert f"oneshot-hpo resume {folder}" in stopped.stdout
    assert not slurm.jobs("--states=PENDING,RUNNING")
    again = run("stop", folder)
    assert again.returncode == 0, again.stderr


def test_stop_ends_a_master_on_this_machine(tiny_study: Path, tmp_path: Path) -> None:
    folder = tmp_path / "study"
    with started("launch", tiny_study, "--dir", folder, "--workers", 1) as master:
        wait_until(lambda: bool(told(folder)))
        stopped = run("stop", folder)
        assert stopped.returncode == 0, stopped.stderr
        assert master.wait(timeout=30) == 130
    assert f"not running; to go on: oneshot-hpo resume {folder}" in stopped.stdout


def test_a_master_that_slurm_refuses_makes_nothing(
    slurm: ThrowawaySlurm, tiny_study: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "study"
    settings = [*SLURM, "--set", "cluster.slurm.master_partition=nix"]
    ended = run("launch", tiny_study, "--dir", folder, "--workers", 2, "--submit", *settings)
    assert ended.returncode == 2
    assert "SLURM refuses the master's job" in ended.stderr
    assert not folder.exists()
    without = run("launch", tiny_study, "--dir", folder, "--workers", 2, "--submit")
    assert without.returncode == 2
    assert "cluster.slurm" in without.stderr
