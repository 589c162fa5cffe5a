"""A study from a program or a notebook: `oneshot-hpo launch`, `resume` and `extend` as functions.

They print nothing by default. Messages name options of the command line; the arguments have the
same names.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from oneshot_hpo.checks import optional, whole
from oneshot_hpo.experiments.errors import CommandInterrupted, UserError
from oneshot_hpo.experiments.study import bounds
from oneshot_hpo.experiments.study.extending import extend_study
from oneshot_hpo.experiments.study.launching import cluster_at, launch_study, resume_study
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.experiments.study.trust import Consent, NotTrusted
from oneshot_hpo.experiments.terminal.console import console_for

AnyPath = str | PathLike[str]


def launch(
    study: AnyPath,
    folder: AnyPath | None = None,
    *,
    settings: Mapping[str, Any] | None = None,
    workers: int | None = None,
    submit: bool = False,
    address: str | None = None,
    scheduler_file: AnyPath | None = None,
    trust: bool = False,
    show_progress: bool = False,
) -> OpenedStudy:
    """Run a new study to its end, and open it.

    study: a study file, or the name of a shipped study. folder: a new one; None for studies/NAME in
    the current folder.
    settings: keys of the study file to override, {"seed": 1, "search": {"channels": 16}}, or with
    dots, {"search.channels": 16}. Keys of a section that are not named stay as they are.
    workers: processes; None for one per GPU, without GPUs one per core.
    submit: run the master as a SLURM job, and return at once.
    address, scheduler_file: of a Dask scheduler whose workers are used instead.
    trust: allow the commands that the study file contains, now and later.
    show_progress: print the progress of the study.

    UserError, or another ValueError of this project: bad input; nothing is created then.
    NotTrusted: the study file contains commands. StudyStopped: the study cannot continue now.
    KeyboardInterrupt: Ctrl-C. After the last two, `resume` continues the study.
    """
    bounds.check("workers", workers, optional(whole(1, bounds.WORKERS)))
    overrides = overrides_of(settings)
    typed = [*overrides, *([] if workers is None else [f"workers={workers}"])]

    with for_a_program():
        made = launch_study(
            console_for(show_progress),
            fspath(study),
            path_or_none(folder),
            typed,
            submit=submit,
            cluster=cluster_at(address, path_or_none(scheduler_file), submit=submit),
            consent=Consent(trust, overrides),
        )
    return OpenedStudy(made)


def resume(
    folder: AnyPath,
    *,
    settings: Mapping[str, Any] | None = None,
    workers: int | None = None,
    retry_crashed: str | Sequence[str] = (),
    accept_changes: bool = False,
    submit: bool = False,
    address: str | None = None,
    scheduler_file: AnyPath | None = None,
    trust: bool = False,
    show_progress: bool = False,
) -> OpenedStudy:
    """Continue a study to its end, and open it; a finished one is opened at once.

    settings: {"cluster": {…}} for this time, and where {"dataset": …, "table": …} are now.
    retry_crashed: keys of evaluations that crashed and are to run again, "0-0-3/9", or "all".
    accept_changes: continue also with other package versions, data or another table than before.
    The other arguments, and what is raised, as in `launch`.
    """
    bounds.check("workers", workers, optional(whole(1, bounds.WORKERS)))
    overrides = overrides_of(settings)
    keys = [retry_crashed] if isinstance(retry_crashed, str) else list(retry_crashed)

    with for_a_program():
        resume_study(
            console_for(show_progress),
            Path(folder),
            workers,
            overrides,
            submit=submit,
            as_job=False,
            cluster=cluster_at(address, path_or_none(scheduler_file), submit=submit),
            accept_changes=accept_changes,
            retry_crashed=keys,
            consent=Consent(trust, overrides),
        )
    return OpenedStudy(Path(folder))


def extend(
    folder: AnyPath,
    *,
    iterations: int = 0,
    max_budget: int | None = None,
    stop: Mapping[str, Any] | None = None,
    add: Sequence[Mapping[str, Any]] = (),
    drop: str | Sequence[str] = (),
) -> OpenedStudy:
    """Extend a study, finished or not, and open it; `resume` then continues it.

    iterations: brackets more. max_budget: the budget of a rung on top, eta times the largest.
    stop: other stop rules, {"gpu_hours": 20}. add: configurations for the next bracket, by
    hyperparameter, with the default's other values.
    drop: keys of trials to give up, "0-0-3/9".

    UserError, or another ValueError of this project: bad input, or a master works on the study;
    nothing is changed then. StudyStopped: the folder cannot be written now.
    """
    bounds.check("iterations", iterations, whole(0, bounds.ITERATIONS))
    bounds.check("max_budget", max_budget, optional(whole(1, bounds.EPOCHS)))
    with for_a_program():
        extend_study(
            console_for(False),
            Path(folder),
            iterations=iterations,
            max_budget=max_budget,
            stop=stop or {},
            add=add,
            drop=[drop] if isinstance(drop, str) else drop,
        )
    return OpenedStudy(Path(folder))


@contextmanager
def for_a_program() -> Iterator[None]:
    """End a command's work as a program expects: Ctrl-C by KeyboardInterrupt, with its message."""
    try:
        yield
    except CommandInterrupted as interruption:
        raise KeyboardInterrupt(str(interruption)) from None
    except NotTrusted as refusal:  # a command would have printed the commands
        raise NotTrusted(
            refusal.commands,
            f"the study would run commands on your account ({json.dumps(refusal.commands)}): if "
            "you trust it, pass trust=True, once",
        ) from None


def overrides_of(settings: Mapping[str, Any] | None, section: str = "") -> list[str]:
    """Settings as the KEY=VALUE of --set, a section's keys with dots."""
    overrides = []
    for key, value in (settings or {}).items():
        if isinstance(value, Mapping):
            overrides += overrides_of(value, f"{section}{key}.")
        else:
            text = json.dumps(value, ensure_ascii=False, default=_plain)
            overrides.append(f"{section}{key}={text}")
    return overrides


def path_or_none(path: AnyPath | None) -> Path | None:
    """A path that may be missing."""
    return None if path is None else Path(path)


def _plain(value: Any) -> Any:
    """A path, or a number of numpy, in a form for JSON. UserError: it is neither."""
    if isinstance(value, PathLike):
        return fspath(value)
    if callable(getattr(value, "item", None)):
        return value.item()
    raise UserError(f"settings: {value!r} is not a value of a study file")
