"""TensorBoard's own reader on what we write."""

from pathlib import Path

import pytest

pytest.importorskip("tensorboard", reason="needs the extra export")

from support.exported_study import warm_started
from tensorboard.backend.event_processing import plugin_event_multiplexer
from tensorboard.backend.event_processing.data_provider import MultiplexerDataProvider
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.backend.event_processing.event_multiplexer import EventMultiplexer
from tensorboard.context import RequestContext
from tensorboard.plugins.base_plugin import TBContext
from tensorboard.plugins.hparams import api_pb2, list_session_groups
from tensorboard.plugins.hparams.backend_context import Context
from tensorboard.plugins.hparams.metadata import (
    SESSION_START_INFO_TAG,
    parse_session_start_info_plugin_data,
)

from oneshot_hpo.experiments.exports.evaluations import exported_study
from oneshot_hpo.experiments.exports.scalars import EPOCH_TAGS
from oneshot_hpo.experiments.exports.tensorboard import write
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.hpo import StudyView, Trial


@pytest.fixture(scope="module")
def folder(told: OpenedStudy, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tensorboard")
    write(told, folder)
    return folder


def read(folder: Path, trial: Trial) -> EventAccumulator:
    accumulator = EventAccumulator(str(folder / trial.key))
    accumulator.Reload()
    return accumulator


def test_each_trial_is_a_run(folder: Path, told: OpenedStudy) -> None:
    runs = EventMultiplexer().AddRunsFromDirectory(str(folder)).Reload().Runs()
    assert runs.keys() == {trial.key for trial, _ in told.trials}


def test_each_epoch_is_a_step_at_its_time(folder: Path, told: OpenedStudy, view: StudyView) -> None:
    finished = [(t, r) for t, r in view.evaluations if t.budget == 4 and not r.crashed]
    for trial, result in finished[:3]:
        events = read(folder, trial)
        for tag, name in EPOCH_TAGS.items():
            scalars = events.Scalars(tag)
            rows = told.epochs(trial)
            assert [event.step for event in scalars] == [1, 2, 3, 4]
            assert [event.value for event in scalars] == pytest.approx([row[name] for row in rows])
            end = result.timestamps["finished"]
            assert [event.wall_time for event in scalars] == [end - 9, end - 7, end - 4, end]
        (final,) = events.Scalars("table/test_error")
        assert final.value == pytest.approx(result.info["test_error"])
        assert (final.step, final.wall_time) == (4, result.timestamps["finished"])


def test_hyperparameters_stand_beside_the_final_errors(folder: Path, told: OpenedStudy) -> None:
    for trial, result in told.trials:
        events = read(folder, trial)
        metadata = events.SummaryMetadata(SESSION_START_INFO_TAG)
        info = parse_session_start_info_plugin_data(metadata.plugin_data.content)
        shown = {name: value.number_value for name, value in info.hparams.items()}
        assert shown == trial.config | {"budget": trial.budget}
        has_errors = "table/test_error" in events.Tags()["scalars"]
        assert has_errors == (result is not None and not result.crashed)


def test_the_page_hparams_says_what_crashed(folder: Path, told: OpenedStudy) -> None:
    """By the page's own code: each session's status."""
    multiplexer = plugin_event_multiplexer.EventMultiplexer()
    multiplexer.AddRunsFromDirectory(str(folder)).Reload()
    provider = MultiplexerDataProvider(multiplexer, str(folder))
    context = Context(TBContext(logdir=str(folder), data_provider=provider))
    request = api_pb2.ListSessionGroupsRequest(
        allowed_statuses=list(api_pb2.Status.values()), start_index=0, slice_size=1000
    )
    answer = list_session_groups.Handler(RequestContext(), context, "", request).run()
    statuses = {
        session.name: api_pb2.Status.Name(session.status)
        for group in answer.session_groups
        for session in group.sessions
    }
    assert statuses == {
        trial.key: "STATUS_UNKNOWN"
        if result is None
        else "STATUS_FAILURE"
        if result.crashed
        else "STATUS_SUCCESS"
        for trial, result in told.trials
    }


def test_what_a_warm_started_study_began_with_has_its_hyperparameters(tmp_path: Path) -> None:
    write(exported_study(warm_started(tmp_path / "study")), tmp_path / "out")
    runs = EventMultiplexer().AddRunsFromDirectory(str(tmp_path / "out")).Reload().Runs()
    assert runs.keys() == {"baseline/4", "prior-0/1", "prior-1/1", "prior-1/4", "prior-2/2"}
    events = EventAccumulator(str(tmp_path / "out" / "prior-1" / "4"))
    events.Reload()
    (loss,) = events.Scalars("table/valid_error")
    assert loss.value == 0.25


def test_a_running_trial_shows_the_epochs_that_it_has(
    folder: Path, told: OpenedStudy, view: StudyView
) -> None:
    trial = view.pending[0]
    scalars = read(folder, trial).Scalars("one_shot/valid_error")
    assert len(scalars) == trial.budget
    assert scalars[0].wall_time == pytest.approx(view.record(trial).submitted_at + 1, abs=1e-3)
