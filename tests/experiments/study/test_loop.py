"""Whole studies, run as a user runs them, and killed as fate kills them."""

import contextlib
import io
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from rich.console import Console
from support.processes import finish, running
from support.study_commands import TINY_EVALUATIONS, decisions, events, run, started
from support.waiting import wait_until
from support.worker_tasks import stopped_at_once

from oneshot_hpo.cluster.local import LocalPool
from oneshot_hpo.experiments.errors import StudyStopped
from oneshot_hpo.experiments.study.completion import complete
from oneshot_hpo.experiments.study.loop import StudyRun
from oneshot_hpo.experiments.study.losses import FRUITLESS
from oneshot_hpo.experiments.study.validation import load_study
from oneshot_hpo.experiments.study.yaml_files import load_yaml
from oneshot_hpo.experiments.terminal.progress import PlainDisplay
from oneshot_hpo.hpo import Study

pytestmark = pytest.mark.slow


def wait_for_events(folder: Path, number: int, master: subprocess.Popen[str]) -> None:
    """Wait until the journal has this number of lines."""
    wait_until(lambda: len(events(folder)) >= number, master)


def has_begun_one(folder: Path) -> bool:
    """Whether a trial has begun on a worker and has no result yet."""
    begun = list((folder / "trials").glob("*/*"))
    return any(not (trial / "result.json").exists() for trial in begun)


def kill_at_work(master: subprocess.Popen[str], folder: Path) -> None:
    """Kill the only worker of a master in the middle of a trial.

    Frozen first, to see whether it still has that trial: it may have finished it meanwhile.
    """
    while True:
        wait_until(lambda: has_begun_one(folder), master)
        worker = next(
            child
            for child in psutil.Process(master.pid).children(recursive=True)
            if any("spawn_main" in word for word in child.cmdline())
        )
        worker.suspend()
        wait_until(lambda worker=worker: worker.status() == psutil.STATUS_STOPPED)  # type: ignore[misc]
        if has_begun_one(folder):
            break
        worker.resume()
    worker.kill()


def told_once(folder: Path) -> bool:
    """Whether every planned evaluation has exactly one result."""
    told = [(*e["id"], e["budget"]) for e in events(folder) if e["event"] == "tell"]
    return len(told) == len(set(told)) == TINY_EVALUATIONS


def test_a_study_runs_and_leaves_what_it_promises(finished_study: Path) -> None:
    kinds = [event["event"] for event in events(finished_study)]
    assert kinds[0] == "header"
    assert kinds[1:] == ["ask", "tell"] * TINY_EVALUATIONS  # one worker: asked when it is free
    assert told_once(finished_study)
    frozen = load_yaml((finished_study / "study.yaml").read_text())
    assert frozen == events(finished_study)[0]["study"]["specification"]
    for event in events(finished_study)[1:]:
        if event["event"] == "tell":
            name = "-".join(map(str, event["id"])) if event["id"][0] >= 0 else "baseline"
            folder = finished_study / "trials" / name / str(event["budget"])
            assert len((folder / "metrics.jsonl").read_text().splitlines()) == event["budget"]
            assert json.loads((folder / "result.json").read_text())["info"] == event["info"]
            assert not (folder / "checkpoint.pt").exists()
            times = {"submitted", "started", "finished", "search_seconds"}
            assert set(event["timestamps"]) - {"processor_seconds"} == times  # these on a CPU alone


def test_the_same_study_makes_the_same_decisions(
    tiny_study: Path, finished_study: Path, tmp_path: Path
) -> None:
    ended = run("launch", tiny_study, "--dir", tmp_path / "again", "--workers", 1)
    assert ended.returncode == 0, ended.stderr
    assert decisions(tmp_path / "again") == decisions(finished_study)


def test_a_master_killed_at_random_decides_the_same(
    tiny_study: Path, finished_study: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "killed"
    moments = random.Random(0)
    arguments: list[object] = ["launch", tiny_study, "--dir", folder, "--workers", 1]
    for lines in (2, 5, 9):
        with started(*arguments) as master:
            wait_for_events(folder, lines, master)
            time.sleep(moments.uniform(0, 0.3))
            master.kill()
        arguments = ["resume", folder]
    ended = run("resume", folder)
    assert ended.returncode == 0, ended.stderr
    assert decisions(folder) == decisions(finished_study)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_the_study_cleanly(
    tiny_study: Path, finished_study: Path, tmp_path: Path, number: int
) -> None:
    folder = tmp_path / "stopped"
    arguments = ["launch", tiny_study, "--dir", folder, "--workers", 1]
    with started(*arguments) as master:
        wait_for_events(folder, 3, master)
        # Ctrl-C goes to the whole process group of the terminal, SIGTERM to the master.
        os.killpg(master.pid, number) if number == signal.SIGINT else master.terminate()
        _, complaint = finish(master)
        assert master.returncode == 130
    assert complaint.splitlines() == [
        f"stopped; every finished evaluation is kept; to resume: oneshot-hpo resume {folder}"
    ]
    if number == signal.SIGINT:
        ended = run("resume", folder)
        assert ended.returncode == 0, ended.stderr
        assert decisions(folder) == decisions(finished_study)


def test_a_killed_worker_costs_an_attempt_and_nothing_else(
    tiny_study: Path, finished_study: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "worker"
    with started("launch", tiny_study, "--dir", folder, "--workers", 1) as master:
        kill_at_work(master, folder)
        output, complaint = finish(master)
        assert master.returncode == 0, complaint
    assert complaint == ""
    assert "default" in output
    journal = decisions(folder)
    retries = [event for event in journal if event["event"] == "retry"]
    assert [event["attempt"] for event in retries] == [1]
    assert [e for e in journal if e["event"] != "retry"] == decisions(finished_study)


def test_a_trial_that_loses_its_workers_is_given_up(tiny_study: Path, tmp_path: Path) -> None:
    folder = tmp_path / "given up"
    arguments = ["--workers", 1, "--set", "cluster.max_attempts=1"]
    arguments += ["--set", "min_budget=8", "--set", "max_budget=16"]  # time to hit the first one
    with started("launch", tiny_study, "--dir", folder, *arguments) as master:
        kill_at_work(master, folder)
        _, complaint = finish(master)
        assert master.returncode == 1
    assert complaint.startswith("error: the default configuration cannot be searched: given up")
    first = next(event for event in events(folder) if event["event"] == "tell")
    assert first["loss"] is None
    assert first["exception"].startswith("given up after 1 attempts: its worker 0 died")
    ended = run("resume", folder)  # without it
    assert ended.returncode == 0, ended.stderr
    assert told_once(folder)
    assert "The default configuration crashed" in ended.stdout


def test_two_workers_share_the_study(tiny_study: Path, tmp_path: Path) -> None:
    folder = tmp_path / "two"
    ended = run("launch", tiny_study, "--dir", folder, "--workers", 2)
    assert ended.returncode == 0, ended.stderr
    assert told_once(folder)
    kinds = [event["event"] for event in events(folder)]
    assert kinds[:3] == ["header", "ask", "ask"]


def test_a_study_of_crashes_stops_with_a_message(tiny_study: Path, tmp_path: Path) -> None:
    wild = ["config_space=cs1", "search.learning_rate=1e30", "search.grad_clip=1e30"]
    settings = [word for setting in wild for word in ("--set", setting)]
    folder = tmp_path / "wild"
    ended = run("launch", tiny_study, "--dir", folder, "--workers", 1, *settings)
    assert ended.returncode == 1
    assert "every evaluation of the first bracket crashed alike" in ended.stderr
    assert f"oneshot-hpo resume {folder} --retry-crashed all" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1
    tells = [event for event in events(folder) if event["event"] == "tell"]
    assert 1 < len(tells) < TINY_EVALUATIONS
    assert all(event["exception"].startswith("SearchDiverged") for event in tells)

    ended = run("resume", folder)
    assert ended.returncode == 1
    assert told_once(folder)
    assert "Every evaluation crashed" in ended.stdout
    assert ended.stderr.startswith("error: every evaluation crashed, the last one: SearchDiverged")


def test_a_full_disk_stops_the_study_with_a_word(tiny_study: Path, tmp_path: Path) -> None:
    folder = tmp_path / "blocked"
    # A file where a trial's folder has to be fails like a disk does: with an OSError.
    with started("launch", tiny_study, "--dir", folder, "--workers", 1) as master:
        wait_for_events(folder, 1, master)
        (folder / "trials").write_text("")
        _, complaint = finish(master)
        assert master.returncode == 1
    assert len(complaint.splitlines()) == 1
    assert complaint.startswith("error: trial baseline/2 cannot run: ")
    assert f"oneshot-hpo resume {folder}" in complaint
    assert [event["event"] for event in events(folder)] == ["header", "ask"]


def test_a_study_runs_on_a_dask_cluster_that_is_there(tiny_study: Path, tmp_path: Path) -> None:
    folder = tmp_path / "external"
    file = tmp_path / "scheduler.json"
    with contextlib.ExitStack() as daemons:
        for name, *options in (
            ["dask_scheduler", "--port", "0", "--no-dashboard"],
            ["dask_worker", "--nthreads", "1", "--no-nanny"],
        ):
            command = [sys.executable, "-m", f"distributed.cli.{name}", *options]
            command += ["--scheduler-file", str(file)]
            silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
            daemon = daemons.enter_context(running(command, **silent))
            wait_until(file.exists, daemon)
        arguments = ["--dir", folder, "--workers", 1, "--scheduler-file", file]
        ended = run("launch", tiny_study, *arguments)
        assert ended.returncode == 0, ended.stderr
        assert daemon.poll() is None
    assert told_once(folder)
    both = run("resume", folder, "--scheduler-file", file, "--address", "tcp://127.0.0.1:1")
    assert both.returncode == 2


def test_a_trial_that_never_gets_on_stops_the_study(
    study: Study, tiny_study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("oneshot_hpo.experiments.study.loop.run_trial", stopped_at_once)
    spec = complete(load_study(str(tiny_study)), "tiny")
    display = PlainDisplay(Console(file=io.StringIO()), spec.title, 1)
    with pytest.raises(StudyStopped, match=f"lost its worker {FRUITLESS} times"):
        StudyRun(study, spec, tmp_path, display).run(
            lambda: LocalPool(workers=1, threads=1, scratch=tmp_path / "logs"), 1
        )
    assert [trial.attempt for trial in study.pending] == [0]
