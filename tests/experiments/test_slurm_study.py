"""Whole studies on workers that are jobs of a real SLURM, and what can happen to these."""

import os
import re
import shutil
import signal
from pathlib import Path

import pytest
from support.processes import finish
from support.study_commands import TINY_EVALUATIONS, called, decisions, events, run, started, told
from support.throwaway_slurm import ThrowawaySlurm
from support.waiting import wait_until

pytestmark = pytest.mark.slow

SLURM = ["--set", "cluster.slurm.scheduler_interface=lo", "--set", "cluster.slurm.cpus=1"]
OWN = Path(__file__).parents[1] / "support" / "own_code"
LONG = [
    word
    for setting in ("min_budget=24", "max_budget=24", "iterations=1")
    for word in ("--set", setting)
]
"""Two evaluations of 24 epochs each."""


def without_retries(folder: Path) -> list[dict[str, object]]:
    """Asks and tells, without their times."""
    return [e for e in decisions(folder) if e["event"] in ("ask", "tell")]


def test_a_study_finishes_on_slurm(slurm: ThrowawaySlurm, tiny_study: Path, tmp_path: Path) -> None:
    folder = tmp_path / "study"
    ended = run("launch", tiny_study, "--dir", folder, "--workers", 3, *SLURM)
    assert ended.returncode == 0, ended.stderr
    assert len(told(folder)) == len(set(told(folder))) == TINY_EVALUATIONS
    logs = [path.read_text() for path in (folder / "logs").glob("worker-*.log")]
    seen = [re.search(r"CUDA_VISIBLE_DEVICES=(.*)", log) for log in logs]
    assert 1 <= len(seen) <= 3  # the study may end before the third one comes
    assert all(match is not None and match[1] in ("0", "1") for match in seen)
    journal = (folder / "journal.jsonl").read_text()
    assert os.uname().nodename not in "".join(journal.splitlines(keepends=True)[1:])


def test_nothing_that_happens_to_jobs_and_masters_changes_a_decision(
    slurm: ThrowawaySlurm, tiny_study: Path, tmp_path: Path
) -> None:
    undisturbed, folder = tmp_path / "undisturbed", tmp_path / "disturbed"
    ended = run("launch", tiny_study, "--dir", undisturbed, "--workers", 1, *LONG)
    assert ended.returncode == 0, ended.stderr

    metrics = folder / "trials" / "baseline" / "24" / "metrics.jsonl"
    finished: list[str] = []
    seen: set[int] = set()

    def wait_for_another_worker() -> None:
        """Wait until one that was not seen before has ended an epoch of the first trial."""
        wait_until(lambda: {process.pid for process in slurm.processes()} - seen, master)
        seen.update(process.pid for process in slurm.processes())
        before = metrics.read_text() if metrics.exists() else ""
        wait_until(lambda: metrics.exists() and len(metrics.read_text()) > len(before), master)
        finished.append(metrics.read_text())

    def jobs() -> list[str]:
        return [job for job, _, _ in slurm.jobs("--states=RUNNING")]

    arguments = ["--dir", folder, "--workers", 1, *LONG, *SLURM]
    spare = ["--set", "cluster.slurm.partition=spare"]
    with started("launch", tiny_study, *arguments, *spare) as master:
        wait_for_another_worker()
        slurm.command("scancel", "--batch", "--signal=USR1", *jobs())
        wait_for_another_worker()
        slurm.preempt()
        slurm.end_preemption()
        wait_for_another_worker()
        slurm.command("scancel", *jobs())
        wait_for_another_worker()
        for process in slurm.processes():
            process.kill()
        wait_for_another_worker()
        master.kill()
        master.wait()
    ended = run("resume", folder)
    assert ended.returncode == 0, ended.stderr

    assert without_retries(folder) == without_retries(undisturbed)
    retries = [event for event in decisions(folder) if event["event"] == "retry"]
    assert [event["reason"] for event in retries] == ["its worker's job ended: FAILED"]
    assert slurm.jobs("--states=PREEMPTED")
    rows = metrics.read_text()
    assert len(rows.splitlines()) == 24
    for before in finished:  # with their times: no finished epoch was run again
        assert rows.startswith(before)


def test_the_users_own_file_runs_on_slurm_and_through_a_kill(
    slurm: ThrowawaySlurm, tmp_path: Path
) -> None:
    """Jobs take the searcher, the space and the table from the copy in the study's folder."""
    own = tmp_path / "own"
    shutil.copytree(OWN, own, ignore=shutil.ignore_patterns("__pycache__"))
    arguments = [own / "study.yaml", "--workers", 1, "--trust", "--dir"]
    undisturbed, folder = tmp_path / "undisturbed", tmp_path / "killed"
    ended = run("launch", *arguments, undisturbed)
    assert ended.returncode == 0, ended.stderr

    with started("launch", *arguments, folder, *SLURM) as master:
        wait_until(lambda: bool(told(folder)), master)
        master.kill()
        master.wait()
    assert len(told(folder)) < len(told(undisturbed))
    shutil.rmtree(own)
    ended = run("resume", folder)
    assert ended.returncode == 0, ended.stderr
    assert without_retries(folder) == without_retries(undisturbed)


def test_a_study_continues_without_a_controller_and_a_node(
    own_slurm: ThrowawaySlurm, tiny_study: Path, tmp_path: Path
) -> None:
    slurm, folder = own_slurm, tmp_path / "study"
    log = folder / "logs" / "cluster.log"
    longer = ["--set", "min_budget=30", "--set", "max_budget=60", "--workers", 2]
    with started("launch", tiny_study, "--dir", folder, *longer, *SLURM) as master:
        wait_until(lambda: len(slurm.processes()) == 2, master)
        slurm.wait_for_saved_state()
        slurm.kill("slurmctld")
        slurm.kill("slurmd-n1")
        try:
            before = len(list((folder / "trials").rglob("metrics.jsonl")))
            wait_until(lambda: "SLURM does not answer" in log.read_text(), master)
            # More trials than there are workers, so results came back and others were sent.
            wait_until(
                lambda: len(list((folder / "trials").rglob("metrics.jsonl"))) > before + 1, master
            )
        finally:
            slurm.start_controller()
            slurm.start_node("n1")
        _, complaint = finish(master)
        assert master.returncode == 0, complaint
    assert len(told(folder)) == len(set(told(folder))) == TINY_EVALUATIONS
    assert not slurm.jobs("--states=PENDING,RUNNING")


def test_a_trial_that_kills_its_workers_is_ended_with_their_last_lines(
    slurm: ThrowawaySlurm, tiny_study: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "poison"
    log = folder / "trials" / "baseline" / "24" / "lost.log"
    settings = [*LONG, *SLURM, "--set", "cluster.max_attempts=1"]
    with started("launch", tiny_study, "--dir", folder, "--workers", 1, *settings) as master:
        wait_until((log.parent / "metrics.jsonl").exists, master)
        for process in slurm.processes():
            process.kill()
        _, complaint = finish(master)
        assert master.returncode == 1
    assert complaint.startswith("error: the default configuration cannot be searched: given up")
    first = next(event for event in events(folder) if event["event"] == "tell")
    assert first["exception"].startswith("given up after 1 attempts: its worker's job ended:")
    assert "working for tls://127.0.0.1" in log.read_text()


@pytest.mark.parametrize(
    ("setting", "code", "message"),
    [
        ("partition=nix", 2, "Invalid partition name specified"),
        ("gres=gpu:h100:1", 2, "Requested node configuration is not available"),
        ("gres=gpu:2", 2, "a worker uses one"),
        ("scheduler_interface=none0", 2, "none0"),
        ("tim=1", 2, "did you mean time?"),
        ("time='9:00:00'", 1, "PartitionTimeLimit"),
        ("log_folder=/dev/null/logs", 1, "/dev/null/logs cannot be used: Not a directory"),
    ],
)
def test_what_slurm_refuses_is_one_line_and_nothing_stays(
    slurm: ThrowawaySlurm, tiny_study: Path, tmp_path: Path, setting: str, code: int, message: str
) -> None:
    folder = tmp_path / "refused"
    settings = [*SLURM, "--set", f"cluster.slurm.{setting}", "--set", "iterations=1"]
    launch = run if code == 1 else called  # a study that is begun has a process of its own
    ended = launch("launch", tiny_study, "--dir", folder, "--workers", 2, *settings)
    assert ended.returncode == code
    assert len(ended.stderr.splitlines()) == 1
    assert message in ended.stderr
    assert folder.exists() == (code == 1)
    assert not slurm.jobs("--states=PENDING,RUNNING")


def test_a_prologue_that_fails_is_mended_on_resume(
    slurm: ThrowawaySlurm, tiny_study: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "mended"
    prologue = ["--set", "cluster.slurm.prologue=['echo no such module', 'false']"]
    settings = [*SLURM, *prologue, "--set", "iterations=1"]
    ended = run("launch", tiny_study, "--dir", folder, "--workers", 2, *settings)
    assert ended.returncode == 1
    assert len(ended.stderr.splitlines()) == 1
    assert "no such module" in ended.stderr
    assert not slurm.jobs("--states=PENDING,RUNNING")
    ended = run("resume", folder, "--set", "cluster.slurm.prologue=[]")
    assert ended.returncode == 0, ended.stderr
    assert told(folder)


def test_a_dry_run_prints_the_script_and_does_nothing(tiny_study: Path, tmp_path: Path) -> None:
    folder = tmp_path / "dry"
    wanted = {
        "partition": "gpu",
        "account": "abc",
        "qos": "long",
        "gres": "gpu:a100:1",
        "constraint": "'a100&ib'",
        "time": "'4:00:00'",
        "cpus": "3",
        "memory": "16G",
        "prologue": "['module load cuda']",
        "skip_directives": "['--mem']",
        "extra_directives": "['--mem-per-gpu=32G']",
        "scratch_folder": "$SCRATCH/hpo",
        "worker_interface": "ib0",
    }
    settings = [w for k, v in wanted.items() for w in ("--set", f"cluster.slurm.{k}={v}")]
    ended = run("launch", tiny_study, "--dir", folder, "--workers", 2, "--dry-run", *settings)
    assert ended.returncode == 0, ended.stderr
    assert not folder.exists()
    lines = ended.stdout.splitlines()
    assert lines[0] == "#!/usr/bin/env bash"
    directives = {line.removeprefix("#SBATCH ") for line in lines if line.startswith("#SBATCH ")}
    assert directives > {
        *("-p gpu", "-A abc", "--qos=long", "--gres=gpu:a100:1", '--constraint="a100&ib"'),
        *("-t 4:00:00", "--cpus-per-task=3", "--mem-per-gpu=32G", "-n 1", "--no-requeue"),
    }
    assert not any("--mem=" in line for line in lines)
    assert lines.index("set -e") < lines.index("module load cuda") < len(lines) - 1
    assert lines[-1].startswith("exec ")
    assert '--local-directory "$SCRATCH/hpo"' in lines[-1]
    assert "--interface ib0" in lines[-1]


def test_ctrl_c_leaves_no_job(slurm: ThrowawaySlurm, tiny_study: Path, tmp_path: Path) -> None:
    folder = tmp_path / "stopped"
    arguments = ["--dir", folder, "--workers", 1, *LONG, *SLURM]
    with started("launch", tiny_study, *arguments) as master:
        wait_until(lambda: any((folder / "trials").rglob("metrics.jsonl")), master)
        master.send_signal(signal.SIGINT)
        _, complaint = finish(master)
        assert master.returncode == 130
    assert complaint.splitlines() == [
        f"stopped; every finished evaluation is kept; to resume: oneshot-hpo resume {folder}"
    ]
    assert not slurm.jobs("--states=PENDING,RUNNING")
