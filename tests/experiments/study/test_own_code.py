"""A study of code beside its study file: what is kept, who runs it, what its faults read."""

import io
import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console
from support.study_commands import called, refused, run

from oneshot_hpo import foreign
from oneshot_hpo.experiments.check.checking import verify
from oneshot_hpo.experiments.errors import StudyFileError, UserError
from oneshot_hpo.experiments.study import own_code
from oneshot_hpo.experiments.study.completion import complete, freeze
from oneshot_hpo.experiments.study.folder import create_study
from oneshot_hpo.experiments.study.launching import resume_study
from oneshot_hpo.experiments.study.loop import StudyRun
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.experiments.study.specification import StudySpec
from oneshot_hpo.experiments.study.trial import TrialTask, run_trial
from oneshot_hpo.experiments.study.trust import Consent, NotTrusted, check_trusted
from oneshot_hpo.experiments.study.validation import load_study
from oneshot_hpo.search_spaces import get_space, load_table, table_file
from oneshot_hpo.search_spaces.table_content import content_checksum
from oneshot_hpo.search_spaces.table_file import table_checksum

OWN = Path(__file__).parents[2] / "support" / "own_code"
NAMES = {"space": "LAYERS", "searcher": "First", "dataset": "few", "table": "LayersTable"}
MINE = (OWN / "mine.py").read_text()


@pytest.fixture(autouse=True)
def _stranger(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A process that nothing was trusted in."""
    forget(monkeypatch)
    yield
    forget(monkeypatch)


def forget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foreign, "_allowed", {})
    monkeypatch.setattr(foreign, "_locations", {})
    for name in [name for name in sys.modules if name.startswith("mine_")]:
        del sys.modules[name]
    get_space.cache_clear()
    table_file._plugin.cache_clear()
    table_file._plugin_checksum.cache_clear()


@pytest.fixture
def study_file(tmp_path: Path) -> Path:
    folder = tmp_path / "own"
    shutil.copytree(OWN, folder, ignore=shutil.ignore_patterns("__pycache__"))
    return folder / "study.yaml"


def frozen(study_file: Path, *overrides: str) -> StudySpec:
    """The study, frozen by a user who trusts it."""
    spec = load_study(str(study_file), overrides)
    check_trusted(Console(file=io.StringIO()), [spec], Consent(trust=True))
    return freeze(complete(spec, str(study_file)))


def created(study_file: Path) -> Path:
    """A study that was created and not run."""
    folder = study_file.parents[1] / "study"
    create_study(folder, frozen(study_file)).close()
    return folder


def with_code(study_file: Path, *changes: tuple[str, str]) -> None:
    text = MINE
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (study_file.parent / "mine.py").write_text(text)


def task_of(spec: StudySpec, folder: Path) -> TrialTask:
    return TrialTask(
        searcher=spec.searcher,
        settings=spec.search,
        config={},
        space=spec.space,
        dataset=spec.dataset,
        table=spec.table,
        budget=1,
        seed=3,
        folder=folder,
        code=foreign.allowed(),
    )


def test_a_study_of_a_file_is_shown_and_needs_trust_once(study_file: Path) -> None:
    spec, shown = load_study(str(study_file)), io.StringIO()
    with pytest.raises(NotTrusted) as refusal:
        check_trusted(Console(file=shown, width=200), [spec], Consent())
    (commands,) = refusal.value.commands
    assert commands == {key: [getattr(spec, key)] for key in NAMES}
    assert f"which is {study_file.parent / 'mine.py'}" in shown.getvalue()
    assert not foreign.allowed()
    with pytest.raises(StudyFileError, match=r"mine\.py:LAYERS is code that you have not trusted"):
        complete(spec, "-")

    check_trusted(Console(file=shown), [spec], Consent(trust=True))
    assert set(foreign.allowed()) == {getattr(spec, key) for key in NAMES}
    check_trusted(Console(file=shown), [spec], Consent())

    with_code(study_file, ("A hundred of", "Some of"))
    with pytest.raises(NotTrusted):
        check_trusted(Console(file=shown), [load_study(str(study_file))], Consent())


def test_a_file_that_is_typed_is_trusted(study_file: Path) -> None:
    text = study_file.read_text()
    for key, name in NAMES.items():
        text = text.replace(f"{key}: mine.py:{name}\n", "")
    study_file.write_text(text)
    typed = [f"{key}=mine.py:{name}" for key, name in NAMES.items()]
    spec = load_study(str(study_file), typed)
    check_trusted(Console(), [spec], Consent(overrides=typed))
    with pytest.raises(NotTrusted):
        check_trusted(
            Console(file=io.StringIO()),
            [load_study(str(study_file), [*typed[:3], "table=json:loads"])],
            Consent(overrides=typed),
        )


@pytest.mark.slow
def test_single_commands_take_what_is_typed(study_file: Path) -> None:
    own = study_file.parent
    asked = called("table", "query", "mine.py:LayersTable", "bend-bend-line", cwd=own)
    assert "valid_error 0.0675" in asked.stdout
    small = [word for key in ("stacks=1", "batch_size=16") for word in ("--set", f"search.{key}")]
    names = [word for key in NAMES for word in (f"--{key}", f"mine.py:{NAMES[key]}")]
    searched = called("search", *names, "--epochs", 1, *small, cwd=own)
    assert searched.returncode == 0 and "better than" in searched.stdout
    assert "no searcher" in refused("search", "--searcher", "mime:Mine")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("../mine.py:First", "has to lie beside the study file"),
        ("/etc/mine.py:First", "has to lie beside the study file"),
        ("away.py:First", "cannot be read: No such file"),
        ("link.py:First", "has to lie beside the study file"),
        ("mine.py:not a name", "is not a name in a Python file"),
    ],
)
def test_a_file_lies_beside_the_study_file_and_nowhere_else(
    study_file: Path, value: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = study_file.parents[1] / "here"
    here.mkdir()
    (here / "away.py").write_text(MINE)
    monkeypatch.chdir(here)
    (study_file.parent / "link.py").symlink_to(here / "away.py")
    with pytest.raises(StudyFileError, match=words):
        load_study(str(study_file), [f"searcher={value}"])


def test_a_study_keeps_a_copy_and_says_where_its_code_is_from(
    study_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = created(study_file)
    spec = OpenedStudy(folder).spec
    checksum = foreign.reference_of(spec.searcher).checksum  # type: ignore[union-attr]
    assert (folder / "plugins" / str(checksum) / "mine.py").read_text() == MINE
    assert spec.searcher == f"plugins/{checksum}/mine.py:First"
    assert spec.plugins == {key: {"file": str(study_file.parent / "mine.py")} for key in NAMES}
    assert "mine.py:First in my layers on mine.py:few" in spec.title

    study_file.parent.rename(study_file.parents[1] / "moved")
    forget(monkeypatch)
    moved = folder.rename(folder.with_name("elsewhere"))
    again = OpenedStudy(moved).located  # trusted before, and found in its own folder
    assert again.table is not None and again.space is not None
    assert load_table(again.table).best(get_space(again.space)).test_error > 0
    assert load_study(str(moved / "study.yaml"), ["name=b"]).searcher == spec.searcher


def test_resume_says_what_changed_and_runs_the_copy(
    study_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = created(study_file)
    with_code(study_file, ("A hundred of", "Some of"))
    spec = OpenedStudy(folder).spec
    (line,) = own_code.changes(spec, folder)
    assert line.startswith(f"{study_file.parent / 'mine.py'} has changed since the launch")
    assert line.endswith("the study runs its copy of it as it was")
    (folder / "mine.py").write_text("another")
    assert len(list(own_code.changes(spec, folder))) == 2

    said = io.StringIO()
    monkeypatch.setattr(StudyRun, "run", lambda *args, **kwargs: None)
    with pytest.raises((UserError, IndexError)):  # nothing ran, so there is nothing to sum up
        resume_study(
            Console(file=said, width=500), folder, 1, [], submit=False, as_job=False, cluster=None
        )
    assert said.getvalue().count("has changed since the launch") == 2


def test_a_copy_that_was_altered_stops_a_resume_and_is_found_by_check(study_file: Path) -> None:
    folder = created(study_file)
    (copy,) = (folder / "plugins").glob("*/mine.py")
    copy.write_text(MINE + "\n")
    spec = OpenedStudy(folder).spec
    with pytest.raises(foreign.BrokenPlugin, match=r"mine\.py was altered"):
        own_code.check_copies(spec)
    assert any("was altered" in finding.words for finding in verify(folder).findings)
    assert "was altered" in refused("resume", folder)


@pytest.mark.slow
def test_who_only_reads_a_study_of_a_stranger_runs_nothing(
    study_file: Path, trusted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = study_file.parent / "ran"
    with_code(study_file, ('"""Somebody', f'open({str(mark)!r}, "w")\n"""Somebody'))
    folder = created(study_file)
    assert mark.exists()
    mark.unlink()
    trusted.unlink()
    forget(monkeypatch)

    assert "0 of 8" in called("status", folder).stdout
    assert "its code was not trusted and did not run" in called("check", folder).stdout
    assert called("report", folder).returncode == 0  # it has no result that it would look up
    ended = called("resume", folder)
    assert ended.returncode == 2 and "add --trust, once" in ended.stderr
    assert "mine.py:First" in ended.stdout
    assert not mark.exists()


@pytest.mark.slow
def test_results_that_need_a_strangers_table_are_shown_once_it_is_trusted(
    study_file: Path, trusted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = study_file.parents[1] / "study"
    launched = run("launch", study_file, "--trust", "--dir", folder)
    assert launched.returncode == 0, launched.stderr
    trusted.unlink()
    forget(monkeypatch)

    ended = called("report", folder)
    assert ended.returncode == 2
    (line,) = ended.stderr.splitlines()
    assert "LayersTable is code that you have not trusted" in line
    assert "`oneshot-hpo resume DIR` shows it, and with --trust trusts it" in line
    ended = run("resume", folder, "--trust")
    assert ended.returncode == 0, ended.stderr

    forget(monkeypatch)
    table, space = (f"{study_file.parent / 'mine.py'}:{NAMES[key]}" for key in ("table", "space"))
    black_box = ["--evaluations", 8, "--repetitions", 2, "--methods", "rs,ls"]
    results = study_file.parents[1] / "baselines"
    asked = ["baselines", "run", "--table", table, "--space", space, "--dir", results]
    ended = called(*asked, *black_box)
    assert ended.returncode == 0, ended.stderr
    forget(monkeypatch)
    ended = called("report", folder, results)
    assert ended.returncode == 0, ended.stderr


def test_a_table_is_known_by_what_it_says(study_file: Path) -> None:
    spec = frozen(study_file)
    assert spec.table is not None
    assert spec.checksums["table"] == table_checksum(spec.table)
    assert table_checksum(spec.table) == content_checksum(load_table(spec.table))

    with_code(study_file, ("A hundred of", "Some of"))
    same = frozen(study_file)
    assert same.table != spec.table
    assert same.checksums == spec.checksums
    with_code(study_file, ("/ 8 /", "/ 9 /"))
    assert frozen(study_file).checksums["table"] != spec.checksums["table"]


def test_a_trial_runs_the_users_searcher_in_the_users_space(
    study_file: Path, tmp_path: Path
) -> None:
    spec = frozen(study_file)
    result = run_trial(task_of(spec, tmp_path / "trial"))
    assert result["exception"] is None
    assert set(result["info"]["architecture"]) == {"layers"}
    again = run_trial(task_of(spec, tmp_path / "again"))
    assert json.dumps(again["info"]) == json.dumps(result["info"])
    with pytest.raises(UserError, match="tries"):
        frozen(study_file, "search.tries=0")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("class First(", "class First((", r"cannot be imported: .*mine\.py, line \d+: invalid"),
        ("class First(", "class Last(", r"searcher mine\.py:First: there is no First in mine\.py"),
        (
            "class First(Searcher)",
            "class First(list)",
            "is the class First, not a class derived from Searcher",
        ),
        (
            "    def state_dict",
            "    def stated",
            r"searcher mine\.py:First lacks what Searcher asks for: state_dict",
        ),
        (
            "    def conclude",
            "    def evaluation_encoding(self):\n"
            "        return Encoding(({0: torch.tensor(float('nan'))},) * 3)\n\n    def conclude",
            r"evaluation_encoding: a weight of layer_0 is nan",
        ),
        (
            "    def conclude",
            "    def architecture(self):\n        return 'abc'\n\n    def conclude",
            "the searcher returned a str, not an architecture of my layers",
        ),
        (
            "    def conclude",
            "    def architecture(self):\n"
            "        return self._space.decode([np.full(2, np.nan)] * 3)\n\n    def conclude",
            "the strengths of layer_0 are not all numbers",
        ),
        (
            'return {"layers": self.key(architecture)}',
            'return {"layers": "bend-bend-bend"}',
            "from_document does not read what to_document wrote",
        ),
        (
            'return {"layers": self.key(architecture)}',
            "return 1 / 0",
            r"space mine\.py:LAYERS: ZeroDivisionError: division by zero \(mine\.py, line \d+\)",
        ),
        ("[error, error + 0.01]", "[error * np.nan] * 2", "mean errors .* not finite"),
        ("return split_arrays(", "return (", "mine.py:few is a tuple, not of the class"),
    ],
)
def test_what_is_wrong_with_it_is_one_line_at_launch(
    study_file: Path, old: str, new: str, words: str
) -> None:
    with_code(study_file, (old, new))
    with pytest.raises(StudyFileError, match=words) as fault:
        frozen(study_file)
    assert "\n" not in str(fault.value)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            "        return drawn[min",
            "        return 'best' or drawn[min",
            "InvalidResult: the searcher returned a str, not an architecture of my layers",
        ),
        (
            "        return drawn[min",
            "        return Architecture(((0,),)) or drawn[min",
            "InvalidResult: the searcher returned what is not an architecture of my layers",
        ),
        (
            "        errors = evaluation",
            "        errors = 1 / 0 or evaluation",
            r"TaskFailed: ZeroDivisionError: division by zero \(mine\.py, line \d+\)",
        ),
    ],
)
def test_what_it_does_wrong_in_a_trial_is_a_crash_with_a_line(
    study_file: Path, tmp_path: Path, old: str, new: str, words: str
) -> None:
    with_code(study_file, (old, new))
    task = task_of(frozen(study_file), tmp_path / "trial")
    if words.startswith("TaskFailed"):
        with pytest.raises(Exception, match=words.partition(": ")[2]):
            run_trial(task)
        return
    result = run_trial(task)
    assert result["loss"] is None
    assert result["exception"].startswith(words)
