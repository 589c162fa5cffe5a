"""`oneshot-hpo export`: what it refuses, what it replaces, and that nothing is half written."""

import json
import re
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest
from support.exported_study import new_study, warm_started
from support.study_commands import called

from oneshot_hpo.experiments.cli.exports import export
from oneshot_hpo.experiments.errors import UserError, is_user_error
from oneshot_hpo.experiments.exports.evaluations import exported_study
from oneshot_hpo.experiments.exports.folder import MARK
from oneshot_hpo.experiments.exports.registry import TOOLS
from oneshot_hpo.hpo import Study, TrialResult
from oneshot_hpo.plugins import MissingPackage


def everything(folder: Path) -> dict[str, bytes | None]:
    """Every file and folder below, with its content."""
    paths = sorted(folder.rglob("*"))
    return {str(p.relative_to(folder)): p.read_bytes() if p.is_file() else None for p in paths}


def tell(study: Study, loss: float | None, trials: int = 1) -> None:
    for _ in range(trials):
        trial = study.ask()
        assert trial is not None
        study.tell(trial, TrialResult(loss, exception=None if loss else "SearchDiverged: nan"))


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """The folder of a study with three results."""
    with new_study(tmp_path / "study") as study:
        tell(study, 0.5, trials=3)
    return tmp_path / "study"


@pytest.mark.parametrize("tool", [name for name, tool in TOOLS.items() if not tool.sends])
def test_a_running_study_is_exported_and_brought_up_to_date(tmp_path: Path, tool: str) -> None:
    """Its master holds the lock; again and again, with nothing left but the last state."""
    folder = tmp_path / "study"
    with new_study(folder) as study:
        for results in (1, 2):
            tell(study, 0.5)
            study.ask()
            if (missing := TOOLS[tool].missing) is not None:
                pytest.skip(missing)
            export([folder], tool)
            # DeepCAVE calls a run by its folder: the export has the study's name.
            place = [tool, "told"] if tool == "deepcave" else [tool]
            mark = json.loads((folder.joinpath("exports", *place) / MARK).read_text())
            assert (mark["tool"], mark["evaluations"]) == (tool, results)
            for depth, name in enumerate(place):
                above = folder.joinpath("exports", *place[:depth])
                assert [path.name for path in above.iterdir()] == [name]


def test_an_export_for_deepcave_of_an_earlier_version_stays_in_its_place(study: Path) -> None:
    export([study], "deepcave", study / "exports" / "deepcave")
    before = everything(study)
    export([study], "deepcave")
    assert everything(study).keys() == before.keys()


def test_the_command_says_what_it_wrote_and_how_to_read_it(
    told_folder: Path, tmp_path: Path
) -> None:
    ended = called("export", told_folder, "--to", "csv", "--out", tmp_path / "deep" / "tables")
    assert ended.returncode == 0, ended.stderr
    crashed = sum(r.crashed for _, r in exported_study(told_folder).view.evaluations)
    out = tmp_path / "deep" / "tables"
    assert ended.stdout.splitlines() == [
        f"{out}: 34 of 57 evaluations, {crashed} of them crashed",
        f"to read it: {out}/trials.csv, {out}/epochs.csv",
    ]
    assert (out / "trials.csv").is_file()
    assert not (told_folder / "exports").exists()


@pytest.mark.parametrize(
    ("folder", "tool", "out", "words"),
    [
        ("none", "csv", None, "none: no such folder"),
        (".", "csv", None, r"holds no study \(journal.jsonl is missing\)"),
        ("study", "csv --configspace 0.4", None, "--configspace is for hpbandster, deepcave"),
        ("study", "deepcave --configspace 2", None, "--configspace 2: there are 1, 0.4"),
        ("study", "excel", None, "--to excel: there are hpbandster, deepcave, optuna, "),
        (
            "study",
            "csv",
            "study",
            "study exists and is not an export; choose another place",
        ),
        ("study", "csv", "study/journal.jsonl", "journal.jsonl exists and is not an export"),
        ("study", "csv", "study/journal.jsonl/x", "x cannot be written .Not a directory.; choose"),
        ("study", "csv", "/proc/x/y", "/proc/x/y cannot be written "),
    ],
)
@pytest.mark.parametrize("force", [False, True])
def test_bad_input_changes_nothing(
    study: Path, tmp_path: Path, folder: str, tool: str, out: str | None, words: str, force: bool
) -> None:
    before = everything(tmp_path)
    tool, _, form = tool.partition(" --configspace ")
    target = tmp_path / out if out else None
    with pytest.raises(UserError, match=words):
        export([tmp_path / folder], tool, target, force=force, configspace=form or None)
    assert everything(tmp_path) == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [((), "Missing option '--to'"), (("--to", "csv"), "no trial has finished yet")],
)
def test_the_command_ends_with_one_line(
    tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    new_study(tmp_path).close()
    ended = called("export", tmp_path, *arguments)
    assert (ended.returncode, ended.stdout) == (2, "")
    (line,) = ended.stderr.splitlines()
    assert line.startswith("error: ")
    assert words in line


def test_a_study_without_a_result_is_refused(tmp_path: Path) -> None:
    with new_study(tmp_path) as study:
        study.ask()
    before = everything(tmp_path)
    with pytest.raises(UserError, match="no trial has finished yet"):
        export([tmp_path], "csv")
    assert everything(tmp_path) == before


def test_a_study_of_crashes_alone_is_refused_with_the_reason(tmp_path: Path) -> None:
    with new_study(tmp_path) as study:
        tell(study, None, trials=2)
    with pytest.raises(UserError, match="every trial crashed; the last one: SearchDiverged: nan"):
        export([tmp_path], "hpbandster")
    assert not (tmp_path / "exports").exists()


def test_another_studys_export_is_replaced_by_force_alone(study: Path, tmp_path: Path) -> None:
    with new_study(tmp_path / "other") as other:
        tell(other, 0.25)
    out = tmp_path / "out"
    export([tmp_path / "other"], "csv", out)
    before = everything(out)
    for tool in ("csv", "hpbandster"):
        with pytest.raises(UserError, match=r"an export of study told for csv; .* add --force"):
            export([study], tool, out)
    with pytest.raises(UserError, match="an export of study told for csv"):
        export([tmp_path / "other"], "hpbandster", out)
    assert everything(out) == before
    export([study], "hpbandster", out, force=True)
    assert {path.name for path in out.iterdir()} == {
        "configs.json",
        "configspace.json",
        "results.json",
        MARK,
    }
    assert json.loads((out / MARK).read_text())["evaluations"] == 3


def test_the_results_that_a_study_began_with_are_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    export([warm_started(tmp_path / "study")], "csv", tmp_path / "out")
    first = capsys.readouterr().out.splitlines()[0]
    assert first.endswith("1 of 57 evaluations; and 4 results that the study began with")


def test_the_printed_commands_come_with_the_extra_for_exports() -> None:
    """`pip install 'oneshot-hpo[export]'` is all that they need, but for DeepCAVE's own Python."""
    setup = ConfigParser()
    setup.read(Path(__file__).parents[3] / "setup.cfg")
    lines = setup["options.extras_require"]["export"].splitlines()
    assert {re.split("[>=]", line)[0] for line in lines if line} == {
        "tensorboard",
        "optuna-dashboard",
    }


def test_an_empty_folder_may_be_written_to(study: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    export([study], "csv", tmp_path / "out")
    assert (tmp_path / "out" / "trials.csv").is_file()


def test_a_disk_that_is_full_leaves_the_export_before(
    study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    export([study], "csv", out)
    before = everything(tmp_path)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("oneshot_hpo.experiments.exports.csv_files._epoch_row", full)
    (study / "trials" / "baseline" / "4").mkdir(parents=True)
    (study / "trials" / "baseline" / "4" / "metrics.jsonl").write_text("{}\n")
    with pytest.raises(UserError, match=r"out cannot be written \(No space left on device\)"):
        export([study], "csv", out)
    left = {name: content for name, content in everything(tmp_path).items() if "trials" not in name}
    assert left == {name: content for name, content in before.items() if "trials" not in name}


def test_damaged_epochs_are_named(study: Path) -> None:
    folder = study / "trials" / "baseline" / "4"
    folder.mkdir(parents=True)
    (folder / "metrics.jsonl").write_text('{"epoch": 1')
    with pytest.raises(UserError, match=r"baseline/4/metrics.jsonl is damaged"):
        export([study], "csv")
    assert not (study / "exports" / "csv").exists()


@pytest.mark.parametrize("tool", ["optuna", "tensorboard"])
def test_a_package_that_is_missing_is_named(
    study: Path, monkeypatch: pytest.MonkeyPatch, tool: str
) -> None:
    for name in [*sys.modules]:
        if name.startswith((f"oneshot_hpo.experiments.exports.{tool}", "torch.utils.tensorboard")):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, tool, None)
    with pytest.raises(MissingPackage, match=f"needs the package {tool}: pip install") as error:
        export([study], tool)
    assert is_user_error(error.value)
    assert not (study / "exports").exists()
