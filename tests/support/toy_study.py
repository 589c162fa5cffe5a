"""A small study with a deterministic objective; as a script: runs or resumes it in a folder."""

import json
import os
import signal
import sys
import threading
import time
import zlib
from pathlib import Path
from typing import Any

from ConfigSpace import (
    CategoricalHyperparameter,
    ConfigurationSpace,
    EqualsCondition,
    Float,
    OrdinalHyperparameter,
)

from oneshot_hpo import hpo
from oneshot_hpo.hpo.journal.file import read_journal

JOURNALS = Path(__file__).parents[1] / "hpo" / "journals"
"""`format-N.jsonl`: written by this module when N was the format, killed after 30 results of 40,
with crashes, retries and two pending trials (3: and a note; 4: and a crash that was run again; 6:
and a stop rule that was reached, between two extensions). They must not change."""


def mixed_space() -> ConfigurationSpace:
    space = ConfigurationSpace(name="mixed")
    momentum = Float("momentum", (0.0, 1.0), default=0.9)
    optimizer = CategoricalHyperparameter("optimizer", ["sgd", "adam", "lamb"])
    space.add(
        Float("rate", (1e-4, 1.0), default=0.1, log=True),
        optimizer,
        OrdinalHyperparameter("width", [8, 16, 32, 64]),
        momentum,
    )
    space.add(EqualsCondition(momentum, optimizer, "sgd"))
    return space


def toy_settings(**changes: Any) -> hpo.OptimizerSettings:
    values: dict[str, Any] = {
        "min_budget": 1,
        "max_budget": 4,
        "eta": 2,
        "iterations": 8,
        "seed": 3,
        "random_fraction": 0.1,
    }
    return hpo.OptimizerSettings(**{**values, **changes})


def toy_result(trial: hpo.Trial) -> hpo.TrialResult:
    """Depends on the trial alone; about one in eight crashes, and some losses tie."""
    digest = zlib.crc32(json.dumps([trial.config, trial.budget, trial.seed]).encode())
    if digest % 16 == 0:
        return hpo.TrialResult(None, exception="ArithmeticError: diverged")
    if digest % 16 == 1:
        return hpo.TrialResult(float("nan"))
    return hpo.TrialResult(digest % 50 / 50, {"test_error": digest / 2**32, "cell": [1, 2]})


def create(folder: Path, **changes: Any) -> hpo.Study:
    return hpo.Study.create(
        folder, header={"name": "toy"}, space=mixed_space(), settings=toy_settings(**changes)
    )


def drive(study: hpo.Study, workers: int = 1) -> None:
    """Run a study to its end; of `workers` trials in flight the oldest finishes first.

    Like the real loop, it starts with the trials that were pending when the study was opened.
    """
    running = study.pending
    while True:
        while len(running) < workers and (trial := study.ask()) is not None:
            running.append(trial)
        if not running:
            return
        trial = running.pop(0)
        study.tell(trial, toy_result(trial))


def decisions(folder: Path) -> list[dict[str, Any]]:
    """The journal's events without their times."""
    events, _ = read_journal(folder / "journal.jsonl")
    return [{k: v for k, v in e.items() if k not in ("time", "timestamps")} for e in events]


def killed_after(seconds: float) -> None:
    """Kill this process after some seconds of processor time, whatever it does then.

    With processor time, a busy machine does not change how far it gets. The system's timers count
    ticks, between which a process that waits for its disk may do all its work.
    """
    end = time.process_time() + seconds

    def kill() -> None:
        while time.process_time() < end:
            time.sleep(0.0005)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=kill, daemon=True).start()


if __name__ == "__main__":
    target = Path(sys.argv[1])
    with hpo.Study.open(target) if target.exists() else create(target, iterations=80) as toy:
        if len(sys.argv) > 2:
            killed_after(float(sys.argv[2]))
        begun = time.process_time()
        drive(toy, workers=1)
        print(time.process_time() - begun)
