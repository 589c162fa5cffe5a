"""The command `oneshot-hpo search`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from oneshot_hpo.experiments.cli.options import (
    CalibrationOption,
    DatasetOption,
    EpochsOption,
    SearcherOption,
    SearchSetOption,
    SeedOption,
    SpaceOption,
    typed,
)

if TYPE_CHECKING:
    from rich.console import Console

    from oneshot_hpo.experiments.study.outcome import Outcome
    from oneshot_hpo.search_spaces import SearchSpace
    from oneshot_hpo.searchers.records import EpochRecord


def search(
    searcher: SearcherOption = "darts",
    space: SpaceOption = "1",
    dataset: DatasetOption = "digits",
    table: Annotated[
        str,
        typer.Option(
            help="digits, digits-201, nasbench101, … or the path of an .npz file; none for none."
        ),
    ] = "digits",
    epochs: EpochsOption = 50,
    seed: SeedOption = 0,
    overrides: SearchSetOption = None,
    objective: Annotated[
        str,
        typer.Option(
            help="As in a study file: mean, draw, test_mean, train, or '{train: {epochs: 4}}'."
        ),
    ] = "mean",
    folder: Annotated[
        Path | None,
        typer.Option("--dir", metavar="DIR", help="Keep checkpoints here, or continue from them."),
    ] = None,
    from_checkpoint: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Search nothing: evaluate cells under the supernet of this checkpoint, which a "
            "trial or --dir kept. A trial's data set and table are its study's.",
        ),
    ] = None,
    cells: Annotated[
        int,
        typer.Option(
            min=0, max=5000, help="With --from-checkpoint: drawn cells beside the found one."
        ),
    ] = 100,
    cell: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE", help="With --from-checkpoint: an architecture.json; repeatable."
        ),
    ] = None,
    recalibrate: CalibrationOption = 0,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="With --from-checkpoint: all cells, as CSV."),
    ] = None,
) -> None:
    """Run one search, without a study, or evaluate cells under the supernet of one."""
    from oneshot_hpo.experiments.errors import UserError, one_line
    from oneshot_hpo.experiments.study import single_search
    from oneshot_hpo.experiments.study.document import parse_overrides
    from oneshot_hpo.experiments.terminal.console import terminal
    from oneshot_hpo.experiments.terminal.ending import ending
    from oneshot_hpo.experiments.terminal.hints import say
    from oneshot_hpo.search_spaces import get_space
    from oneshot_hpo.searchers.records import OutOfDeviceMemory, SearchDiverged

    console = terminal()
    trained = None if table == "none" else typed(table)
    if from_checkpoint is not None:
        section = parse_overrides([f"objective={objective}"])["objective"]
        inputs = dataset, trained, section
        _evaluate(console, from_checkpoint, inputs, cells, seed, cell or [], recalibrate, out)
        return

    def show(record: EpochRecord) -> None:
        _print_epoch(console, record, epochs)

    kept = "nothing is kept" if folder is None else "the same command resumes from the last epoch"
    with ending(kept, on_failure="once that is repaired, run the command again"):
        settings, transfer = single_search.settings_of(overrides or [])
        section = parse_overrides([f"objective={objective}"])["objective"]
        try:
            outcome = single_search.search(
                searcher,
                space=space,
                dataset=dataset,
                table=trained,
                epochs=epochs,
                seed=seed,
                settings=settings,
                transfer=transfer,
                objective=section,
                folder=folder,
                on_epoch=show,
                say=lambda line: say(console, line),
            )
        except (SearchDiverged, OutOfDeviceMemory) as failure:
            raise UserError(one_line(failure)) from None
        except OSError as failure:
            raise UserError(f"{one_line(failure)}; mend it and run the command again") from None
        _print_outcome(console, outcome, get_space(space), dataset, trained)


def _evaluate(
    console: Console,
    path: Path,
    given: tuple[str, str | None, Any],
    count: int,
    seed: int,
    files: list[Path],
    recalibrate: int,
    out: Path | None,
) -> None:
    """Evaluate cells under a checkpoint. given: data set, table and objective."""
    from oneshot_hpo.experiments.cli.cells import print_cells, write_cells
    from oneshot_hpo.experiments.study.under_checkpoint import Inputs, score_cells, study_inputs
    from oneshot_hpo.experiments.terminal.ending import ending

    with ending("nothing was written", on_failure="once that is repaired, run it again"):
        scored = score_cells(
            path,
            study_inputs(path) or Inputs(*given),
            count=count,
            seed=seed,
            files=files,
            recalibration_images=recalibrate,
        )
        print_cells(console, scored)
        if out is not None:
            write_cells(out, scored)


def _print_epoch(console: Console, record: EpochRecord, epochs: int) -> None:
    from oneshot_hpo.experiments.terminal.hints import say
    from oneshot_hpo.experiments.wording import percent
    from oneshot_hpo.searchers.records import DRAWN

    of_what = " of a drawn cell" if record.measured == DRAWN else ""
    compared = record.compare_seconds
    comparing = "" if compared is None else f", {compared:.1f} s of it to compare cells"
    say(
        console,
        f"epoch {record.epoch:{len(str(epochs))}}/{epochs}  "
        f"one-shot validation error{of_what} {percent(record.valid_error):>7}  "
        f"training loss {record.train_loss:.3f}  {record.time:.1f} s{comparing}",
    )


def _print_outcome(
    console: Console, outcome: Outcome, space: SearchSpace, dataset: str, table: str | None
) -> None:
    """The architecture, its errors in the table, and what to know of the table."""
    from oneshot_hpo.experiments.study.outcome import IMPUTED
    from oneshot_hpo.experiments.study.pairing import doubt, transfer_words
    from oneshot_hpo.experiments.study.summary import lines_of
    from oneshot_hpo.experiments.terminal.hints import say

    for line in space.lines(outcome.architecture(space)):
        say(console, line)
    say(console, f"cell {outcome.key}, trained alone:")
    for label, text in lines_of(outcome).items():
        value = text.replace(" of cells", " of the cells on test")
        say(console, f"  {label:16} {value}")

    for line in _costs(outcome):
        say(console, line)

    if outcome.undecided:
        say(
            console,
            "note: the search ended undecided: its choices are within noise of uniform, so the "
            "cell is the sign of a drift",
        )
    if outcome.imputed:
        say(console, f"note: an error of it, or the best of the space, is {IMPUTED}")
    if outcome.transfer and table is not None:
        say(console, transfer_words(dataset, table))
    elif (words := doubt(dataset, table)) is not None:
        say(console, f"note: {words}")


def _costs(outcome: Outcome) -> list[str]:
    """What its own network and the search cost, as far as it is known."""
    shown = []
    if outcome.parameters is not None:
        shown.append(f"  parameters       {outcome.parameters:,}")
    if outcome.macs is not None:
        shown.append(f"  MACs             {outcome.macs:,} for an image")
    if outcome.training_seconds is not None:
        shown.append(f"  training         {outcome.training_seconds:.1f} s in the table")
    if outcome.peak_memory is not None:
        shown.append(f"search: at most {outcome.peak_memory / 2**20:.0f} MiB of the GPU's memory")
    return shown
