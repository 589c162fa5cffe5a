"""The command `oneshot-hpo check`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from oneshot_hpo.experiments.cli.exit_codes import STOPPED
from oneshot_hpo.experiments.errors import UserError


def check(
    folder: Annotated[
        Path,
        typer.Argument(metavar="DIR", help="The study's folder, or a bundle: a zip or its folder."),
    ],
    mend: Annotated[
        bool,
        typer.Option(
            "--mend",
            help="Repair what is safe: a torn last line, old exports, leftovers of killed work.",
        ),
    ] = False,
) -> None:
    """Verify a study: journal, replay, results, checkpoints, exports. Exit code 1: problems.

    Of a bundle, every number, table and figure is made again from its journals.
    """

    from oneshot_hpo.experiments.check import checking
    from oneshot_hpo.experiments.check.bundles import verify_bundle
    from oneshot_hpo.experiments.exports.bundle.archive import is_bundle
    from oneshot_hpo.experiments.terminal.console import terminal

    console = terminal()
    if is_bundle(Path(folder)):
        if mend:
            raise UserError(f"--mend {folder}: a bundle is made again by export, not mended")
        report = verify_bundle(Path(folder))
    else:
        report = checking.verify(Path(folder))
    mended = checking.mend(report, Path(folder)) if mend and report.is_readable else []
    checking.show(console, Path(folder), report, mended)
    if len(mended) < len(report.findings):
        raise typer.Exit(STOPPED)
