"""Exports a study as TensorBoard's event files: a run per trial, with epochs and final errors."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
from tensorboard.plugins.hparams import metadata
from tensorboard.plugins.hparams.api_pb2 import STATUS_FAILURE, STATUS_SUCCESS
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData, SessionEndInfo
from torch.utils.tensorboard import FileWriter
from torch.utils.tensorboard.summary import hparams, scalar

from oneshot_hpo.experiments.exports.evaluations import epochs_of, name, prior_trials, times_of
from oneshot_hpo.experiments.exports.scalars import epoch_scalars, final_scalars
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.experiments.study.outcome import Outcome
from oneshot_hpo.hpo import Trial, TrialResult


def write(study: OpenedStudy, folder: Path) -> None:
    """Write `folder`/<id>/<budget>/events.out.tfevents.…, for unfinished trials too."""
    for trial, result in [*prior_trials(study), *study.trials]:
        _write_trial(study, trial, result, folder / name(trial) / str(trial.budget))


def _write_trial(
    study: OpenedStudy, trial: Trial, result: TrialResult | None, folder: Path
) -> None:
    times = times_of(study, trial, result)
    started = times.get("started", times["submitted"])
    end = times.get("finished", started)
    outcome = Outcome.from_result(result)
    metrics = final_scalars(outcome)
    settings = {"budget": trial.budget} | trial.config
    if outcome.objective is not None:
        settings["objective"] = outcome.objective
    experiment, start, _ = hparams(settings, metrics)

    writer = FileWriter(str(folder))
    writer.add_summary(experiment, walltime=started)
    writer.add_summary(start, walltime=started)
    epoch = 0
    for epoch, time, values in _epochs(study, trial, started, times.get("finished")):
        for tag, value in values.items():
            writer.add_summary(scalar(tag, value), epoch, walltime=time)
    for tag, value in metrics.items():
        writer.add_summary(scalar(tag, value), epoch, walltime=end)
    if result is not None:
        writer.add_summary(_session_end(result), walltime=end)
    writer.close()


def _session_end(result: TrialResult) -> Summary:
    """A trial's final state for the page HPARAMS; PyTorch writes a success for every session."""
    status = STATUS_FAILURE if result.crashed else STATUS_SUCCESS
    content = HParamsPluginData(
        session_end_info=SessionEndInfo(status=status), version=metadata.PLUGIN_DATA_VERSION
    )
    plugin = SummaryMetadata.PluginData(
        plugin_name=metadata.PLUGIN_NAME, content=content.SerializeToString()
    )
    value = Summary.Value(
        tag=metadata.SESSION_END_INFO_TAG, metadata=SummaryMetadata(plugin_data=plugin)
    )
    return Summary(value=[value])


def _epochs(
    study: OpenedStudy, trial: Trial, started: float, finished: float | None
) -> Iterator[tuple[int, float, dict[str, float]]]:
    """Each epoch's number, the time of its end, and its values by tag.

    Records have durations but no times: epochs are placed one after the other, up to the end of a
    finished trial, otherwise from its start.
    """
    records = epochs_of(study, trial)
    took = sum(record["time"] for record in records)
    time = started if finished is None else finished - took
    for record in records:
        time += record["time"]
        yield record["epoch"], time, epoch_scalars(record)
