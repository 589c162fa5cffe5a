"""What the page of a study says in whatever state the study is, and what it refuses."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest
from support.page_study import DIGITS, confirm, crash, make_study, result_of, tell_all
from support.study_commands import called

from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.report.reporting import write_report
from oneshot_hpo.experiments.study.validation import load_study
from oneshot_hpo.hpo import Study
from oneshot_hpo.hpo.journal.file import read_journal
from oneshot_hpo.hpo.journal.line import sealed


def text_of(page: Path) -> str:
    """The words of a page, without its scripts and styles."""
    body = page.read_text()
    assert "plotly.js v" in body or '<div class="plot"' not in body
    body = re.sub(r"<(script|style)\b.*?</\1>", " ", body, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())


@pytest.fixture
def begun(tmp_path: Path, tiny_study: Path) -> Study:
    with make_study(tmp_path / "study", tiny_study, *DIGITS) as study:
        yield study


def test_the_headline_says_what_came_out(page: Path, made: Path) -> None:
    text = text_of(page)
    assert "tiny: darts in space 1 on digits, tuned in cs2" in text
    assert re.search(r"has a test regret of \d+\.\d\d percentage points; the default's is", text)
    assert "darts tuned in cs2 is better than darts default, with 7 seeds." in text
    assert (
        "whether darts tuned in cs2 is better or worse than re" in text or "than re, with" in text
    )
    assert "regrets of the best of 10 evaluations by validation, for it has no more" in text
    assert re.search(r"cores \d+ memory [\d.]+ GiB GPUs", text)
    assert "2 of 40 evaluations crashed." in text
    assert "In the confirmation 1 crashed; there a crash is the worst regret." in text
    assert "default with seed number 4 of the confirmation : SearchDiverged: again" in text
    assert f"oneshot-hpo launch study.yaml --dir {made.name}-again oneshot-hpo confirm" in text
    assert "--seeds 7" in text


def test_the_specification_repeats_the_study(page: Path, made: Path, tmp_path: Path) -> None:
    [shown] = re.findall(r"<h3>study.yaml</h3>\s*<pre>(.*?)</pre>", page.read_text(), re.DOTALL)
    copy = tmp_path / "study.yaml"
    copy.write_text(html.unescape(shown))
    assert load_study(str(copy)) == load_study(str(made / "study.yaml"))


def test_a_study_that_has_just_begun_is_reported_as_such(begun: Study, tmp_path: Path) -> None:
    text = text_of(write_report(tmp_path / "study", []))
    assert "running 0 of 40 evaluations" in text
    assert "No evaluation has finished yet" in text
    assert "No trial has finished yet: there is nothing to draw." in text
    assert "No trial has been submitted yet." in text
    trial = begun.ask()
    assert trial is not None
    assert "default 4 running" in text_of(write_report(tmp_path / "study", []))


@pytest.mark.slow
def test_a_running_study_shows_how_far_it_is(begun: Study, tmp_path: Path) -> None:
    folder = tmp_path / "study"
    default = begun.ask()
    for _ in range(20):
        trial = begun.ask()
        assert trial is not None
        begun.tell(trial, result_of(folder, trial, "digits"))
    text = text_of(write_report(folder, []))
    assert "running 20 of 40 evaluations, 1 running, about" in text
    assert "The default has not finished yet, so there is nothing to compare with." in text
    assert default is not None
    begun.tell(default, result_of(folder, default, "digits"))
    text = text_of(write_report(folder, []))
    assert "Not confirmed" in text
    assert f"oneshot-hpo confirm {folder}" in text
    assert "The study has not finished; this is its current state." in text
    begun.close()
    text = text_of(write_report(folder, []))
    assert "not running 21 of 40 evaluations" in text
    assert f"To resume it: oneshot-hpo resume {folder}" in text


def test_a_study_of_crashes_alone_has_reasons_and_no_empty_figure(
    begun: Study, tmp_path: Path
) -> None:
    folder = tmp_path / "study"
    for number in range(3):
        trial = begun.ask()
        assert trial is not None
        crash(begun, folder, trial, with_loss=number == 1)
    page = write_report(folder, [])
    text = text_of(page)
    assert "Every evaluation crashed, the last one: SearchDiverged" in text
    assert "The study has not finished; this is its current state." in text
    assert "There is nothing to confirm yet" in text
    assert "<script>document" not in page.read_text()
    assert "3 of 3 evaluations crashed." in text
    assert "2 × SearchDiverged 1 × given up after 2 attempts" in text
    assert "line 40 <b>of</b> the log" in text
    assert "Every finished trial crashed: there is no result to draw." in text
    assert re.findall(r'<figure id="([^"]+)"', page.read_text()) == ["no-figures", "workers"]


@pytest.mark.slow
def test_one_seed_is_called_too_few(tiny_study: Path, tmp_path: Path) -> None:
    folder = tmp_path / "study"
    with make_study(folder, tiny_study, *DIGITS, "iterations=2") as study:
        tell_all(study, folder, "digits")
        confirm(study, folder, "digits", seeds=1)
    text = text_of(write_report(folder, []))
    assert "Not shown with 1 seed: whether darts tuned in cs2 is better or worse" in text
    assert "With fewer than 6 seeds no difference can be shown" in text


@pytest.mark.slow
def test_a_study_that_tunes_nothing_is_one_search(tiny_study: Path, tmp_path: Path) -> None:
    folder = tmp_path / "study"
    with make_study(folder, tiny_study, "config_space=none", "iterations=0") as study:
        tell_all(study, folder, study.header["specification"]["table"])
    text = text_of(write_report(folder, []))
    assert "Nothing was tuned: this is one search with the study's own settings." in text
    assert "The study tunes no hyperparameter." in text


def test_a_study_of_an_earlier_version_knows_no_machine(begun: Study, tmp_path: Path) -> None:
    journal = tmp_path / "study" / "journal.jsonl"
    events, _ = read_journal(journal)
    del events[0]["study"]["machine"]
    journal.write_bytes(b"".join(map(sealed, events)))
    text = text_of(write_report(tmp_path / "study", []))
    assert "machine not recorded by the version that created the study" in text


@pytest.mark.slow
def test_a_damaged_search_costs_its_figures_alone(tiny_study: Path, tmp_path: Path) -> None:
    folder = tmp_path / "study"
    with make_study(folder, tiny_study, *DIGITS, "iterations=2") as study:
        tell_all(study, folder, "digits")
    (folder / "trials" / "baseline" / "4" / "metrics.jsonl").write_text("{")
    text = text_of(write_report(folder, []))
    assert "metrics.jsonl is damaged" in text
    assert "Importance of hyperparameters" in text
    assert "Each line is a configuration" in text


def test_what_cannot_be_reported_is_refused(
    made: Path, baselines: Path, tiny_study: Path, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match="no such folder"):
        write_report(tmp_path / "nothing", [])
    with pytest.raises(UserError, match="is not a run of baselines; use oneshot-hpo compare"):
        write_report(made, [made])
    with pytest.raises(UserError, match="no such folder"):
        write_report(made, [tmp_path / "none.parquet"])
    other = tmp_path / "other"
    with make_study(other, tiny_study) as study:
        trial = study.ask()
        assert trial is not None
        study.tell(trial, result_of(other, trial, study.header["specification"]["table"]))
        with pytest.raises(UserError, match="was made with another table"):
            write_report(other, [baselines])
    assert not (other / "report").exists()
    (other / "report").write_text("a file in the way")
    with pytest.raises(UserError, match=r"index\.html cannot be written"):
        write_report(other, [])


def test_the_command_prints_where_the_page_is(begun: Study, tmp_path: Path) -> None:
    folder = tmp_path / "study"
    ended = called("report", folder)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.strip() == str(folder / "report" / "index.html")
    assert text_of(folder / "report" / "index.html").startswith("tiny: report")
