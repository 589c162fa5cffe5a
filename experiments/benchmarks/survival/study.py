"""A study with instant trials: the command line, journal, BOHB and Dask are the real ones."""

from __future__ import annotations

import contextlib
import itertools
import json
import sys
import time
import types
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from oneshot_hpo.experiments.errors import PACKAGE
from oneshot_hpo.experiments.study.trial import TrialTask
from oneshot_hpo.hpo import read_study
from oneshot_hpo.hpo.errors import StudyNotFound
from oneshot_hpo.hpo.journal.events import Event
from oneshot_hpo.hpo.journal.file import JOURNAL_NAME, read_journal

STUDY = """
name: toy
space: 1
searcher: darts
config_space: cs2
dataset: digits
table: digits
min_budget: 1
max_budget: 4
eta: 2
iterations: {iterations}
workers: 1
bohb: {{random_fraction: 0.2}}
cluster: {{threads: 1}}
"""


def write_study(path: Path, iterations: int) -> Path:
    """A study file: the default, and up to 7 evaluations an iteration; one worker."""
    path.write_text(STUDY.format(iterations=iterations))
    return path


def instant_trial(task: TrialTask) -> dict[str, Any]:
    """Return what `run_trial` returns, at once, from the task alone; some crash, some tie."""
    digest = zlib.crc32(json.dumps([task.config, task.budget, task.seed]).encode())
    result: dict[str, Any] = {"loss": None, "info": {"state": "CRASHED"}, "exception": "too far"}
    if digest % 12:
        error = digest % 64 / 64
        errors = {"valid_error": error, "test_error": error, "valid_regret": error}
        info = {"state": "SUCCESS", **errors, "test_regret": error / 3, "percentile": 50.0}
        result = {"loss": error, "info": info, "exception": None}
    now = time.time()
    return result | {"timestamps": {"started": now, "finished": now, "search_seconds": 0.1}}


def command(*arguments: object) -> None:
    """`oneshot-hpo ARGUMENTS` in this process, whose one worker is a thread of it."""
    import logging

    import oneshot_hpo.experiments.confirm.confirming
    import oneshot_hpo.experiments.study.launching
    import oneshot_hpo.experiments.study.loop
    from oneshot_hpo.experiments.cli import main

    logging.getLogger("distributed").setLevel(logging.ERROR)
    oneshot_hpo.experiments.study.launching.open_pool = _thread_pool  # type: ignore[assignment]
    oneshot_hpo.experiments.confirm.confirming.open_pool = _thread_pool  # type: ignore[assignment]
    oneshot_hpo.experiments.study.loop.run_trial = instant_trial
    sys.argv = ["oneshot-hpo", *map(str, arguments)]
    main()


def extend_and_resume(folder: Path, *extensions: Sequence[object]) -> None:
    """`oneshot-hpo extend` with these options, and `resume`, for each that the study lacks yet.

    Where it has some of them, it is resumed first.
    """
    recorded = len(read_study(folder).extensions)
    if recorded:
        _succeed("resume", folder)
    for options in extensions[recorded:]:
        _succeed("extend", folder, *options)
        _succeed("resume", folder)


def launch_and_extend(file: Path, folder: Path, *extensions: Sequence[object]) -> None:
    """`oneshot-hpo launch`, or `resume` if that was done, then as `extend_and_resume`."""
    if not (folder / JOURNAL_NAME).exists():
        _succeed("launch", file, "--dir", folder)
    elif not read_study(folder).extensions:
        _succeed("resume", folder)
    extend_and_resume(folder, *extensions)


def _succeed(*arguments: object) -> None:
    """A command after which this process goes on. SystemExit: it ended with another code."""
    try:
        command(*arguments)
    except SystemExit as end:
        if end.code:
            raise


def command_while_the_clock_jumps(call: int, *arguments: object) -> None:
    """Run a command; from this call of time.time on the clock is a day behind."""
    # Only in this project's modules: those that imported time.time by name would not see the shift.
    real, calls = time.time, itertools.count()
    clock = types.SimpleNamespace(**vars(time))
    clock.time = lambda: real() - (86_400 if next(calls) >= call else 0)
    for name, module in list(sys.modules.items()):
        if name.split(".")[0] == PACKAGE and vars(module).get("time") is time:
            module.time = clock  # type: ignore[attr-defined]
    command(*arguments)


def _thread_pool(spec: object, folder: Path, *_: object) -> object:
    """The pool of a study on this machine but for its workers: one, a thread of this process."""
    import dask
    import distributed
    from distributed.deploy.spec import SpecCluster

    from oneshot_hpo.cluster.dask_logs import CLUSTER_LOG, dask_logs_to
    from oneshot_hpo.cluster.own_pool import OwnPool
    from oneshot_hpo.cluster.tls import WITHOUT_HTTP

    class ThreadPool(OwnPool):
        def __init__(self) -> None:
            scratch = folder / "logs"
            scratch.mkdir(parents=True, exist_ok=True)
            self._exits = contextlib.ExitStack()
            self._exits.enter_context(dask_logs_to(scratch / CLUSTER_LOG))
            options = {"nthreads": 1, "memory_limit": 0, "dashboard": False}
            inside = {
                "protocol": "inproc://",
                "port": 0,
                "dashboard": False,
                "dashboard_address": "127.0.0.1:0",
            }
            with dask.config.set(WITHOUT_HTTP):
                cluster = SpecCluster(
                    workers={0: {"cls": distributed.Worker, "options": options}},
                    scheduler={"cls": distributed.Scheduler, "options": inside},
                )
            super().__init__(cluster)

        def close(self) -> None:
            super().close()
            self._exits.close()

    return ThreadPool()


def decisions(folder: Path) -> list[Event]:
    """A study's journal but for its times; nothing if there is none yet."""
    try:
        events, _ = read_journal(folder / JOURNAL_NAME)
    except StudyNotFound:
        return []
    return [{k: v for k, v in e.items() if k not in ("time", "timestamps")} for e in events]


def recorded(folder: Path) -> list[tuple[Any, ...]]:
    """The evaluations in a study's journal, in the order recorded."""
    return [(*e["id"], e["budget"]) for e in decisions(folder) if e["event"] == "tell"]
