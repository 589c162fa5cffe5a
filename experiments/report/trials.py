"""The table of all trials."""

from __future__ import annotations

from oneshot_hpo.experiments.pages.table import Cell, Column, Row, Table
from oneshot_hpo.experiments.pages.values import NOTHING, count, moment, setting, share
from oneshot_hpo.experiments.report.naming import anchor, name
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.experiments.study.outcome import Outcome, loss_text
from oneshot_hpo.hpo import BASELINE_ID, Trial, TrialResult

TRIALS = "trials-table"
"""The table's anchor in the page."""

_BEFORE = (
    Column("configuration", hint="bracket, rung of its first run, number there"),
    Column("epochs", numeric=True, choices=True, hint="its budget"),
    Column("state", choices=True),
)
_RESULTS = {
    "valid": Column(
        "validation", numeric=True, hint="validation error of the cell found, in percent"
    ),
    "test": Column("test", numeric=True, hint="test error of the cell found, in percent"),
    "regret": Column(
        "regret", numeric=True, hint="test error above the best of the space, in points"
    ),
    "percentile": Column(
        "percentile", numeric=True, hint="share of cells with a higher test error, in percent"
    ),
    "one_shot": Column(
        "one-shot",
        numeric=True,
        hint="validation error in the supernet, of the cell found or of the mixture, in percent",
    ),
}
"""By field of an outcome; left out if there are results, and none has it."""
_LOSS = Column("loss", numeric=True, hint="what was minimised")
_OBJECTIVE_SECONDS = Column(
    "objective s", numeric=True, hint="seconds of the objective's own trainings, beside the search"
)
_COSTS = {
    "parameters": Column("parameters", numeric=True, hint="of the cell's own network"),
    "macs": Column("MACs", numeric=True, hint="multiply-accumulates of that network for an image"),
    "training_seconds": Column(
        "training s", numeric=True, hint="seconds to train it, in the table"
    ),
    "peak_memory": Column("GPU MiB", numeric=True, hint="most memory that the search used"),
}
"""Columns that are shown if a trial has such a value, by the field of its `Outcome`."""
_UNDECIDED = Column("undecided", choices=True, hint="its choices ended within noise of uniform")
_AFTER = (
    Column("proposed by", choices=True),
    Column("bracket", numeric=True, choices=True),
    Column("search s", numeric=True, hint="seconds of search of one worker"),
    Column("comparing s", numeric=True, hint="of these, seconds in which cells were compared"),
    Column("finished", hint="when its result was recorded"),
    Column("attempts", numeric=True),
    Column("seed"),
)


def table(study: OpenedStudy) -> Table:
    """Every trial in the order of ask; errors in percent, regrets in percentage points."""
    hyperparameters = list(study.view.space)
    numeric = {
        name: all(
            setting(trial.config, name).value is not None
            for trial, _ in study.trials
            if name in trial.config
        )
        for name in hyperparameters
    }
    columns = [Column(name, numeric=numeric[name]) for name in hyperparameters]
    outcomes = [Outcome.from_result(result) for _, result in study.trials]
    costs = [field for field in _COSTS if any(getattr(one, field) for one in outcomes)]
    more = [_COSTS[field] for field in costs]
    if study.undecided is not None:
        more.append(_UNDECIDED)
    results = _results(study)
    return Table(
        name=TRIALS,
        caption="All trials of the study, errors in percent",
        columns=[*_BEFORE, *results.values(), *more, *columns, *_AFTER],
        rows=[_row(study, list(results), hyperparameters, costs, *pair) for pair in study.trials],
        filtered=True,
    )


def _results(study: OpenedStudy) -> dict[str, Column]:
    """The columns of results, by field of an outcome or name of a cost."""
    columns = {"loss": _LOSS} if any(one.has_own_loss for one in study.outcomes) else {}
    columns |= {name: column for name, column in _RESULTS.items() if not study.lacks(name)}
    columns |= {name: Column(label, numeric=True) for name, label in study.costs.items()}
    if "objective_seconds" in study.known:
        columns["objective_seconds"] = _OBJECTIVE_SECONDS
    return columns


def _result(outcome: Outcome, name: str) -> Cell:
    if name == "loss":
        text = "" if outcome.loss is None else loss_text(outcome.loss, outcome.objective)
        return Cell(text, outcome.loss) if text else NOTHING
    if name == "percentile":
        return share(None if outcome.percentile is None else outcome.percentile / 100)
    if name in _RESULTS:
        return share(getattr(outcome, name))
    if name == "objective_seconds":
        return _seconds(outcome.objective_seconds)
    value = outcome.costs.get(name)
    return NOTHING if value is None else Cell(f"{value:.4g}", value)


def _row(
    study: OpenedStudy,
    results: list[str],
    hyperparameters: list[str],
    costs: list[str],
    trial: Trial,
    result: TrialResult | None,
) -> Row:
    outcome = Outcome.from_result(result)
    record = study.view.record(trial)
    state = study.trial_state(result)
    bracket = study.view.bracket_of(trial)
    mark, link = {
        "crashed": ("bad", f"crash-{trial.key.replace('/', '-')}"),
        "finished": (None, None),
    }.get(state, ("quiet", None))

    cells = [
        Cell(name(trial)),
        count(trial.budget),
        Cell(state, mark=mark, link=link),
        *(_result(outcome, name) for name in results),
        *(_cost(outcome, field) for field in costs),
        *([Cell("yes" if outcome.undecided else "")] if study.undecided is not None else []),
        *(setting(trial.config, hyperparameter) for hyperparameter in hyperparameters),
        Cell(_proposer(trial, record.info)),
        NOTHING if bracket < 0 else count(bracket + 1),
        _seconds(outcome.seconds),
        _seconds(outcome.compare_seconds),
        NOTHING if record.finished_at is None else Cell(moment(record.finished_at)),
        count(trial.attempt + 1),
        Cell(str(trial.seed)),
    ]
    return Row(cells, anchor=anchor(trial))


def _proposer(trial: Trial, info: dict[str, object]) -> str:
    if trial.id == BASELINE_ID:
        return "default"
    if info.get("added"):
        return "user"
    return "model" if info.get("model_based_pick") else "random"


def _seconds(seconds: float | None) -> Cell:
    return NOTHING if seconds is None else Cell(f"{seconds:.1f}", seconds)


def _cost(outcome: Outcome, field: str) -> Cell:
    value: float | None = getattr(outcome, field)
    if value is None:
        return NOTHING
    if field == "peak_memory":
        value /= 2**20
    return Cell(f"{value:,.0f}" if value >= 100 else f"{value:.1f}", value)
