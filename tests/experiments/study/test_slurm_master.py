"""The master as a SLURM job of its own, seen and stopped from outside."""

import contextlib
import math
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from support.study_commands import TINY_EVALUATIONS, events, run, started, told
from support.throwaway_slurm import ThrowawaySlurm
from support.waiting import HANG_SECONDS, seconds_to_start, wait_until

from oneshot_hpo.hpo.journal.lock import holder_here

pytestmark = pytest.mark.slow

SLURM = ["--set", "cluster.slurm.scheduler_interface=lo", "--set", "cluster.slurm.cpus=1"]


def masters(slurm: ThrowawaySlurm, state: str) -> list[str]:
    jobs = slurm.jobs(f"--states={state}")
    return [job for job, _, name in jobs if name.endswith("-master")]


@contextlib.contextmanager
def held_back(slurm: ThrowawaySlurm, folder: Path) -> Iterator[None]:
    """Inside, a study does not end, however fast the machine: its workers are frozen.

    That is from its first evaluation on; on a slow machine nothing but SLURM's limits ends a job.
    """

    def freeze() -> None:
        while not ended.wait(0.1):
            if told(folder):
                for process in slurm.processes():
                    with contextlib.suppress(psutil.NoSuchProcess):
                        process.suspend()

    ended = threading.Event()
    thread = threading.Thread(target=freeze)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        for process in slurm.processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.resume()


def test_a_study_longer_than_its_jobs_may_run_ends_by_itself(
    slurm: ThrowawaySlurm, tiny_study: Path, tmp_path: Path
) -> None:
    """Masters and workers have SLURM's shortest time limit; a master is killed besides.

    On a loaded machine it is longer: a job that is over before it has begun does nothing.
    """
    folder = tmp_path / "study"
    minutes = math.ceil(seconds_to_start() / 6)
    settings = [f"time='0:{minutes:02}:00'", f"master_time='0:{minutes:02}:00'", "notice=5"]
    short = [word for setting in settings for word in ("--set", f"cluster.slurm.{setting}")]
    longer = ["--set", "min_budget=2", "--set", "max_budget=4", "--workers", 1]
    ended = run("launch", tiny_study, "--dir", folder, "--submit", *longer, *SLURM, *short)
    assert ended.returncode == 0, ended.stderr
    assert f"oneshot-hpo stop {folder}" in ended.stdout

    output = folder / "logs" / "master.log"
    with held_back(slurm, folder):
        wait_until(lambda: output.exists() and "handed over to job" in output.read_text())
        wait_until(lambda: holder_here(folder) is not None)
        shown = run("status", folder)
        assert shown.returncode == 0, shown.stderr
        assert "1 master running" in shown.stdout
        # It may have handed over as well; and it has to have submitted the next one.
        wait_until(lambda: holder_here(folder) is not None and masters(slurm, "PENDING"))
        master = holder_here(folder)
        assert master is not None
        os.kill(master, signal.SIGKILL)

    watched = run("status", folder, "--watch")
    assert watched.returncode == 0, watched.stderr
    assert "every decision and result" in watched.stdout
    assert len(told(folder)) == len(set(told(folder))) == TINY_EVALUATIONS
    assert not [event for event in events(folder) if event["event"] == "retry"]
    wait_until(lambda: not slurm.jobs("--states=PENDING,RUNNING"))
    assert output.read_text().count("worker is starting") >= 3
    assert "Traceback" not in output.read_text()


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
    longer = ["--workers", 1, "--set", "max_budget=64"]
    with started("launch", tiny_study, "--dir", folder, *longer) as master:
        wait_until(lambda: any((folder / "trials").rglob("metrics.jsonl")), master)
        stopped = run("stop", folder)
        assert stopped.returncode == 0, stopped.stderr
        assert master.wait(HANG_SECONDS) == 130
    assert f"not running; to resume: oneshot-hpo resume {folder}" in stopped.stdout


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
