"""One search without a study: `oneshot-hpo search`."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from oneshot_hpo.checks import whole
from oneshot_hpo.cluster.environment import child_environment
from oneshot_hpo.cluster.private_folder import NoPrivateFolder, private_folder
from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.objectives.objective import NoLoss, objective_of
from oneshot_hpo.experiments.objectives.section import MEAN, Section
from oneshot_hpo.experiments.study import bounds, own_code
from oneshot_hpo.experiments.study.document import parse_overrides
from oneshot_hpo.experiments.study.outcome import Outcome
from oneshot_hpo.experiments.study.pairing import TRANSFER, allowed_transfer
from oneshot_hpo.experiments.study.trial import TrialTask, search_cell
from oneshot_hpo.search_spaces import SpaceId, get_space, load_table
from oneshot_hpo.searchers.checkpoint import CHECKPOINT, PREVIOUS
from oneshot_hpo.searchers.records import EpochRecord
from oneshot_hpo.searchers.registry import settings_class


def search(
    searcher: str = "darts",
    *,
    space: SpaceId = 1,
    dataset: str | PathLike[str] = "digits",
    table: str | PathLike[str] | None = "digits",
    epochs: int = 50,
    seed: int = 0,
    settings: Mapping[str, Any] | None = None,
    transfer: bool | None = None,
    folder: str | PathLike[str] | None = None,
    objective: Section = MEAN,
    on_epoch: Callable[[EpochRecord], None] | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> Outcome:
    """Search once, in this process; the architecture found, with its errors in the table.

    searcher: the one-shot optimizer. dataset, table: names or paths, as in a study file; a table of
    None goes with an objective that needs none. All of these and space may be code of the caller's,
    as "package.module:Name" or "path.py:Name".
    seed: everything random follows from it.
    settings: of the search, {"channels": 16, "learning_rate": 0.1}; the others have defaults.
    transfer: allow a table of another data set than the one that is searched on.
    folder: where checkpoints are kept, or are continued from; None: none are.
    objective: as in a study file. on_epoch: called with an `EpochRecord` after each epoch; say:
    with lines of the objective's progress.

    UserError, or another ValueError of this project: bad input. SearchDiverged: a loss was not
    finite. OutOfDeviceMemory: the GPU is too small. OSError: the folder cannot be written.
    """
    bounds.check("epochs", epochs, whole(1, bounds.EPOCHS))
    bounds.check("seed", seed, whole(0))
    searcher, dataset = map(own_code.typed, (searcher, fspath(dataset)))
    table = None if table is None else own_code.typed(fspath(table))
    space = own_code.typed(space) if isinstance(space, str) else space
    objective = own_code.typed_section(objective)
    own = settings_class(searcher)().with_config(dict(settings or {}))
    opened = None if table is None else load_table(table)
    objective_of(objective).check(get_space(space), opened)
    is_transfer = False
    if table is not None and opened is not None:
        opened.best(get_space(space))  # raises if a cell of the space is missing
        is_transfer = allowed_transfer(dataset, table, transfer, f"--set {TRANSFER}=true")

    kept = None if folder is None else Path(folder)
    if kept is not None and _is_foreign(kept):
        raise UserError(f"{kept} is not empty and holds no search; choose another with --dir")
    task = TrialTask(
        searcher=searcher,
        settings=dataclasses.asdict(own),
        config={},
        space=space,
        dataset=dataset,
        table=table,
        budget=epochs,
        seed=seed,
        transfer=is_transfer,
        objective=objective,
        folder=kept,
    )

    try:
        # Torch keeps files, code among them, under well-known names in the folder for such files.
        with private_folder() as scratch, child_environment(scratch, {}):
            return search_cell(task, on_epoch, say)
    except NoLoss as failure:
        raise UserError(str(failure)) from None
    except NoPrivateFolder as failure:
        raise UserError(str(failure)) from None


def settings_of(overrides: Sequence[str]) -> tuple[dict[str, Any], bool | None]:
    """The settings among KEY=VALUE overrides, and `transfer` as the user set it.

    UserError: another key than search.SETTING or transfer.
    """
    values = parse_overrides(overrides)
    transfer = values.pop(TRANSFER, None)
    if not isinstance(transfer, bool | None):
        raise UserError(f"--set {TRANSFER}: is true or false, not {transfer!r}")

    own = values.get("search", {})
    foreign = [key for key in values if key != "search"]
    if foreign or not isinstance(own, dict):
        key = foreign[0] if foreign else "search"
        raise UserError(f"--set {key}: only search.SETTING=VALUE has a meaning here")
    return own, transfer


def _is_foreign(folder: Path) -> bool:
    if not folder.exists() or any((folder / name).exists() for name in (CHECKPOINT, PREVIOUS)):
        return False
    if not folder.is_dir():
        return True
    return any(not path.name.startswith(".") for path in folder.iterdir())
