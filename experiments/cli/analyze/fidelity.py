"""The command `oneshot-hpo analyze fidelity`."""

from __future__ import annotations

import dataclasses
from typing import Annotated

import typer

from oneshot_hpo.experiments.cli import options
from oneshot_hpo.experiments.cli.analyze.showing import show
from oneshot_hpo.experiments.terminal.hints import say


def fidelity(
    study: options.StudyArgument,
    folder: options.AnalysisDirOption = options.ANALYSES,
    overrides: options.StudySetOption = None,
    configurations: Annotated[
        int, typer.Option(min=5, max=1000, help="Configurations, drawn at random.")
    ] = 12,
    seed: options.SeedOption = 0,
    workers: options.WorkersOption = None,
    trust: options.TrustOption = False,
) -> None:
    """Do small budgets rank configurations as the largest one; should promoted trials continue?

    Runs a few configurations at every budget of the study, promoted trials restarted and continued.
    """
    from oneshot_hpo.experiments.analyze.fidelity import FidelityOptions, analyse_fidelity
    from oneshot_hpo.experiments.study.trust import Consent
    from oneshot_hpo.experiments.terminal.console import terminal

    console = terminal()
    report = analyse_fidelity(
        console,
        FidelityOptions(
            folder=folder,
            study=study,
            overrides=overrides or [],
            configurations=configurations,
            seed=seed,
            workers=workers,
            consent=Consent(trust, overrides or ()),
        ),
    )
    *sentences, verdict = report.sentences
    show(console, dataclasses.replace(report, sentences=tuple(sentences)))
    say(console, verdict)
