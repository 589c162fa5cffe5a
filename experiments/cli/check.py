"""The command `oneshot-hpo check`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from oneshot_hpo.experiments.cli.exit_codes import STOPPED
from oneshot_hpo.experiments.cli.options import FolderArgument


def check(
    folder: FolderArgument,
    mend: Annotated[
        bool,
        typer.Option(
            "--mend",
            help="Repair what is safe: a torn last line, old exports, leftovers of killed work.",
        ),
    ] = False,
) -> None:
    """Verify a study: journal, replay, results, checkpoints, exports. Exit code 1: problems."""

    from oneshot_hpo.experiments.check import checking
    from oneshot_hpo.experiments.terminal.console import terminal

    console = terminal()
    report = checking.verify(Path(folder))
    mended = checking.mend(report, Path(folder)) if mend and report.is_readable else []
    checking.show(console, Path(folder), report, mended)
    if len(mended) < len(report.findings):
        raise typer.Exit(STOPPED)
