"""A search's diagnosis and its cell's cost wherever a study is shown."""

import csv
import io
import json
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from rich.console import Console
from support.browser import OpenedPage
from support.page_study import DIGITS, confirm, make_study, result_of

from oneshot_hpo.experiments.compare.sources import read_sources
from oneshot_hpo.experiments.exports.csv_files import write
from oneshot_hpo.experiments.report import trials
from oneshot_hpo.experiments.report.headline import read
from oneshot_hpo.experiments.report.reporting import write_report
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.experiments.study.outcome import UNDECIDED, Outcome
from oneshot_hpo.experiments.study.status import show_status
from oneshot_hpo.hpo import TrialResult
from oneshot_hpo.searchers.checkpoint import read_metrics, write_metrics
from oneshot_hpo.searchers.diagnosis import NUMBERS, ChoiceState, Diagnosis

COSTS = {"parameters": 1234, "macs": 56789, "training_seconds": 12.5, "peak_memory": 3 * 2**20}
FACTS = COSTS | {"undecided": True}
SENTENCE = f"searches ended {UNDECIDED}."


def diagnosed(epoch: int) -> Diagnosis:
    return Diagnosis(
        choices={"one": ChoiceState.of([0.5, 0.25, 0.25]), "other": ChoiceState.of([0.9, 0.1])},
        cell="key",
        parameter_free=0.25,
        distance=0.5 * epoch,
        moved=0.5,
        weight_gradient=1.5,
        eigenvalue=0.1 * epoch,
    )


@pytest.fixture(scope="module")
def folder(tiny_study: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished, confirmed study; its searches are undecided and have a diagnosis but for the
    first epoch of each, as if an earlier version had run it."""
    folder = tmp_path_factory.mktemp("diagnosed") / "study"
    with make_study(folder, tiny_study, *DIGITS) as study:
        while (trial := study.ask()) is not None:
            result = result_of(folder, trial, "digits")
            result = TrialResult(result.loss, result.info | FACTS, None, result.timestamps)
            study.tell(trial, result)
        confirm(study, folder, "digits", seeds=2)
    for metrics in folder.glob("trials/*/*/metrics.jsonl"):
        first, *others = read_metrics(metrics.parent)
        rows = [row | {"diagnosis": diagnosed(row["epoch"]).to_dict()} for row in others]
        write_metrics(metrics.parent, [first, *rows])
    return folder


@pytest.fixture
def study(folder: Path) -> OpenedStudy:
    return OpenedStudy(folder)


def test_a_journal_keeps_what_the_search_cost_and_whether_it_decided(study: OpenedStudy) -> None:
    outcome = Outcome.from_result(study.view.evaluations[0][1])
    assert {field: getattr(outcome, field) for field in FACTS} == FACTS
    info = Outcome(valid=0.25, **FACTS).to_info()
    assert {key: info[key] for key in FACTS} == FACTS
    assert not FACTS.keys() & Outcome(valid=0.25).to_info().keys()


@pytest.mark.slow
def test_undecided_searches_are_counted_wherever_the_study_is_shown(
    study: OpenedStudy, folder: Path
) -> None:
    count = len(study.view.evaluations)
    assert study.undecided == f"{count} of {count} {SENTENCE}"
    assert study.undecided in read(study).sentences
    shown = io.StringIO()
    show_status(Console(file=shown, width=300), folder)
    assert study.undecided in shown.getvalue()
    [compared], _ = read_sources([str(folder)])
    assert not any(UNDECIDED in note for note in compared.notes)  # the confirmation's did decide


@pytest.mark.slow
def test_a_comparison_says_which_confirmed_searches_were_undecided(
    tiny_study: Path, tmp_path: Path
) -> None:
    from oneshot_hpo.experiments.compare.sources import _notes

    with make_study(tmp_path / "study", tiny_study, *DIGITS) as made:
        while (trial := made.ask()) is not None:
            made.tell(trial, result_of(tmp_path / "study", trial, "digits"))
        confirm(made, tmp_path / "study", "digits", seeds=2)
    study = OpenedStudy(tmp_path / "study")
    confirmation = study.confirmation
    assert confirmation is not None
    assert study.undecided is None
    name = confirmation.tuned
    assert name is not None
    for _, result in confirmation.results_of(name).values():
        result.info["undecided"] = True
    notes = list(_notes(study, confirmation, name))
    assert notes == [f"{study.folder}: {name}: 2 of 2 {SENTENCE}"]


def test_the_tables_of_csv_have_them(study: OpenedStudy, tmp_path: Path) -> None:
    write(study, tmp_path)
    with (tmp_path / "trials.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {tuple(float(row[field]) for field in COSTS) for row in rows} == {
        tuple(map(float, COSTS.values()))
    }
    assert {row["undecided"] for row in rows} == {"True"}

    with (tmp_path / "epochs.csv").open() as file:
        epochs = list(csv.DictReader(file))
    [first, second] = [next(row for row in epochs if row["epoch"] == n) for n in ("1", "2")]
    assert {first[name] for name in (*NUMBERS, "cell", "choices")} == {""}
    assert float(second["largest_probability"]) == pytest.approx(0.7)
    assert (second["cell"], second["distance"], second["frozen"]) == ("key", "1.0", "")
    assert json.loads(second["choices"])["other"]["largest"] == 0.9
    assert "diagnosis" not in second


def test_the_frames_of_pandas_have_them(study: OpenedStudy) -> None:
    frame = study.trials_frame()
    assert frame["undecided"].all()
    assert set(frame["macs"]) == {56789}
    epochs = study.epochs_frame()
    assert set(NUMBERS) < set(epochs.columns)
    second = epochs[epochs["epoch"] == 2]
    assert set(second["eigenvalue"]) == {0.2}
    assert epochs[epochs["epoch"] == 1]["eigenvalue"].isna().all()


def test_tensorboard_has_a_curve_of_each_number_and_choice(
    study: OpenedStudy, tmp_path: Path
) -> None:
    pytest.importorskip("tensorboard", reason="needs the extra export")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    from oneshot_hpo.experiments.exports import tensorboard

    tensorboard.write(study, tmp_path)
    trial = next(trial for trial, _ in study.trials if trial.budget == 4)
    events = EventAccumulator(str(tmp_path / trial.key))
    events.Reload()
    distances = events.Scalars("search/distance")
    assert [(event.step, event.value) for event in distances] == [(2, 1), (3, 1.5), (4, 2)]
    assert [event.step for event in events.Scalars("choices/one")] == [2, 3, 4]
    assert events.Scalars("choices/other")[0].value == pytest.approx(0.9)
    assert events.Scalars("cell/macs")[0].value == pytest.approx(56789)
    assert "search/frozen" not in events.Tags()["scalars"]


def test_the_page_has_columns_and_a_figure_of_them(study: OpenedStudy) -> None:
    table = trials.table(study)
    names = [column.heading for column in table.columns]
    row = dict(zip(names, table.rows[0].cells, strict=True))
    assert row["parameters"].text == "1,234"
    assert (row["GPU MiB"].text, row["training s"].text) == ("3.0", "12.5")
    assert row["undecided"].text == "yes"

    pytest.importorskip("plotly", reason="needs the extra report")
    from oneshot_hpo.experiments.report.charts import decisions

    found = decisions.chart(study)
    titles = [axis.title.text for axis in found.figure.select_yaxes()]
    assert titles == [
        *("entropy<br>of the choices", "parameter-free<br>operations"),
        *("distance<br>from the start", "eigenvalue"),
    ]
    assert list(found.figure.data[0].x) == list(range(2, 5))


def test_a_study_of_an_earlier_version_has_neither(tiny_study: Path, tmp_path: Path) -> None:
    pytest.importorskip("plotly", reason="needs the extra report")
    from oneshot_hpo.experiments.errors import NotEnoughData
    from oneshot_hpo.experiments.report.charts import decisions

    with make_study(tmp_path / "study", tiny_study, *DIGITS) as made:
        trial = made.ask()
        assert trial is not None
        made.tell(trial, result_of(tmp_path / "study", trial, "digits"))
    study = OpenedStudy(tmp_path / "study")
    assert study.undecided is None
    names = [column.heading for column in trials.table(study).columns]
    assert not {"parameters", "MACs", "undecided"} & set(names)
    with pytest.raises(NotEnoughData, match="an earlier version did not"):
        decisions.chart(study)


@pytest.mark.slow
def test_the_names_of_its_rows_fit_beside_them_in_the_page(
    browser: Browser, folder: Path, tmp_path: Path
) -> None:
    view = OpenedPage(browser, write_report(folder, [], tmp_path / "page.html"))
    assert view.page.locator("#decisions .plot").count() == 1
    assert view.overlapping_titles() == []
    view.close()
