"""What a study runs is shown, and trusted once; nothing else in a study file is run."""

import io
import shutil
import stat
from pathlib import Path

import pytest
from rich.console import Console
from support.made_study import run_study
from support.processes import finish
from support.study_commands import run, started
from support.throwaway_slurm import ThrowawaySlurm
from support.waiting import wait_until

from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.study.specification import StudySpec
from oneshot_hpo.experiments.study.trust import Consent, check_trusted, commands_of, digest_of
from oneshot_hpo.experiments.study.validation import load_study

SLURM = "cluster.slurm.scheduler_interface=lo"
NOTHING = Consent()


def spec_of(*settings: str) -> StudySpec:
    return load_study("quickstart", [f"cluster.slurm.{setting}" for setting in settings])


def refusal(spec: StudySpec, consent: Consent = NOTHING) -> str:
    """What is shown of a study that is refused; empty where it is not."""
    shown = io.StringIO()
    try:
        check_trusted(Console(file=shown, width=40), [spec], consent)
    except UserError as error:
        assert "--trust" in str(error)
        return shown.getvalue()
    return ""


def study_file(tiny_study: Path, folder: Path, *lines: str) -> Path:
    """The tiny study with a section cluster.slurm of these lines, as somebody else wrote it."""
    section = "".join(f"\n    {line}" for line in ("scheduler_interface: lo", *lines))
    path = folder / "received.yaml"
    slurm = f"cluster:\n  threads: 1\n  slurm:{section}\n"
    path.write_text(tiny_study.read_text().replace("cluster: {threads: 1}\n", slurm))
    return path


@pytest.mark.parametrize("key", ["prologue", "extra_directives"])
def test_a_study_that_runs_something_is_shown_and_trusted_once(key: str, trusted: Path) -> None:
    spec = spec_of(f"{key}=['first', '{'x' * 90} last']")
    assert commands_of(spec) == {f"cluster.slurm.{key}": ["first", "x" * 90 + " last"]}
    shown = refusal(spec)
    assert shown.splitlines()[:2] == [f"cluster.slurm.{key}:", "  first"]
    assert "x" * 90 + " last\n" in shown  # whole, whatever the terminal's width
    assert not trusted.exists()

    assert not refusal(spec, Consent(trust=True))
    assert stat.S_IMODE(trusted.stat().st_mode) == 0o600
    assert stat.S_IMODE(trusted.parent.stat().st_mode) == 0o700
    assert not refusal(spec)
    assert refusal(spec_of(f"{key}=['first']"))


def test_a_study_that_is_data_alone_needs_no_trust(trusted: Path) -> None:
    assert not refusal(load_study("quickstart"))
    assert not refusal(spec_of("partition=gpu", "scratch_folder=$SCRATCH/mine"))
    assert not trusted.exists()


def test_who_types_a_command_means_it() -> None:
    spec = spec_of("prologue=['module load cuda']")
    typed = ["seed=3", "cluster.slurm.prologue=['module load cuda']"]
    assert refusal(spec, Consent(overrides=["cluster.slurm.prologue=['another']"]))
    assert not refusal(spec, Consent(overrides=typed))
    assert not refusal(spec)

    both = spec_of("prologue=['mine']", "extra_directives=['--export=ALL,LD_PRELOAD=/x.so']")
    assert refusal(both, Consent(overrides=["cluster.slurm.prologue=['mine']"]))


def test_a_job_knows_what_was_trusted_where_it_was_submitted() -> None:
    spec = spec_of("prologue=['module load cuda']")
    assert refusal(spec, Consent(digest=digest_of({"cluster.slurm.prologue": ["other"]})))
    assert not refusal(spec, Consent(digest=digest_of(commands_of(spec))))


def test_what_a_terminal_would_obey_is_written_out() -> None:
    hidden = "echo harmless # \u202e\u2066"
    assert "# \\u202e\\u2066" in refusal(spec_of(f"prologue=['{hidden}']"))


def test_a_file_that_others_could_have_written_is_not_trusted(trusted: Path) -> None:
    spec = spec_of("prologue=['true']")
    trusted.parent.mkdir()
    trusted.write_text(digest_of(commands_of(spec)) + "\n")
    trusted.chmod(0o666)
    with pytest.raises(UserError, match="others can write it"):
        check_trusted(Console(), [spec], NOTHING)
    trusted.chmod(0o600)
    assert not refusal(spec)


def test_without_a_home_a_study_is_trusted_for_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    spec = spec_of("prologue=['true']")
    shown = io.StringIO()
    check_trusted(Console(file=shown), [spec], Consent(trust=True))
    assert "trusted this time only" in shown.getvalue()
    assert refusal(spec)


@pytest.mark.slow
def test_a_received_study_file_is_refused_before_anything_is_made(
    tiny_study: Path, tmp_path: Path
) -> None:
    mark, folder = tmp_path / "mark", tmp_path / "study"
    received = study_file(tiny_study, tmp_path, f"prologue: ['touch {mark}']")
    ended = run("launch", received, "--dir", folder, "--workers", 1)
    assert ended.returncode == 2
    assert f"  touch {mark}\n" in ended.stdout
    assert len(ended.stderr.splitlines()) == 1
    assert "--trust" in ended.stderr
    assert not folder.exists()

    received.write_text(received.read_text() + "grid: {seed: [0, 1]}\n")
    ended = run("launch", received, "--dir", folder, "--workers", 1)
    assert ended.returncode == 2
    assert "--trust" in ended.stderr
    assert not folder.exists()
    assert not mark.exists()


@pytest.mark.slow
def test_a_received_study_folder_is_refused_until_it_is_trusted(
    tmp_path: Path, trusted: Path
) -> None:
    """Its journal counts, not study.yaml; a copy of it is trusted with it."""
    settings = [SLURM, "cluster.slurm.prologue=['true']", "workers=1", "iterations=1"]
    folder = run_study(tmp_path / "received", *settings, crashing=False)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    for verb in ("resume", "confirm"):
        ended = run(verb, folder)
        assert ended.returncode == 2
        assert "cluster.slurm.prologue:\n  true\n" in ended.stdout
    assert before == {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    ended = run("resume", folder, "--trust")  # it has ended: nothing is left to run
    assert ended.returncode == 0, ended.stderr
    assert trusted.exists()
    moved = tmp_path / "moved"
    shutil.copytree(folder, moved)
    ended = run("resume", moved)
    assert ended.returncode == 0, ended.stderr


@pytest.mark.slow
def test_masters_that_are_jobs_run_without_a_terminal_or_a_record(
    slurm: ThrowawaySlurm, tiny_study: Path, tmp_path: Path
) -> None:
    """The prologue gives the master another state folder: its job knows what was trusted."""
    mark, folder = tmp_path / "mark", tmp_path / 'it\'s 100% "mine"'
    lines = [
        f"prologue: ['touch {mark}', 'export XDG_STATE_HOME={tmp_path / 'elsewhere'}']",
        "extra_directives: ['--comment=mine']",
        "cpus: 1",
    ]
    received = study_file(tiny_study, tmp_path, *lines)
    arguments = ["--dir", folder, "--workers", 1, "--submit", "--set", "iterations=1"]
    ended = run("launch", received, *arguments, "--trust")
    assert ended.returncode == 0, ended.stderr
    log = folder / "logs" / "master.log"
    try:
        wait_until(lambda: not slurm.jobs("--states=PENDING,RUNNING"))
    finally:
        run("stop", folder)
    assert mark.exists()
    assert "every decision and result" in log.read_text(), log.read_text()
    assert list(log.parent.glob("worker-*.log"))


@pytest.mark.slow
def test_every_value_of_a_study_file_reaches_the_job_as_data(
    slurm: ThrowawaySlurm, tiny_study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a worker's script in a folder with an awkward name, only the prologue is run."""
    folder = tmp_path / '$(touch a) `touch b` ; it\'s 100% "A"'
    monkeypatch.setenv("NODE_DISK", str(tmp_path))
    lines = ["scratch_folder: \"${NODE_DISK}/of 'mine'\"", "cpus: 1"]
    received = study_file(tiny_study, tmp_path, *lines)
    with started("launch", received, "--dir", folder, "--workers", 1) as master:
        _, complaint = finish(master)
        assert master.returncode == 0, complaint
    assert list((folder / "logs").glob("worker-*.log"))
    assert not [path for path in folder.rglob("*") if path.name in ("a", "b")]
    assert not {"a", "b"} & {path.name for path in Path().iterdir()}
