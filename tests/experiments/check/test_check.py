"""A study that is sound, and the same one with something wrong in it."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import typer
from support.exported_study import ARCHITECTURE
from support.study_commands import called

from oneshot_hpo.experiments.check.checking import mend, verify
from oneshot_hpo.experiments.check.findings import Report
from oneshot_hpo.experiments.cli.check import check
from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.exports.evaluations import exported_study
from oneshot_hpo.experiments.exports.folder import MARK
from oneshot_hpo.experiments.exports.writing import write_export
from oneshot_hpo.experiments.objectives.table_outcome import table_outcome
from oneshot_hpo.experiments.study.completion import complete, freeze
from oneshot_hpo.experiments.study.folder import create_study
from oneshot_hpo.experiments.study.trial import RESULT
from oneshot_hpo.experiments.study.validation import load_study
from oneshot_hpo.hpo import Confirmation, Study, StudyLocked, TrialResult, read_study
from oneshot_hpo.hpo.journal.line import sealed, unsealed
from oneshot_hpo.search_spaces import get_space, load_table
from oneshot_hpo.searchers.checkpoint import CHECKPOINT, save_checkpoint
from oneshot_hpo.searchers.data.datasets import load_dataset
from oneshot_hpo.searchers.fingerprint import fingerprint
from oneshot_hpo.searchers.search_loop import Search


@pytest.fixture
def folder(tiny_study: Path, tmp_path: Path) -> Path:
    """A study with four results and a trial that is pending with its checkpoint, confirmed."""
    spec = freeze(complete(load_study(str(tiny_study), ["workers=1"]), "tiny"))
    space = get_space(1)
    info = table_outcome(spec.table, space, space.from_document(ARCHITECTURE)).to_info()
    result = TrialResult(info["valid_error"], info | {"one_shot_error": 0.5})
    folder = tmp_path / "study"
    with create_study(folder, spec) as study:
        for _ in range(4):
            trial = study.ask()
            assert trial is not None
            study.tell(trial, result)
        trial = study.ask()
        assert trial is not None
    settings = spec.search_settings.with_config(trial.config)
    data = load_dataset("digits")
    search = Search(
        spec.searcher, settings, space, data, int(trial.budget), trial.seed, torch.device("cpu")
    )
    own = folder / "trials" / trial.key
    own.mkdir(parents=True)
    save_checkpoint(own, search.state_dict())
    done = folder / "trials" / study.evaluations[0][0].key
    done.mkdir(parents=True)
    (done / RESULT).write_text(json.dumps({"loss": result.loss, "info": result.info}))
    write_export(exported_study(folder), folder / "exports" / "csv", "csv")
    with Confirmation.create(folder / "confirm", header=study.header, seed=0, budget=2) as again:
        again.plan("default", study.evaluations[0][0].config, 1, tuned=True)
        rerun = again.ask()
        assert rerun is not None
        again.tell(rerun, result)
    return folder


def words(report: Report) -> list[str]:
    return [finding.words for finding in report.findings]


def altered(folder: Path, line: int, change: Callable[[dict], None], name: str = "") -> None:
    """Change an event of a journal as if it had been written so."""
    path = folder / (name or "journal.jsonl")
    lines = path.read_bytes().splitlines(keepends=True)
    event, _ = unsealed(lines[line - 1].rstrip(b"\n"))
    change(event)
    lines[line - 1] = sealed(event)
    path.write_bytes(b"".join(lines))


def test_a_sound_study_is_found_sound_and_left_alone(folder: Path) -> None:
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    report = verify(folder)
    assert words(report) == []
    assert report.checked == [
        "4 of 6 evaluations",
        "every decision replayed",
        "4 results compared with the table",
        "1 checkpoints",
        "an export for csv",
        "1 of 1 confirming runs",
        "1 results compared with the table",
    ]
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_every_line_that_cannot_be_read_is_named(folder: Path) -> None:
    path = folder / "journal.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    lines[2] = lines[2].replace(b"tell", b"tall", 1)
    lines[4] = b"{\n"
    path.write_bytes(b"".join(lines))
    report = verify(folder)
    assert [word.split(": ")[0] for word in words(report)] == [f"{path}, line 3", f"{path}, line 5"]
    assert not report.is_readable
    with pytest.raises(typer.Exit):
        check(folder, mend=True)
    assert path.read_bytes() == b"".join(lines)


def test_a_line_that_cannot_follow_is_named(folder: Path) -> None:
    altered(folder, 3, lambda event: event.update(seq=7))
    assert "line 3: seq is 7, expected 1" in words(verify(folder))[0]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"loss": 1.5}, "loss is 1.5, not in [0, 1]"),
        ({"loss": 0.25}, "loss is 0.25 where the table says"),
        ({"test_regret": -0.1}, "test_regret is -0.1: better than the best cell"),
        ({"test_error": "NaN"}, "test_error is 'NaN', which is not a number"),
        ({"percentile": 99.5}, "percentile is 99.5 where the table says"),
    ],
)
def test_an_impossible_result_is_reported(folder: Path, values: dict, expected: str) -> None:
    def change(event: dict) -> None:
        event["loss"] = values.get("loss", event["loss"])
        event["info"] |= {key: value for key, value in values.items() if key != "loss"}

    altered(folder, 3, change)
    found = words(verify(folder))
    assert any(expected in word for word in found), found
    assert all(read_study(folder).evaluations[0][0].key in word for word in found)


def test_means_that_were_rounded_to_single_precision_are_the_same(
    folder: Path, table_file: str
) -> None:
    """Results of earlier versions, which counted equally good cells as worse."""
    table = load_table(table_file)
    errors = table.mean_errors("test", table.entries(get_space(1)))

    def change(event: dict) -> None:
        info = event["info"]
        equals = (errors == info["test_error"]).sum()
        info["percentile"] += 100 * int(equals - 1) / len(errors)
        for key in ("valid_error", "test_error", "valid_regret", "test_regret"):
            info[key] += 6e-8
        event["loss"] += 3e-8

    altered(folder, 3, change)
    assert [word for word in words(verify(folder)) if "the table says" in word] == []


def test_a_configuration_that_was_never_proposed_is_reported(folder: Path) -> None:
    # The last trial that was submitted: only its own line differs.
    altered(folder, 10, lambda event: event["config"].update(cutout_prob=0.125))
    found = words(verify(folder))
    assert "line 10: cutout_prob is 0.125 where " in found[0]
    assert " is proposed here" in found[0]


def _tear(folder: Path) -> None:
    with (folder / "journal.jsonl").open("ab") as file:
        file.write(b'{"event": "te')


def _tear_confirmation(folder: Path) -> None:
    with (folder / "confirm" / "confirmation.jsonl").open("ab") as file:
        file.write(b'{"event": "te')


def _age_export(folder: Path) -> None:
    path = folder / "exports" / "csv" / MARK
    path.write_text(json.dumps(json.loads(path.read_text()) | {"evaluations": 3}))


def _leave_checkpoint(folder: Path) -> None:
    save_checkpoint(folder / "trials" / read_study(folder).evaluations[0][0].key, {})


LEFTOVER = ".metrics.jsonl.0123456789abcdef.tmp"
MENDABLE: dict[str, Callable[[Path], object]] = {
    "the last line is torn (13 bytes)": _tear,
    "confirmation.jsonl: the last line is torn": _tear_confirmation,
    "csv has 3 evaluations of 4": _age_export,
    "checkpoints of a finished trial": _leave_checkpoint,
    "differs from the journal's header": lambda f: (f / "study.yaml").write_text("name: other\n"),
    "study.yaml is missing": lambda f: (f / "study.yaml").unlink(),
    "left by a writer": lambda f: (f / "trials" / LEFTOVER).write_text("{"),
    "results.csv differs from": lambda f: (f / "confirm" / "results.csv").write_text("no\n"),
}


@pytest.mark.parametrize("expected", MENDABLE)
def test_what_is_safe_is_mended(folder: Path, expected: str) -> None:
    evaluations = read_study(folder).evaluations
    MENDABLE[expected](folder)
    report = verify(folder)
    assert len(report.findings) == 1
    assert expected in report.findings[0].words
    assert mend(report, folder) == report.findings
    assert words(verify(folder)) == []
    assert read_study(folder).evaluations == evaluations


LEFT_BEHIND = {
    ".study.yaml.0123456789abcdef.tmp": "# Every setting",
    "journal.jsonl.new": '{"event": "hea',
    "trials/.checkpoint.pt.0123456789abcdef.tmp": "oneshot-",
    "confirm/.results.csv.0123456789abcdef.tmp": "",
    "report/.index.html.0123456789abcdef.tmp": "<!doctype html>",
    "report/figures/.timeline.pdf.0123456789abcdef.tmp": "%PDF-1.4",
    "report/figures/.timeline.png.new": "",
    "exports/.csv.0123456789abcdef.new/trials.csv": "id,",
    "exports/.csv.0123456789abcdef.old/oneshot-hpo-export.json": "{}",
}
THE_USERS_OWN = (
    *(".notes.old/notes.txt", "trials/.notes.old/notes.txt", ".draft.tmp", "trials/.x.12.tmp"),
    *("report/.index.html.new", "exports/.csv.old/trials.csv", "exports/.csv.12.new/trials.csv"),
    "exports/.csv.fedcba9876543210.old/no-mark.txt",
    "trials/.result.json.0123456789abcdef.tmp",
    "notes/.result.json.0123456789abcdef.tmp",
)


def test_what_is_left_behind_is_removed_and_nothing_else(folder: Path) -> None:
    for name, content in {**LEFT_BEHIND, **dict.fromkeys(THE_USERS_OWN, "my notes")}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    report = verify(folder)
    assert len(report.findings) == len(LEFT_BEHIND)
    assert all("left by a writer that was killed" in word for word in words(report))
    mend(report, folder)
    assert words(verify(folder)) == []
    assert not any((folder / name).exists() for name in LEFT_BEHIND)
    assert all((folder / name).read_text() == "my notes" for name in THE_USERS_OWN)


def test_a_link_is_named_and_nothing_is_mended_through_it(folder: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "checkpoint.pt").write_text("mine")
    done = folder / "trials" / read_study(folder).evaluations[0][0].key
    shutil.rmtree(done)
    done.symlink_to(outside)
    (folder / "trials" / LEFTOVER).symlink_to(outside / "checkpoint.pt")
    report = verify(folder)
    assert f"{done} is a symbolic link, to {outside}: the study cannot be resumed" in " ".join(
        words(report)
    )
    with pytest.raises(UserError, match="is a symbolic link"):
        mend(report, folder)
    assert (outside / "checkpoint.pt").read_text() == "mine"


def test_an_export_of_a_running_study_may_be_behind(folder: Path) -> None:
    _age_export(folder)
    with Study.open(folder):
        report = verify(folder)
    assert words(report) == []
    assert "an export for csv" in report.checked


def test_an_export_is_made_again_as_it_was(folder: Path) -> None:
    """In its place below exports/deepcave, and in the form that was requested."""
    own = folder / "exports" / "deepcave" / "renamed"
    write_export(exported_study(folder), own, "deepcave", "0.4")
    before = {path.name: path.read_bytes() for path in own.iterdir()}
    mark = json.loads((own / MARK).read_text())
    (own / MARK).write_text(json.dumps(mark | {"evaluations": 3}))
    (own / "configspace.json").unlink()
    report = verify(folder)
    assert words(report) == [f"{own} has 3 evaluations of 4"]
    mend(report, folder)
    assert {path.name: path.read_bytes() for path in own.iterdir()} == before


def test_checkpoints_that_cannot_be_used_are_reported(folder: Path) -> None:
    trial = read_study(folder).pending[0]
    own = folder / "trials" / trial.key
    content = (own / CHECKPOINT).read_bytes()
    (own / CHECKPOINT).write_bytes(content[:-1])
    assert "damaged" in words(verify(folder))[0]

    spec = load_study(str(folder / "study.yaml"))
    settings, space = spec.search_settings, get_space(1)
    other = fingerprint("darts", settings, space, load_dataset("digits"), 1, trial.seed + 1)
    save_checkpoint(own, {"fingerprint": other})
    found = words(verify(folder))
    assert "is of a search with" in found[0]

    own.rename(folder / "trials" / "9-9-9")
    assert "of a trial that was never submitted" in words(verify(folder))[0]


def test_nothing_is_mended_under_a_master(folder: Path) -> None:
    _leave_checkpoint(folder)
    with Study.open(folder):
        report = verify(folder)
        with pytest.raises(StudyLocked):
            mend(report, folder)
    assert words(verify(folder)) == words(report)


def test_the_exit_code_reports_problems(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _tear(folder)
    found = called("check", folder)
    assert found.returncode == 1
    assert "the last line is torn (13 bytes) (--mend)" in found.stdout
    assert f"{folder}: 1 problem; checked: " in found.stdout
    check(folder, mend=True)  # and raises no Exit
    assert (
        capsys.readouterr()
        .out.splitlines()[-1]
        .startswith(f"{folder}: 1 problem, 1 mended; checked: ")
    )
    with pytest.raises(UserError, match="holds no study"):
        check(tmp_path, mend=False)
