"""Sends a study to MLflow: a run for the study, and in it a run for each of its trials.

Runs are found again by tags, so that each time only what is new is sent: epochs since the last
time, results, the state of what ran. What was sent twice after a failure is there once, since equal
values have equal times. Nothing is ever removed.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oneshot_hpo.experiments.errors import StudyStopped, UserError, one_line
from oneshot_hpo.experiments.exports.evaluations import epochs_of, name, prior_trials, times_of
from oneshot_hpo.experiments.exports.scalars import epoch_scalars, final_scalars
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.experiments.study.outcome import Outcome
from oneshot_hpo.hpo import BASELINE_ID, Trial, TrialResult

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Metric

STUDY, TRIAL, SENT = "oneshot_hpo.study", "oneshot_hpo.trial", "oneshot_hpo.sent"
"""Tags: the study's identity, the key of a trial ("" for the study itself), and what was sent."""
ADDRESS = "MLFLOW_TRACKING_URI"
"""MLflow's own variable for the address of its tracking server or database."""
DATABASE = Path("exports") / "mlflow" / "mlflow.db"
"""In a study's folder: where runs are sent if no address is given."""

_QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",  # MLflow would report its use to its makers
    "GIT_PYTHON_REFRESH": "quiet",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
}
"""Variables of MLflow that hold unless the user has set them."""
_MOST_METRICS, _MOST_OTHERS, _LONGEST = 1000, 100, 500
"""Of a request, and of a parameter's value, as MLflow allows them."""
_EPOCH_SECONDS = "epoch/seconds"
"""The last number of each epoch that is sent: it says that the epoch's others were."""
_STATUS = {
    "finished": "FINISHED",
    **dict.fromkeys(("running", "waiting"), "RUNNING"),
    **dict.fromkeys(("stopped", "interrupted"), "KILLED"),
    "crashed": "FAILED",
}
"""By the state of a study or a trial."""
_PASSWORD = re.compile(r"(?<=://)[^/@]*@")


class TrackerAway(StudyStopped):
    """MLflow does not answer, or refuses what it is sent; what was sent before stays there."""


class MlflowRuns:
    """A study's runs at one address of MLflow.

    address: of a tracking server or a database, as MLflow reads it; None: ADDRESS, else DATABASE in
    the study's folder.

    UserError: something else is in the database's place. TrackerAway: MLflow does not answer.
    """

    def __init__(self, folder: Path, address: str | None = None) -> None:
        self.address = address or os.environ.get(ADDRESS) or _own_database(folder)
        self._runs: dict[str, str] = {}
        """Ids of runs by trial's key, of the study by ""."""
        self._sent: dict[str, str] = {}
        """What was sent of each, likewise."""
        self._is_known = False
        with self._answering():
            self._client = _client(self.address)

    @property
    def shown_address(self) -> str:
        """The address without the name and password that it may have."""
        return _PASSWORD.sub("", self.address)

    def bring_up_to_date(self, study: OpenedStudy) -> None:
        """Send what is new. TrackerAway: MLflow does not answer, or refuses it."""
        if not study.trials:
            return
        with self._answering():
            experiment = self._experiment(study)
            if not self._is_known:
                self._find(study, experiment)
            parent = self._run(study, experiment, "", _study_tags(study), study.times.created)
            for trial, result in [*prior_trials(study), *study.trials]:
                self._send_trial(study, experiment, parent, trial, result)
            self._send_study(study, parent)

    def _experiment(self, study: OpenedStudy) -> str:
        """The experiment with the study's name; studies of one name share it."""
        found = self._client.get_experiment_by_name(study.name)
        if found is None:
            own = (study.folder / DATABASE).resolve().parent / "artifacts"
            place = own.as_uri() if self.address.startswith("sqlite:") else None
            return str(self._client.create_experiment(study.name, artifact_location=place))
        if found.lifecycle_stage != "active":
            raise UserError(
                f"the experiment {study.name} of {self.shown_address} was deleted: restore it, "
                f"with mlflow experiments restore --experiment-id {found.experiment_id}"
            )
        return str(found.experiment_id)

    def _find(self, study: OpenedStudy, experiment: str) -> None:
        """Find the runs that were made before."""
        wanted, token = f"tags.`{STUDY}` = '{study.identity}'", None
        while True:
            page = self._client.search_runs([experiment], wanted, page_token=token)
            for run in page:
                tags = run.data.tags
                self._runs[tags[TRIAL]] = run.info.run_id
                self._sent[tags[TRIAL]] = tags.get(SENT, "")
            token = page.token
            if not token:
                break
        self._is_known = True

    def _run(
        self, study: OpenedStudy, experiment: str, key: str, tags: dict[str, str], begun: float
    ) -> str:
        """The run of a trial, or of the study; made if it is not there."""
        if key not in self._runs:
            own = {STUDY: study.identity, TRIAL: key}
            run = self._client.create_run(experiment, _milliseconds(begun), tags=tags | own)
            self._runs[key] = run.info.run_id
        return self._runs[key]

    def _send_trial(
        self,
        study: OpenedStudy,
        experiment: str,
        parent: str,
        trial: Trial,
        result: TrialResult | None,
    ) -> None:
        key = f"{name(trial)}/{trial.budget}"
        times = times_of(study, trial, result)
        state = study.trial_state(result)
        all_sent = f"{state} {trial.attempt} {times.get('finished')}"
        if result is not None and self._sent.get(key) == all_sent:
            return
        tags = _trial_tags(study, trial, result) | {"mlflow.parentRunId": parent}
        run = self._run(study, experiment, key, tags, times["submitted"])

        metrics = self._new_epochs(study, trial, run, times["submitted"])
        if result is not None:
            last = max(1, round(trial.budget))
            end = _milliseconds(times["finished"])
            numbers = final_scalars(Outcome.from_result(result))
            if result.loss is not None:
                numbers["loss"] = result.loss
            metrics += [_metric(tag, value, end, last) for tag, value in numbers.items()]
        parameters = {"budget": trial.budget} | trial.config
        self._log(run, metrics, parameters, tags)
        self._set_status(run, state, times.get("finished"))
        self._set_sent(key, all_sent)

    def _new_epochs(self, study: OpenedStudy, trial: Trial, run: str, begun: float) -> list[Metric]:
        """The numbers of the epochs that MLflow does not have; records have no times of day."""
        records = epochs_of(study, trial)
        if not records:
            return []
        history = self._client.get_metric_history(run, _EPOCH_SECONDS)
        known = max((metric.step for metric in history), default=0)
        metrics, time = [], begun
        for record in records:
            time += record["time"]
            if record["epoch"] > known:
                numbers = epoch_scalars(record) | {_EPOCH_SECONDS: record["time"]}
                now = _milliseconds(time)
                metrics += [_metric(tag, x, now, record["epoch"]) for tag, x in numbers.items()]
        return metrics

    def _send_study(self, study: OpenedStudy, run: str) -> None:
        """The study's own numbers: its incumbent's loss, by the number of evaluations."""
        evaluations = study.view.evaluations
        all_sent = f"{study.state} {len(evaluations)}"
        before = self._sent.get("", "")
        if before == all_sent:
            return
        known = int(before.split(" ")[1]) if before else 0
        metrics = [
            _metric("incumbent/loss", loss, _milliseconds(time), number)
            for number, loss, time in _incumbents(study)
            if number > known
        ]
        self._log(run, metrics, _specification(study), _study_tags(study))
        last = study.view.times.latest if study.state == "finished" else None
        self._set_status(run, study.state, last)
        self._set_sent("", all_sent)

    def _log(
        self,
        run: str,
        metrics: Sequence[Metric],
        parameters: dict[str, Any],
        tags: dict[str, str],
    ) -> None:
        from mlflow.entities import Param, RunTag

        for part in _parts(metrics, _MOST_METRICS):
            self._client.log_batch(run, metrics=part)
        texts = [Param(_key(key), str(value)[:_LONGEST]) for key, value in parameters.items()]
        for part in _parts(texts, _MOST_OTHERS):
            self._client.log_batch(run, params=part)
        self._client.log_batch(run, tags=[RunTag(key, value) for key, value in tags.items()])

    def _set_status(self, run: str, state: str, ended: float | None) -> None:
        status = _STATUS[state]
        if status == "RUNNING" or ended is None:
            self._client.update_run(run, status=status)
        else:
            self._client.set_terminated(run, status, _milliseconds(ended))

    def _set_sent(self, key: str, words: str) -> None:
        self._client.set_tag(self._runs[key], SENT, words)
        self._sent[key] = words

    @contextmanager
    def _answering(self) -> Iterator[None]:
        from mlflow.exceptions import MlflowException
        from sqlalchemy.exc import SQLAlchemyError

        try:
            yield
        except (MlflowException, SQLAlchemyError, OSError) as error:
            self._is_known = False  # what was sent is looked up again
            self._runs.clear()
            self._sent.clear()
            reason = _PASSWORD.sub("", one_line(error))[:300]
            raise TrackerAway(
                f"MLflow at {self.shown_address} does not take it: {reason}"
            ) from None


def _client(address: str) -> MlflowClient:
    for variable, value in _QUIET.items():
        os.environ.setdefault(variable, value)
    logging.getLogger("alembic").setLevel(logging.WARNING)

    import mlflow
    from mlflow import MlflowClient

    logging.getLogger(mlflow.__name__).setLevel(logging.WARNING)
    return MlflowClient(tracking_uri=address)


def _own_database(folder: Path) -> str:
    """The address of the study's own database. UserError: a link is in its place."""
    database = folder.resolve() / DATABASE
    for path in (database.parent, database):
        if path.is_symlink():
            raise UserError(f"{path} is a link: remove it, or give another address with --tracking")
    try:
        database.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{database} cannot be written: {error.strerror or error}") from None
    return f"sqlite:///{database}"


def _trial_tags(study: OpenedStudy, trial: Trial, result: TrialResult | None) -> dict[str, str]:
    outcome = Outcome.from_result(result)
    bracket, rung = _place(study, trial)
    tags = {
        "mlflow.runName": f"{name(trial)}, {trial.budget:g} epochs",
        "bracket": bracket,
        "rung": rung,
        "seed": str(trial.seed),
        "attempts": str(trial.attempt + 1),
        "ending": study.trial_state(result),
    }
    if outcome.key is not None:
        tags["cell"] = outcome.key
    if result is not None and result.crashed:
        tags["exception"] = str(result.exception)
    return tags


def _place(study: OpenedStudy, trial: Trial) -> tuple[str, str]:
    """Bracket and rung of a trial, from 0; "none" for the default and for prior results."""
    number = study.view.bracket_of(trial) if trial.id[0] >= 0 or trial.id == BASELINE_ID else -1
    if number < 0:
        return "none", "none"
    budgets = [rung.budget for rung in study.view.brackets[number].rungs]
    return str(number), str(budgets.index(trial.budget)) if trial.budget in budgets else "none"


def _study_tags(study: OpenedStudy) -> dict[str, str]:
    return {"mlflow.runName": study.name, "state": study.state, "folder": str(study.folder)}


def _specification(study: OpenedStudy) -> dict[str, Any]:
    """The study file's keys with dots, of its sections too."""
    flat: dict[str, Any] = {}
    for key, value in study.view.header.get("specification", {}).items():
        if isinstance(value, dict):
            flat |= {f"{key}.{own}": one for own, one in value.items()}
        elif value is not None:
            flat[key] = value
    return flat


def _incumbents(study: OpenedStudy) -> Iterator[tuple[int, float, float]]:
    """The number of evaluations, the incumbent's loss after them, and when the last one ended."""
    best: dict[float, float] = {}
    for number, (trial, result) in enumerate(study.view.evaluations, 1):
        if result.loss is not None:
            best[trial.budget] = min(result.loss, best.get(trial.budget, result.loss))
        if best:
            yield number, best[max(best)], study.trial_times(trial, result)["finished"]


def _metric(tag: str, value: float, time: int, step: int) -> Metric:
    from mlflow.entities import Metric

    return Metric(_key(tag), float(value), time, step)


def _key(text: str) -> str:
    """A name with the characters that MLflow allows."""
    return re.sub(r"[^\w./ -]", "_", text)


def _milliseconds(seconds: float) -> int:
    return round(1000 * seconds)


def _parts(values: Sequence[Any], most: int) -> Iterator[Sequence[Any]]:
    for start in range(0, len(values), most):
        yield values[start : start + most]
