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
    workers: WorkersOption = None,
    address: AddressOption = None,
    scheduler_file: SchedulerFileOption = None,
    accept_changes: AcceptOption = False,
    trust: TrustOption = False,
) -> None:
    """Search with a study's incumbent and default again, with fresh seeds, paired by seed."""

    from oneshot_hpo.experiments.confirm.confirming import confirm_study
    from oneshot_hpo.experiments.study.launching import cluster_at
    from oneshot_hpo.experiments.study.trust import Consent
    from oneshot_hpo.experiments.terminal.console import terminal

    confirm_study(
        terminal(),
        Path(folder),
        seeds,
        setting=setting,
        overrides=overrides or [],
        path=path,
        workers=workers,
        cluster=cluster_at(address, scheduler_file, submit=False),
        accept_changes=accept_changes,
        consent=Consent(trust, overrides or ()),
    )
