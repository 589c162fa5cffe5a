"""Studies of a user's program, run as a user runs them, and killed as fate kills them."""

import os
import shutil
import signal
import sys
from pathlib import Path

import pytest
from support.processes import finish
from support.study_commands import decisions, run, started, told
from support.throwaway_slurm import ThrowawaySlurm
from support.waiting import wait_until

from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.hpo import read_study

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]

EXAMPLE = Path(__file__).parents[2] / "experiments" / "examples" / "command"

SAVING = """
import json, os, pathlib, signal, sys, time
rate, epochs, seed, folder = float(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
with open(folder + "/starts", "a") as starts:
    starts.write(".")
state = pathlib.Path(folder, "state.json")
done = json.loads(state.read_text()) if state.exists() else []
stop = []
signal.signal(signal.SIGTERM, lambda *_: stop.append(1))
for epoch in range(len(done) + 1, epochs + 1):
    while pathlib.Path("hold").exists() and epoch > 1:
        time.sleep(0.05)
        if stop:
            pathlib.Path(folder, "asked").touch()
            sys.exit(1)
    if os.environ.get("NODE") == "bad" and not pathlib.Path(folder, "tried").exists():
        pathlib.Path(folder, "tried").touch()
        sys.exit(75)
    done.append(abs(rate - 0.1) + (seed % 100) / 1000 + 1 / epoch)
    state.write_text(json.dumps(done))
    print("epoch", epoch, "error", done[-1], os.environ["TOKEN"][:0], flush=True)
result = {"validation_error": done[-1], "test_error": done[-1] + 0.01}
pathlib.Path(folder, "result.json").write_text(json.dumps(result))
"""
"""Saves after each epoch; where a file `hold` lies, it waits after the first one."""

STUDY = f"""
searcher: command
command: [{sys.executable}, saving.py, "{{rate}}", "{{budget}}", "{{seed}}", "{{folder}}"]
lost_exit_codes: [75]
record_pattern: 'epoch (?P<epoch>\\d+) error (?P<valid_error>\\S+)'
config_space: {{rate: {{lower: 0.001, upper: 1.0, log: true, default: 0.5}}}}
min_budget: 1
max_budget: 2
iterations: 1
workers: 1
"""


SLURM = ["--set", "cluster.slurm.scheduler_interface=lo", "--set", "cluster.slurm.cpus=1"]


@pytest.fixture
def study_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A study of a program that saves, in the folder in which it runs."""
    monkeypatch.setenv("TOKEN", "a-secret-of-the-user")
    folder = tmp_path / "code"
    folder.mkdir()
    (folder / "saving.py").write_text(SAVING)
    (folder / "study.yaml").write_text(STUDY)
    return folder / "study.yaml"


def losses(folder: Path) -> list[tuple[str, float | None]]:
    return [(trial.key, result.loss) for trial, result in read_study(folder).evaluations]


def starts(folder: Path) -> int:
    """How often the program was started on the trials of the larger budget."""
    return sum(len(path.read_text()) for path in folder.glob("trials/*/2/command/starts"))


def test_a_script_of_fifteen_lines_from_launch_to_compare(tmp_path: Path) -> None:
    code = tmp_path / "code"
    shutil.copytree(EXAMPLE, code)
    lines = (code / "train_search.py").read_text().splitlines()
    assert sum(bool(line.strip()) for line in lines) <= 15

    refused = run("launch", code / "study.yaml", cwd=tmp_path)
    assert refused.returncode == 2
    assert "train_search.py" in refused.stdout
    assert "--trust" in refused.stderr
    ended = run("launch", code / "study.yaml", "--trust", cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert "Tuned" in ended.stdout

    folder = tmp_path / "studies" / "study"
    for words in (
        ["confirm", folder, "--seeds", "3"],
        ["compare", folder],
        ["report", folder],
        ["check", folder],
        ["export", folder, "--to", "csv"],
    ):
        ended = run(*words, cwd=tmp_path)
        assert ended.returncode == 0, (words, ended.stdout, ended.stderr)
        assert "test regret" not in ended.stdout
        assert "of cells" not in ended.stdout
    page = (folder / "report" / "index.html").read_text()
    assert "test error" in page
    assert "test regret" not in page


def test_a_study_that_was_stopped_and_killed_ends_like_an_undisturbed_one(
    study_file: Path, tmp_path: Path
) -> None:
    undisturbed, disturbed = tmp_path / "one", tmp_path / "two"
    ended = run("launch", study_file, "--dir", undisturbed, "--trust")
    assert ended.returncode == 0, ended.stderr

    hold = study_file.with_name("hold")
    hold.touch()
    with started("launch", study_file, "--dir", disturbed) as master:
        wait_until(lambda: list(disturbed.glob("trials/*/2/command/state.json")), master)
        master.send_signal(signal.SIGINT)
        finish(master)
    assert list(disturbed.glob("trials/*/2/command/asked"))  # it had time to save
    with started("resume", disturbed) as master:
        wait_until(lambda: starts(disturbed) == 2, master)
        os.kill(master.pid, signal.SIGKILL)
        finish(master)
    hold.unlink()
    ended = run("resume", disturbed)
    assert ended.returncode == 0, ended.stderr

    assert losses(disturbed) == losses(undisturbed)
    assert len(set(told(disturbed))) == len(told(disturbed))
    study = OpenedStudy(disturbed)
    trial = next(trial for trial, _ in study.trials if trial.budget == 2)
    assert [row["epoch"] for row in study.epochs(trial)] == [1, 2]

    texts = (path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert not any(b"a-secret-of-the-user" in text for text in texts)


def test_jobs_of_slurm_run_it_and_let_it_save(
    slurm: ThrowawaySlurm, study_file: Path, tmp_path: Path
) -> None:
    folder, hold = tmp_path / "study", study_file.with_name("hold")
    hold.touch()
    with started("launch", study_file, "--dir", folder, "--trust", *SLURM) as master:
        wait_until(lambda: starts(folder), master)
        wait_until(lambda: list(folder.glob("trials/*/2/command/state.json")), master)
        slurm.command("scancel", *[job for job, _, _ in slurm.jobs("--states=RUNNING")])
        wait_until(lambda: starts(folder) == 2, master)
        hold.unlink()
        _, complaint = finish(master)
    assert master.returncode == 0, complaint
    assert list(folder.glob("trials/*/2/command/asked"))  # it had time to save
    assert len(set(told(folder))) == len(told(folder)) == read_study(folder).total_evaluations
    assert not [event for event in decisions(folder) if event["event"] == "retry"]


def test_an_exit_code_that_means_try_elsewhere(
    study_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NODE", "bad")
    folder = tmp_path / "study"
    ended = run("launch", study_file, "--dir", folder, "--trust", "--workers", 2)
    assert ended.returncode == 0, ended.stderr
    journal = decisions(folder)
    retries = [event for event in journal if event["event"] == "retry"]
    assert len(retries) == len(told(folder))  # each trial was lost once, and none has crashed
    assert all("exit code 75" in event["reason"] for event in retries)
    assert not [event for event in journal if event["event"] == "tell" and event["exception"]]
