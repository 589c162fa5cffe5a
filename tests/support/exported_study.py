"""A study with simulated results of every kind that exports handle, and its trials' epochs."""

import time
import zlib
from collections.abc import Sequence
from pathlib import Path

from oneshot_hpo.hpo import (
    BASELINE_ID,
    Observation,
    OptimizerSettings,
    Study,
    Trial,
    TrialResult,
    configuration_space,
)
from oneshot_hpo.search_spaces import get_space
from oneshot_hpo.searchers.checkpoint import write_metrics
from oneshot_hpo.searchers.records import EpochRecord

ARCHITECTURE = {
    "parents": [[0], [0, 1], [0, 2], [1, 2], [1, 4]],
    "operations": ["conv3x3-bn-relu", "maxpool3x3", "conv3x3-bn-relu", "conv1x1-bn-relu"],
}


def new_study(folder: Path, prior: Sequence[Observation] = (), **changes: int) -> Study:
    settings = {"min_budget": 1, "max_budget": 4, "eta": 2, "iterations": 12, "seed": 1} | changes
    return Study.create(
        folder,
        header={"specification": {"name": "told", "space": 1}},
        space=configuration_space("cs2", image_size=8),
        settings=OptimizerSettings(**settings),
        prior=prior,
    )


def warm_started(folder: Path) -> Path:
    """A study with one result and four prior observations, two of one configuration."""
    default = dict(configuration_space("cs2", image_size=8).get_default_configuration())
    other, third = (default | {"cutout_prob": share} for share in (0.5, 0.75))
    prior = [
        Observation(default, 1, 0.5),
        Observation(other, 1, 0.75),
        Observation(third, 2, None),
        Observation(other, 4, 0.25),
    ]
    with new_study(folder, prior) as study:
        trial = study.ask()
        assert trial is not None
        study.tell(trial, TrialResult(0.375, {"state": "SUCCESS", "valid_error": 0.375}))
    return folder


def write_epochs(study: Path, trial: Trial, epochs: int) -> None:
    """Write the files of a search of this many epochs; epoch n takes n seconds."""
    folder = study / "trials" / trial.key
    folder.mkdir(parents=True)
    found = get_space(1).from_document(ARCHITECTURE)
    records = [
        EpochRecord(n, found, 2.0 / n, 0.9 / n, 2.5 / n, 0.8 / n, 0.025, float(n))
        for n in range(1, epochs + 1)
    ]
    write_metrics(folder, [record.to_dict(get_space(1)) for record in records])


def result_of(trial: Trial, clock: float) -> TrialResult:
    """One in nine diverges, one in nine loses its worker too often; other losses are unique."""
    digest = zlib.crc32(f"{trial.key} {trial.seed}".encode())
    if digest % 9 == 0:  # its worker died before it reported times
        return TrialResult(None, {"state": "CRASHED"}, "given up after 3 attempts: worker lost")
    times = {"submitted": clock - 20, "started": clock - 15, "finished": clock}
    if digest % 9 == 1:
        return TrialResult(None, {"state": "CRASHED"}, 'SearchDiverged: "nan",\nepoch 1', times)
    loss = 0.99 if trial.id == BASELINE_ID else digest / 2**32
    info = {"state": "SUCCESS", "valid_error": loss, "test_error": loss / 2, "test_regret": 0.1}
    seconds = {"search_seconds": 10.0 * trial.budget}
    return TrialResult(loss, info | {"percentile": 90.0}, None, times | seconds)


def run_for_a_while(folder: Path) -> None:
    """Make a study in `folder` with 34 results and 3 running trials."""
    clock = time.time()
    with new_study(folder) as study:
        running: list[Trial] = []
        while len(study.evaluations) < 34:
            while len(running) < 4:
                trial = study.ask()
                assert trial is not None
                write_epochs(folder, trial, int(trial.budget))
                running.append(trial)
            clock += 10
            trial = running.pop(len(study.evaluations) % 3)
            study.tell(trial, result_of(trial, clock))
