"""The command `oneshot-hpo confirm`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from experiments import bounds
from experiments.options import (
    AcceptOption,
    AddressOption,
    FolderArgument,
    SchedulerFileOption,
    TrustOption,
    WorkersOption,
)


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
            "table=PATH for where these lie now; repeatable.",
        ),
    ] = None,
    workers: WorkersOption = None,
    address: AddressOption = None,
    scheduler_file: SchedulerFileOption = None,
    accept_changes: AcceptOption = False,
    trust: TrustOption = False,
) -> None:
    """Search with a study's incumbent and default again, with fresh seeds, paired by seed."""

    from experiments.confirm.confirming import confirm_study
    from experiments.launching import cluster_at
    from experiments.terminal import terminal
    from experiments.trust import Consent

    confirm_study(
        terminal(),
        Path(folder),
        seeds,
        setting=setting,
        overrides=overrides or [],
        workers=workers,
        cluster=cluster_at(address, scheduler_file, submit=False),
        accept_changes=accept_changes,
        consent=Consent(trust, overrides or ()),
    )
