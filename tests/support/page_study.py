"""Studies of real configurations and cells with simulated searches, for tests of the page."""

from __future__ import annotations

import dataclasses
import functools
import math
import zlib
from pathlib import Path

import numpy as np

from oneshot_hpo.experiments.objectives.table_outcome import table_outcome
from oneshot_hpo.experiments.study.completion import complete, freeze
from oneshot_hpo.experiments.study.folder import create_study
from oneshot_hpo.experiments.study.losses import LOST_LOG
from oneshot_hpo.experiments.study.validation import load_study
from oneshot_hpo.hpo import Confirmation, Rerun, Study, Trial, TrialResult
from oneshot_hpo.search_spaces import Architecture, get_space, load_table
from oneshot_hpo.searchers.checkpoint import write_metrics
from oneshot_hpo.searchers.records import EpochRecord

DIGITS = ("table=digits", "max_budget=4", "iterations=8", "workers=2")
"""Settings of a study of 40 evaluations with three budgets."""
HOSTILE = "SearchDiverged: <script>document.title = 'run'</script> & loss is nan"
"""A reason that a page must not run."""


def make_study(folder: Path, study_file: Path, *overrides: str) -> Study:
    """A new study in `folder`, without trials."""
    return create_study(folder, freeze(complete(load_study(str(study_file), overrides), "made")))


@functools.cache
def _ranked(table: str) -> list[Architecture]:
    """Some architectures of space 1, the best first."""
    space, rng = get_space(1), np.random.default_rng(0)
    cells = load_table(table)
    some = [space.sample(rng) for _ in range(100)]
    return sorted(some, key=lambda one: cells.query(space.cell(one)).valid_error)


def architecture_of(run: Trial | Rerun, table: str) -> Architecture:
    """Worse the further its learning rate is from 0.1, with noise."""
    ranked = _ranked(table)
    distance = abs(math.log10(run.config.get("learning_rate", 0.025)) + 1) / 2
    chance = zlib.crc32(f"{run.key} {run.seed}".encode()) / 2**32
    return ranked[int((0.8 * distance + 0.2 * chance) * (len(ranked) - 1))]


def result_of(folder: Path, run: Trial | Rerun, table: str) -> TrialResult:
    """The result of a search with 2 seconds per epoch; writes its epochs to the folder."""
    found = architecture_of(run, table)
    outcome = table_outcome(table, get_space(1), found)
    epochs = int(run.budget)
    trial_folder = folder / "trials" / run.key
    trial_folder.mkdir(parents=True)
    one_shot = 0.6 + outcome.reported("test")
    records = [
        EpochRecord(n, found, 2.0 / n, 0.9 / n, 2.5 / n, one_shot / n, 0.025, 2.0)
        for n in range(1, epochs + 1)
    ]
    write_metrics(trial_folder, [record.to_dict(get_space(1)) for record in records])
    info = dataclasses.replace(outcome, one_shot=records[-1].valid_error).to_info()
    return TrialResult(outcome.loss, info, None, {"search_seconds": 2.0 * epochs})


def tell_all(study: Study, folder: Path, table: str, crashes: set[int] = frozenset()) -> None:
    """Run a study to its end; these evaluations crash, every second one with a lost worker."""
    number = 0
    while (trial := study.ask()) is not None:
        if number in crashes:
            crash(study, folder, trial, with_loss=number % 2 == 0)
        else:
            study.tell(trial, result_of(folder, trial, table))
        number += 1


def crash(study: Study, folder: Path, trial: Trial, *, with_loss: bool) -> None:
    """Tell a crash, after a lost worker or not."""
    reason = HOSTILE
    if with_loss:
        log = folder / "trials" / trial.key / LOST_LOG
        log.parent.mkdir(parents=True)
        log.write_text("".join(f"line {n} <b>of</b> the log\n" for n in range(1, 41)))
        trial = study.retry(trial, "worker lost: killed by <signal 9>")
        reason = "given up after 2 attempts: worker lost"
    study.tell(trial, TrialResult(None, {"state": "CRASHED"}, reason))


def confirm(study: Study, folder: Path, table: str, seeds: int) -> None:
    """Confirm the incumbent against the default; the incumbent is the better one."""
    assert study.incumbent is not None
    trial, _ = study.incumbent
    place = folder / "confirm"
    with Confirmation.create(
        place, header=study.header, seed=1, budget=study.settings.max_budget
    ) as confirmation:
        default = dict(study.space.get_default_configuration())
        confirmation.plan("default", default, seeds)
        confirmation.plan(trial.key.split("/")[0], trial.config, seeds, tuned=True)
        rng = np.random.default_rng(0)
        while (run := confirmation.ask()) is not None:
            if run.number == 4 and run.setting == "default":
                confirmation.tell(run, TrialResult(None, exception="SearchDiverged: again"))
                continue
            result = result_of(place, run, table)
            shift = 0.1 if run.setting == "default" else 0.02
            regret = shift * (1 + rng.random())
            changed = result.info | {"test_regret": regret, "valid_regret": regret}
            confirmation.tell(run, TrialResult(result.loss, changed, None, result.timestamps))
