"""The command `oneshot-hpo forecast`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from oneshot_hpo.experiments.cli.options import (
    AsPriorOption,
    OnlyOption,
    SkipBadOption,
    StudyArgument,
    StudySetOption,
    TrustOption,
    WorkersOption,
)
from oneshot_hpo.experiments.errors import UserError


def forecast(
    study: StudyArgument,
    overrides: StudySetOption = None,
    workers: WorkersOption = None,
    epoch_seconds: Annotated[
        float | None,
        typer.Option(metavar="SECONDS", help="Duration of an epoch. Default: it is measured."),
    ] = None,
    journals: Annotated[
        list[Path] | None,
        typer.Option(
            "--from", metavar="DIR", help="Take the pace from a study that has run; repeatable."
        ),
    ] = None,
    queue_waits: Annotated[
        str | None,
        typer.Option(
            metavar="SECONDS,…",
            help="How long a worker's job waits to start: several waits, each as likely. "
            "Default: those of your last jobs.",
        ),
    ] = None,
    crashes: Annotated[
        float | None,
        typer.Option(min=0, max=0.99, metavar="SHARE", help="Share of the evaluations."),
    ] = None,
    preemptions: Annotated[
        float, typer.Option(min=0, metavar="RATE", help="Of each worker, an hour.")
    ] = 0.0,
    losses: Annotated[
        float, typer.Option(min=0, metavar="RATE", help="Workers that die, likewise.")
    ] = 0.0,
    simulations: Annotated[int, typer.Option(min=20, max=10_000, help="Simulated studies.")] = 100,
    gpu_hours: Annotated[
        float | None,
        typer.Option(
            metavar="HOURS",
            help="Divide these between tuning and confirming; the noise of seeds is that of "
            "--from or of the table.",
        ),
    ] = None,
    detect: Annotated[
        float | None,
        typer.Option(metavar="POINTS", help="The difference that the confirmation is to show."),
    ] = None,
    power: Annotated[
        float | None, typer.Option(metavar="SHARE", help="How likely it shows it. Default: 0.8.")
    ] = None,
    launch_from: Annotated[
        list[Path] | None,
        typer.Option(
            "--launch-from",
            metavar="DIR",
            help="Forecast launch --from DIR: its model begins with these results; repeatable.",
        ),
    ] = None,
    as_prior: AsPriorOption = False,
    skip_bad: SkipBadOption = False,
    only: OnlyOption = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Also draw it, as FILE.pdf and FILE.png."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    trust: TrustOption = False,
) -> None:
    """Say how long a study will take, and how many GPU hours; run nothing of it.

    The real master decides on simulated workers. The duration of an epoch is given, taken from
    earlier studies, or measured by a short search on each worker.
    """
    from oneshot_hpo.experiments.forecast import command, display
    from oneshot_hpo.experiments.forecast.dividing import POWER, Hours
    from oneshot_hpo.experiments.forecast.planning import Interruptions
    from oneshot_hpo.experiments.grids.grid import load_grid
    from oneshot_hpo.experiments.study.opened import OpenedStudy
    from oneshot_hpo.experiments.study.sources import Wanted
    from oneshot_hpo.experiments.study.trust import Consent
    from oneshot_hpo.experiments.study.validation import load_study
    from oneshot_hpo.experiments.terminal.console import terminal
    from oneshot_hpo.experiments.terminal.spinner import working

    if gpu_hours is None and (detect is not None or power is not None):
        raise UserError("--detect and --power are for --gpu-hours")
    hours = None
    if gpu_hours is not None:
        hours = Hours(gpu_hours=gpu_hours, detect=detect, power=POWER if power is None else power)
    if (as_prior or skip_bad) and not launch_from:
        raise UserError("--as-prior and --skip-bad are about what --launch-from names")
    settings = [*(overrides or []), *([] if workers is None else [f"workers={workers}"])]
    wanted = command.Wanted(
        epoch_seconds=epoch_seconds,
        journals=[OpenedStudy(folder) for folder in journals or []],
        interruptions=Interruptions(
            queue_waits=None if queue_waits is None else _seconds(queue_waits),
            preemptions=preemptions,
            losses=losses,
            crash_share=crashes,
        ),
        simulations=simulations,
        consent=Consent(trust, overrides or ()),
        hours=hours,
        sources=Wanted(launch_from or (), as_prior, skip_bad),
    )
    errors = terminal(stderr=True)
    grid = load_grid(study, settings)
    found: command.StudyForecast | command.GridForecast
    if grid is not None:
        if out is not None:
            raise UserError("--out draws the forecast of a single study")
        if launch_from:
            raise UserError(f"--launch-from is for a single study; {study} is a grid")
        with working(errors, "simulating"):
            found = command.forecast_grid(errors, grid, only or [], wanted)
    else:
        if only:
            raise UserError(f"--only is for a grid; {study} is a single study")
        spec = load_study(study, settings)
        measures = epoch_seconds is None and not journals
        with working(errors, "measuring an epoch" if measures else "simulating"):
            found = command.forecast_study(errors, spec, study, wanted)

    if as_json:
        typer.echo(json.dumps(found.to_json(), indent=1))
    elif isinstance(found, command.GridForecast):
        display.print_grid(terminal(), found)
    else:
        display.print_study(terminal(), found)
    if out is not None and isinstance(found, command.StudyForecast):
        _draw(found, out)


def _draw(found: object, out: Path) -> None:
    """Write the figure in all formats. UserError: it cannot be written."""
    from oneshot_hpo.plugins import require_extra

    require_extra("figures", "oneshot-hpo forecast --out")

    from oneshot_hpo.experiments.figures.making import write_figure
    from oneshot_hpo.experiments.figures.style import styled
    from oneshot_hpo.experiments.forecast.command import StudyForecast
    from oneshot_hpo.experiments.forecast.drawing import draw_forecast

    assert isinstance(found, StudyForecast)
    with styled():
        try:
            write_figure(draw_forecast(found), out.with_suffix(""))
        except OSError as error:
            raise UserError(f"--out {out}: cannot be written ({error.strerror})") from None


def _seconds(text: str) -> list[float]:
    """The waits in "60,300". UserError: they are no numbers from 0."""
    try:
        waits = [float(word) for word in text.split(",")]
    except ValueError:
        waits = [-1.0]
    if not all(0 <= wait < float("inf") for wait in waits):
        raise UserError(f"--queue-waits: seconds with commas, as 60,300, not {text!r}")
    return waits
