"""Real studies and confirmations with simulated searches, on the embedded table of cells."""

from __future__ import annotations

import dataclasses
import functools
import heapq
import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from oneshot_hpo.experiments.objectives.objective import Found, objective_of
from oneshot_hpo.experiments.objectives.section import MEAN, TRAIN, Section
from oneshot_hpo.experiments.study.completion import complete, freeze
from oneshot_hpo.experiments.study.folder import create_study
from oneshot_hpo.experiments.study.validation import load_study
from oneshot_hpo.hpo import BASELINE_ID, Rerun, Study, Trial, TrialResult
from oneshot_hpo.hpo.journal.file import read_journal
from oneshot_hpo.hpo.journal.line import sealed
from oneshot_hpo.search_spaces import Architecture, get_space, load_table
from oneshot_hpo.searchers.checkpoint import write_metrics
from oneshot_hpo.searchers.records import EpochRecord

SECONDS = 10.0
"""Duration of every epoch."""


def architecture_of(run: Trial | Rerun, epoch: int) -> Architecture:
    """The architecture after an epoch: the best of more and more draws by the run's seed."""
    return _best_drawn(run.seed, epoch + 1)


@functools.cache
def _best_drawn(seed: int, draws: int) -> Architecture:
    table, space, rng = load_table("digits"), get_space(1), np.random.default_rng(seed)
    drawn = [space.sample(rng) for _ in range(draws)]
    return min(drawn, key=lambda one: table.query(space.cell(one)).valid_error)


def one_shot_error(run: Trial | Rerun, epoch: int) -> float:
    """Falls with the epochs, the faster the nearer the learning rate is to 0.1."""
    distance = abs(math.log10(run.config.get("learning_rate", 0.025)) + 1)
    noise = np.random.default_rng((run.seed, epoch)).uniform(0.9, 1.1)
    return float(0.9 * noise / (1 + epoch / (1 + distance)))


def crashes(run: Trial | Rerun) -> bool:
    """At learning rates above 0.6, after the first epoch."""
    return bool(run.config.get("learning_rate", 0.025) > 0.6)


def write_search(folder: Path, run: Trial | Rerun, crashed: bool) -> None:
    """Write the files of a search."""
    epochs = 1 if crashed else int(run.budget)
    records = [
        EpochRecord(
            epoch=n,
            architecture=architecture_of(run, n),
            train_loss=1.0 / n,
            train_error=0.5 / n,
            valid_loss=1.0 / n,
            valid_error=one_shot_error(run, n),
            learning_rate=0.01,
            time=SECONDS,
        )
        for n in range(1, epochs + 1)
    ]
    (folder / "trials" / run.key).mkdir(parents=True, exist_ok=True)
    write_metrics(folder / "trials" / run.key, [record.to_dict(get_space(1)) for record in records])


def result_of(
    run: Trial | Rerun,
    started: float,
    crashed: bool,
    objective: Section = MEAN,
    table: str | None = "digits",
) -> TrialResult:
    """The result of a search that began at `started`.

    table: None for errors of a training from scratch, which are the table's here.
    """
    epochs = 1 if crashed else int(run.budget)
    times = {
        "started": started,
        "finished": started + SECONDS * epochs,
        "search_seconds": SECONDS * epochs,
    }
    if crashed:
        reason = "SearchDiverged: the search diverged in epoch 2: loss is nan"
        return TrialResult(None, {"state": "CRASHED"}, reason, times)
    found = Found(
        space=get_space(1),
        architecture=architecture_of(run, epochs),
        table="digits",
        dataset="digits",
    )
    if table is None:
        outcome = dataclasses.replace(
            found.known(), regret=None, valid_regret=None, percentile=None, objective=TRAIN
        )
        times["objective_seconds"] = 2.0
    else:
        outcome = objective_of(objective).evaluate(found, run.seed, lambda: False)
    outcome = dataclasses.replace(outcome, one_shot=one_shot_error(run, epochs))
    return TrialResult(outcome.loss, outcome.to_info(), None, times)


def new_study(folder: Path, *settings: str) -> Study:
    """The quickstart, with settings, in a new folder."""
    spec = freeze(complete(load_study("quickstart", settings), "made"))
    return create_study(folder, spec)


def run_study(
    folder: Path,
    *settings: str,
    workers: int = 2,
    evaluations: int | None = None,
    crashing: bool = True,
    all_crash: bool = False,
    begins: float | None = None,
) -> Path:
    """Run a study on simulated workers from time `begins` on; unfinished trials stay pending."""
    clock = time.time() - 1e6 if begins is None else begins
    running: list[tuple[float, int, float, Trial, bool]] = []
    finished = 0

    with new_study(folder, *settings) as study:
        while evaluations is None or finished < evaluations:
            while len(running) < workers and (trial := study.ask()) is not None:
                crashed = all_crash or (crashing and crashes(trial))
                write_search(folder, trial, crashed)
                ends = clock + SECONDS * (1 if crashed else trial.budget)
                heapq.heappush(running, (ends, trial.seq, clock, trial, crashed))
            if not running:
                break

            clock, _, started, trial, crashed = heapq.heappop(running)
            study.tell(trial, result_of(trial, started, crashed, *_measured_by(study.header)))
            finished += 1

    _set_clock(folder / "journal.jsonl")
    return folder


def _measured_by(header: dict[str, Any]) -> tuple[Section, str | None]:
    """The objective and the table of a study."""
    return header["specification"]["objective"], header["specification"]["table"]


def _set_clock(journal: Path) -> None:
    """Set the times of the journal's events to the simulated times of the workers."""
    events, _ = read_journal(journal)
    tells = [event["timestamps"] for event in events if event["event"] == "tell"]
    now = min((times["started"] for times in tells), default=events[0]["time"])
    for event in events:
        now = max(now, event.get("timestamps", {}).get("finished", now))
        event["time"] = now
    journal.write_bytes(b"".join(map(sealed, events)))


def confirm(
    folder: Path, seeds: int, crashing: Sequence[int] = (), looks: Sequence[int] = ()
) -> None:
    """Confirm a study's incumbent and default; both crash with the seeds of these numbers.

    looks: of a rule that ends it, the first one with `seeds`.
    """
    from oneshot_hpo.experiments.confirm.until_decided import DecidingConfirmation
    from oneshot_hpo.experiments.study.folder import specification_of
    from oneshot_hpo.hpo import read_study

    view = read_study(folder)
    spec = specification_of(view.header, folder)
    assert view.incumbent is not None
    assert view.baseline is not None
    tuned = view.incumbent[0]
    assert tuned.id != BASELINE_ID, "choose another seed: the default stayed the best"
    name = tuned.key.split("/")[0]
    with DecidingConfirmation.create(
        folder / "confirm", header=view.header, seed=spec.seed, budget=spec.max_budget
    ) as confirmation:
        if looks:
            confirmation.set_rule(name, spending="obrien-fleming", alpha=0.05, looks=looks)
        confirmation.plan("default", view.baseline[0].config, seeds)
        confirmation.plan(name, tuned.config, seeds, tuned=True)
        while (run := confirmation.ask()) is not None:
            crashed = run.number in crashing
            write_search(folder / "confirm", run, crashed)
            result = result_of(run, time.time(), crashed, spec.objective, spec.table)
            confirmation.tell(run, result)
