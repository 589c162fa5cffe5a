"""The command `oneshot-hpo confirm`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from oneshot_hpo.experiments.cli.options import (
    AcceptOption,
    AddressOption,
    FolderArgument,
    SchedulerFileOption,
    SubmitOption,
    TrustOption,
    WorkersOption,
)
from oneshot_hpo.experiments.study import bounds


def confirm(
    folder: FolderArgument,
    seeds: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=bounds.REPETITIONS,
            help="Searches of each setting. Default: as planned before, or 10.",
        ),
    ] = None,
    setting: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="One more setting: the default with the values of --set search.KEY=VALUE.",
        ),
    ] = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="search.KEY=VALUE for --setting, cluster.KEY=VALUE for now, dataset=PATH or "
            "table=PATH for where these are now; repeatable.",
        ),
    ] = None,
    path: Annotated[
        bool,
        typer.Option(
            "--path",
            help="Also the settings between default and incumbent, one hyperparameter at a time, "
            "in an order that a model of the study's trials chooses.",
        ),
    ] = False,
    until_decided: Annotated[
        bool,
        typer.Option(
            "--until-decided",
            help="Add seeds in blocks until tuned and default differ, by a sequential rule.",
        ),
    ] = False,
    max_seeds: Annotated[
        int | None,
        typer.Option(
            min=1, max=bounds.REPETITIONS, help="The most seeds of that rule. Default: 30."
        ),
    ] = None,
    block: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=bounds.REPETITIONS,
            help="Seeds between its looks. Default: a sixth, at least 5.",
        ),
    ] = None,
    spending: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="obrien-fleming (default): strict at first; pocock: as strict later.",
        ),
    ] = None,
    workers: WorkersOption = None,
    submit: SubmitOption = False,
    address: AddressOption = None,
    scheduler_file: SchedulerFileOption = None,
    accept_changes: AcceptOption = False,
    trust: TrustOption = False,
    as_job: Annotated[bool, typer.Option("--as-job", hidden=True)] = False,
    trusted: Annotated[str | None, typer.Option("--trusted", hidden=True)] = None,
) -> None:
    """Search with a study's incumbent and default again, with fresh seeds, paired by seed."""

    from oneshot_hpo.experiments.confirm.confirming import confirm_study
    from oneshot_hpo.experiments.confirm.until_decided import UntilDecided
    from oneshot_hpo.experiments.errors import UserError
    from oneshot_hpo.experiments.study.launching import cluster_at
    from oneshot_hpo.experiments.study.trust import Consent
    from oneshot_hpo.experiments.terminal.console import terminal

    wanted = UntilDecided(max_seeds, block, spending)
    if not until_decided and wanted != UntilDecided():
        raise UserError("--max-seeds, --block and --spending are for --until-decided")
    confirm_study(
        terminal(),
        Path(folder),
        seeds,
        setting=setting,
        overrides=overrides or [],
        path=path,
        workers=workers,
        cluster=cluster_at(address, scheduler_file, submit=submit),
        accept_changes=accept_changes,
        consent=Consent(trust, overrides or (), trusted),
        until_decided=wanted if until_decided else None,
        submit=submit,
        as_job=as_job,
    )
