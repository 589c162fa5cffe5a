"""`oneshot-hpo analyze fidelity`: whether small budgets rank configurations as the largest does.

A pilot of random configurations runs at every budget of a study, in both ways of promotion: each
budget a search of its own (`restart`), and one search with the schedules of the largest budget that
ends at each budget and goes on (`continue`). At the largest budget both ways are the same search.
Every ranking is compared with that of the restarted searches there, whose seeds no other ranking of
the pilot has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from oneshot_hpo.experiments.analyze.fidelity_findings import draw, fidelity_of, rows, sentences
from oneshot_hpo.experiments.analyze.fidelity_pilot import Pilot
from oneshot_hpo.experiments.analyze.publishing import AnalysisReport, publish
from oneshot_hpo.experiments.analyze.running import analysis_folder
from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.study.completion import complete, freeze
from oneshot_hpo.experiments.study.specification import StudySpec
from oneshot_hpo.experiments.study.trust import Consent, check_code_trusted
from oneshot_hpo.experiments.study.validation import load_study
from oneshot_hpo.experiments.terminal.spinner import working
from oneshot_hpo.hpo.brackets import rung_budgets

if TYPE_CHECKING:
    from rich.console import Console

NAME = "fidelity"


@dataclass(frozen=True, kw_only=True)
class FidelityOptions:
    """What `analyze fidelity` is given.

    study: a study file or the name of a shipped one; overrides: its KEY=VALUE. configurations: of
    the pilot, drawn with `seed`. workers: processes; None: one per GPU, else one per core.
    """

    folder: Path
    study: str
    overrides: Sequence[str]
    configurations: int
    seed: int
    workers: int | None
    consent: Consent


def analyse_fidelity(console: Console, options: FidelityOptions) -> AnalysisReport:
    """Run the pilot, or what is missing of it, and publish; the last sentence is the verdict.

    UserError, or another of this project's errors: bad input; nothing is written then.
    """
    spec = _study(console, options)
    pilot = Pilot(spec, options.folder, options.configurations, options.seed)

    with analysis_folder(options.folder):
        pilot.run(console, options.workers)
        with working(console, "resampling"):
            found = fidelity_of(spec, pilot.restarted, pilot.continued, options.seed)
        return publish(
            options.folder / NAME,
            rows(spec.name, found),
            lambda: draw(spec.name, found),
            sentences(spec.name, found),
        )


def _study(console: Console, options: FidelityOptions) -> StudySpec:
    """The frozen study. UserError: it has a single budget, tunes nothing, or runs a command."""
    spec = load_study(options.study, options.overrides)
    if spec.command is not None:
        raise UserError(f"{options.study}: a command cannot continue: there is nothing to compare")
    check_code_trusted(console, [spec], options.consent)
    spec = complete(spec, options.study)
    if spec.workers is None:
        spec = spec.model_copy(update={"workers": 1})  # freeze refuses SLURM without a number
    spec = freeze(spec)
    if not spec.iterations or len(rung_budgets(spec.optimizer_settings)) < 2:
        raise UserError(
            f"{options.study}: it needs brackets of two budgets at least (iterations, min_budget, "
            "max_budget, eta)"
        )
    return spec
