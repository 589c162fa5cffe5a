"""Commands of the user's that run when a study ends or cannot continue: real, small scripts."""

import io
import stat
from pathlib import Path

import psutil
import pytest
from rich.console import Console
from support.made_study import new_study, result_of, run_study
from support.study_commands import called, refused
from support.waiting import wait_until

from oneshot_hpo.experiments.errors import HandedOver, StudyFailed, StudyStopped
from oneshot_hpo.experiments.study import notices
from oneshot_hpo.experiments.study.notices import announced
from oneshot_hpo.experiments.study.specification import StudySpec
from oneshot_hpo.experiments.study.summary import verdict
from oneshot_hpo.experiments.study.trust import commands_of
from oneshot_hpo.experiments.study.validation import load_study
from oneshot_hpo.hpo import Study, read_study

WRITES = """#!/bin/sh
env | grep '^ONESHOT_HPO_' | sort > "$(dirname "$0")/told.$1"
pwd >> "$(dirname "$0")/told.$1"
"""


AROUND = ("DATA", "TEST_DATA", "TEST_PROCESS", "TEST_RUN")
"""Variables of the tests themselves."""


def script(folder: Path, content: str, name: str = "notice.sh") -> Path:
    path = folder / name
    path.write_text(content)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def spec_of(*words: object) -> StudySpec:
    own = [str(word) for word in words]
    return load_study("quickstart").model_copy(
        update={"on_end": [*own, "end"], "on_trouble": [*own, "trouble"]}
    )


def has_ended(number: int) -> bool:
    try:
        return psutil.Process(number).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def told(folder: Path, what: str) -> dict[str, str]:
    lines = (folder / f"told.{what}").read_text().splitlines()
    variables = dict(line.removeprefix("ONESHOT_HPO_").split("=", 1) for line in lines[:-1])
    own = {name: value for name, value in variables.items() if name not in AROUND}
    return own | {"pwd": lines[-1]}


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run_study(tmp_path_factory.mktemp("made") / "study", "iterations=1", crashing=False)


def test_the_end_is_told_with_the_state_in_the_environment(study: Path, tmp_path: Path) -> None:
    printed = io.StringIO()
    with announced(Console(file=printed), spec_of(script(tmp_path, WRITES)), study):
        pass
    view = read_study(study)
    assert told(tmp_path, "end") == {
        "STUDY": str(study),
        "NAME": "quickstart",
        "STATE": "finished",
        "EVALUATIONS": str(view.total_evaluations),
        "PLANNED": str(view.total_evaluations),
        "MESSAGE": verdict(view),
        "pwd": "/",
    }
    assert not (tmp_path / "told.trouble").exists()
    assert printed.getvalue() == ""


def test_a_stop_rule_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "study"
    with new_study(folder, "iterations=1") as study:
        trial = study.ask()
        assert trial is not None
        study.tell(trial, result_of(trial, 0.0, crashed=False))
        study.reach_stop("gpu_hours", "20.1 GPU hours")
    spec = spec_of(script(tmp_path, WRITES))
    with announced(Console(quiet=True), spec, folder):
        pass
    assert told(tmp_path, "end")["STOP_RULE"] == "gpu_hours"


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (StudyStopped("no worker has been alive for 60 s"), "stopped"),
        (StudyFailed("every evaluation crashed", "all"), "failed"),
        (OSError(28, "No space left on device"), "stopped"),
    ],
)
def test_trouble_is_told_and_still_ends_the_command(
    study: Path, tmp_path: Path, error: Exception, state: str
) -> None:
    spec = spec_of(script(tmp_path, WRITES))
    with pytest.raises(type(error)) as raised, announced(Console(quiet=True), spec, study):
        raise error
    assert raised.value is error
    assert told(tmp_path, "trouble")["STATE"] == state
    assert told(tmp_path, "trouble")["MESSAGE"] == str(error)
    assert not (tmp_path / "told.end").exists()


@pytest.mark.parametrize("error", [KeyboardInterrupt, HandedOver])
def test_what_the_user_or_slurm_ends_is_no_trouble(
    study: Path, tmp_path: Path, error: type[BaseException]
) -> None:
    spec = spec_of(script(tmp_path, WRITES))
    with pytest.raises(error), announced(Console(quiet=True), spec, study):
        raise error
    assert not list(tmp_path.glob("told.*"))


def test_trouble_with_the_study_itself_is_told_without_its_state(tmp_path: Path) -> None:
    spec = spec_of(script(tmp_path, WRITES))
    gone = tmp_path / "gone"
    with pytest.raises(StudyStopped), announced(Console(quiet=True), spec, gone):
        raise StudyStopped("its folder is gone\x1b[2J")
    found = told(tmp_path, "trouble")
    assert found["MESSAGE"] == "its folder is gone\\x1b[2J"
    assert "EVALUATIONS" not in found


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("#!/bin/sh\necho trying >&2; echo no route to host >&2; exit 7\n", "exit code 7 (no rout"),
        ("#!/bin/sh\nkill -9 $$\n", "ended with signal 9"),
        ("#!/nowhere/sh\n", "cannot run (No such file or directory)"),
    ],
)
def test_a_notice_that_fails_is_said_once_and_costs_nothing(
    study: Path, tmp_path: Path, content: str, words: str
) -> None:
    printed = io.StringIO()
    path = script(tmp_path, content)
    with announced(Console(file=printed), spec_of(path), study):
        pass
    (line,) = printed.getvalue().splitlines()
    assert line.startswith(f"on_end: {path} ")
    assert words in line
    assert line.endswith("; the study is not affected")


@pytest.mark.slow
def test_a_notice_that_hangs_is_killed_with_what_it_started(
    study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notices, "SECONDS", 0.5)
    hanging = '#!/bin/sh\nsleep 1000 &\necho $! > "$(dirname "$0")/child"\nwait\n'
    printed = io.StringIO()
    with announced(Console(file=printed), spec_of(script(tmp_path, hanging)), study):
        pass
    assert "did not end within 0.5 s and was killed" in printed.getvalue()
    child = tmp_path / "child"
    if child.exists() and (number := child.read_text()):  # else it was killed before it had begun
        wait_until(lambda: has_ended(int(number)))


def test_words_reach_the_program_as_they_are(study: Path, tmp_path: Path) -> None:
    """No shell reads them."""
    path = script(tmp_path, '#!/bin/sh\nprintf "%s\\n" "$@" > "$(dirname "$0")/words"\n')
    with announced(Console(quiet=True), spec_of(path, "$HOME; touch /x", "a  b"), study):
        pass
    assert (tmp_path / "words").read_text().splitlines() == ["$HOME; touch /x", "a  b", "end"]


def test_files_beside_the_study_file_are_found_from_anywhere(tmp_path: Path) -> None:
    script(tmp_path, WRITES)
    (tmp_path / "mail.txt").touch()
    text = "on_end: [./notice.sh, mail.txt, --to, me, env]\non_trouble: [env, mail.txt]\n"
    quickstart = load_study("quickstart").model_dump(exclude={"on_end", "on_trouble"})
    keys = ("space", "searcher", "dataset", "table", "config_space", "min_budget", "max_budget")
    lines = [f"{key}: {quickstart[key]}\n" for key in (*keys, "iterations")]
    (tmp_path / "mine.yaml").write_text("".join(lines) + text)
    spec = load_study(str(tmp_path / "mine.yaml"))
    mail = str(tmp_path / "mail.txt")
    assert spec.on_end == [str(tmp_path / "notice.sh"), mail, "--to", "me", "env"]
    assert spec.on_trouble == ["env", mail]
    assert commands_of(spec) == {"on_end": spec.on_end, "on_trouble": spec.on_trouble}


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("on_end=mail me", "key 'on_end' must be a list of words"),
        ("on_end=[]", "key 'on_end' must be a list of words"),
        ("on_trouble=[' ']", "on_trouble: the first word is the program"),
        ('on_end=["true", "a\\0b"]', "on_end: a word holds a null character"),
    ],
)
def test_a_bad_notice_is_refused_in_a_line(tmp_path: Path, setting: str, words: str) -> None:
    folder = tmp_path / "new"
    assert words in refused("launch", "quickstart", "--dir", folder, "--set", setting)
    assert not folder.exists()


def test_a_program_that_is_not_there_is_refused_at_launch(tmp_path: Path) -> None:
    line = refused(
        *("launch", "quickstart", "--dir", tmp_path / "new"), "--set", "on_end=[mial, me]"
    )
    assert "on_end: mial is not on PATH" in line


def test_a_finished_study_that_is_resumed_says_nothing_again(tmp_path: Path) -> None:
    """And one that is stopped says that it is, and how to extend it."""
    folder = tmp_path / "study"
    path = script(tmp_path, WRITES)
    with new_study(folder, f"on_end=[{path}, end]", "iterations=1") as study:
        trial = study.ask()
        assert trial is not None
        study.reach_stop("wall_hours", "2 hours since the launch")
    with Study.open(folder) as study:
        study.tell(trial, result_of(trial, 0.0, crashed=False))
    ended = called("resume", folder, "--trust")
    assert ended.returncode == 0, ended.stderr
    words = " ".join(ended.stdout.split())
    assert words.count("stopped by its rule wall_hours (2 hours since the launch), after 1 of") == 1
    assert f"extend {folder} --stop wall_hours=null" in words
    assert not list(tmp_path.glob("told.*"))


def test_a_strangers_notice_is_shown_and_not_run_without_trust(tmp_path: Path) -> None:
    folder = tmp_path / "study"
    path = script(tmp_path, WRITES)
    with new_study(folder, f"on_trouble=[{path}, trouble]"):
        pass
    ended = called("resume", folder)
    assert ended.returncode == 2
    assert f"on_trouble:\n  {path}\n  trouble\n" in ended.stdout
    assert "--trust" in ended.stderr
    assert not list(tmp_path.glob("told.*"))
