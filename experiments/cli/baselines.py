"""The commands `oneshot-hpo baselines …`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from oneshot_hpo.experiments.cli.options import SeedOption, TableOption, typed_each
from oneshot_hpo.experiments.study import bounds
from oneshot_hpo.plugins import require_extra

app = typer.Typer(
    name="baselines", help="Black-box optimizers on a table of cells.", no_args_is_help=True
)


@app.callback()
def common() -> None:
    """Black-box optimizers on a table of cells."""


@app.command()
def run(
    folder: Annotated[
        Path,
        typer.Option("--dir", metavar="DIR", help="Folder of the results; a run in it resumes."),
    ],
    space: Annotated[
        list[str] | None, typer.Option(help="1, 2, 3 or a name; repeatable, or with commas.")
    ] = None,
    table: TableOption = "digits",
    methods: Annotated[
        str,
        typer.Option(
            help="rs, re, reinforce, smac, tpe (Optuna's, multivariate=False), hyperband, bohb, ls "
            "(local search), zero_cost, pnas, weak, with commas; or all that are installed but "
            "weak, which takes hours."
        ),
    ] = "all",
    evaluations: Annotated[
        int | None,
        typer.Option(
            max=bounds.EVALUATIONS,
            help="Full evaluations of a repetition; cheaper ones count their share. Default: 280.",
        ),
    ] = None,
    seconds: Annotated[
        float | None,
        typer.Option(help="Instead: seconds of simulated training of a repetition."),
    ] = None,
    budget: Annotated[
        int | None,
        typer.Option(
            metavar="EPOCHS",
            help="Epochs that each evaluation trains, one of the table's budgets. Default: the "
            "largest; hyperband and bohb use all.",
        ),
    ] = None,
    scores: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.npz",
            help="Scores without training that `oneshot-hpo table scores` wrote, for zero_cost and "
            "for a warm_start of re, ls, weak and pnas.",
        ),
    ] = None,
    repetitions: Annotated[
        int, typer.Option(max=bounds.REPETITIONS, help="Runs of each method.")
    ] = 500,
    objective: Annotated[
        str,
        typer.Option(
            help="What a method sees: mean of the repeats, draw (one each time), or test_mean: "
            "selection on test."
        ),
    ] = "mean",
    seed: SeedOption = 0,
    workers: Annotated[
        int | None,
        typer.Option(min=1, max=bounds.WORKERS, help="Processes. Default: one per core."),
    ] = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="METHOD.KEY=VALUE", help="e.g. re.population=50; repeatable."
        ),
    ] = None,
) -> None:
    """Run black-box optimizers; a stopped run resumes."""

    require_extra("baselines", "oneshot-hpo baselines")

    from oneshot_hpo.experiments import machine
    from oneshot_hpo.experiments.baselines.methods import left_out
    from oneshot_hpo.experiments.baselines.plan import make_plan
    from oneshot_hpo.experiments.baselines.running import run_baselines
    from oneshot_hpo.experiments.baselines.summary import print_summary
    from oneshot_hpo.experiments.terminal.console import terminal
    from oneshot_hpo.experiments.terminal.ending import REPEATABLE, ending

    plan = make_plan(
        table=table,
        spaces=[typed_each(word) for word in space or ["1"]],
        methods=methods,
        overrides=overrides or [],
        evaluations=evaluations,
        repetitions=repetitions,
        seed=seed,
        objective=objective,
        seconds=seconds,
        budget=budget,
        scores=scores,
    )
    console = terminal()
    with ending(REPEATABLE):
        results = run_baselines(
            plan,
            folder,
            workers=workers or machine.cores(),
            console=console,
            notes=[f"left out: {why}" for why in left_out(methods)],
        )
    print_summary(console, plan, results)
