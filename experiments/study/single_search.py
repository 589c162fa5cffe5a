"""One search without a study: `oneshot-hpo search`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from oneshot_hpo.cluster.environment import child_environment
from oneshot_hpo.cluster.private_folder import NoPrivateFolder, private_folder
from oneshot_hpo.experiments.errors import UserError, one_line
from oneshot_hpo.experiments.study.outcome import IMPUTED
from oneshot_hpo.experiments.study.pairing import TRANSFER, allowed_transfer, doubt, transfer_words
from oneshot_hpo.experiments.study.specification import parse_overrides
from oneshot_hpo.experiments.study.trial import TrialTask, search_cell
from oneshot_hpo.experiments.terminal.hints import say
from oneshot_hpo.experiments.wording import percent
from oneshot_hpo.search_spaces import SpaceId, get_space, load_table
from oneshot_hpo.searchers.checkpoint import CHECKPOINT, PREVIOUS
from oneshot_hpo.searchers.records import EpochRecord, OutOfDeviceMemory, SearchDiverged
from oneshot_hpo.searchers.registry import settings_class
from oneshot_hpo.searchers.settings import SearchSettings


def run_single_search(
    console: Console,
    *,
    searcher: str,
    space: SpaceId,
    dataset: str,
    table: str,
    epochs: int,
    seed: int,
    overrides: Sequence[str],
    folder: Path | None,
) -> None:
    """Search, print each epoch and at the end the cell with its errors in the table.

    UserError, or another of this project's errors, for arguments that cannot be used, and for a
    search that diverged.
    """
    settings, transfer = _settings(settings_class(searcher)(), overrides)
    load_table(table).best(get_space(space))  # every cell of the space is there
    is_transfer = allowed_transfer(dataset, table, transfer, "--set transfer=true")
    if folder is not None and _is_foreign(folder):
        raise UserError(f"{folder} is not empty and holds no search; choose another with --dir")
    task = TrialTask(
        searcher=searcher,
        settings=settings,
        config={},
        space=space,
        dataset=dataset,
        table=table,
        budget=epochs,
        seed=seed,
        transfer=is_transfer,
        folder=folder,
    )

    def show(record: EpochRecord) -> None:
        say(
            console,
            f"epoch {record.epoch:{len(str(epochs))}}/{epochs}  "
            f"one-shot validation error {percent(record.valid_error):>7}  "
            f"training loss {record.train_loss:.3f}  {record.time:.1f} s",
        )

    try:
        # Torch keeps files, code among them, under well-known names in the folder for such files.
        with private_folder() as scratch, child_environment(scratch, {}):
            outcome = search_cell(task, show)
    except NoPrivateFolder as failure:
        raise UserError(str(failure)) from None
    except (SearchDiverged, OutOfDeviceMemory) as failure:
        raise UserError(one_line(failure)) from None
    except OSError as failure:
        raise UserError(f"{one_line(failure)}; repair it and run the command again") from None

    searched = get_space(space)
    for line in searched.lines(outcome.architecture(searched)):
        say(console, line)
    say(console, f"cell {outcome.key}, trained alone:")
    say(console, f"  validation error {percent(outcome.reported('valid'))}")
    say(console, f"  test error       {percent(outcome.reported('test'))}")
    say(console, f"  test regret      {percent(outcome.reported('regret'))}")
    say(console, f"  better than      {outcome.reported('percentile'):.1f} % of the cells on test")
    if outcome.imputed:
        say(console, f"note: an error of it, or the best of the space, is {IMPUTED}")
    if is_transfer:
        say(console, transfer_words(dataset, table))
    elif (words := doubt(dataset, table)) is not None:
        say(console, f"note: {words}")


def _settings(
    defaults: SearchSettings, overrides: Sequence[str]
) -> tuple[SearchSettings, bool | None]:
    """The settings, and `transfer` as the user set it."""
    values = parse_overrides(overrides)
    transfer = values.pop(TRANSFER, None)
    if not isinstance(transfer, bool | None):
        raise UserError(f"--set {TRANSFER}: is true or false, not {transfer!r}")
    own = values.get("search", {})
    foreign = [key for key in values if key != "search"]
    if foreign or not isinstance(own, dict):
        key = foreign[0] if foreign else "search"
        raise UserError(f"--set {key}: only search.SETTING=VALUE has a meaning here")
    return defaults.with_config(own), transfer


def _is_foreign(folder: Path) -> bool:
    if not folder.exists() or any((folder / name).exists() for name in (CHECKPOINT, PREVIOUS)):
        return False
    if not folder.is_dir():
        return True
    return any(not path.name.startswith(".") for path in folder.iterdir())
