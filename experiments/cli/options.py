"""Arguments and options that several commands take."""

from pathlib import Path
from typing import Annotated

import typer

from oneshot_hpo.experiments.study import bounds

FolderArgument = Annotated[Path, typer.Argument(metavar="DIR", help="The study's folder.")]
WorkersOption = Annotated[
    int | None,
    typer.Option(
        min=1, max=bounds.WORKERS, help="Worker processes. Default: one per GPU, else one per core."
    ),
]
AddressOption = Annotated[
    str | None,
    typer.Option(metavar="URL", help="Use the workers of the Dask scheduler there."),
]
SchedulerFileOption = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="The same, by the scheduler's file."),
]
TrustOption = Annotated[
    bool,
    typer.Option("--trust", help="Run the commands that the study names, from now on."),
]
AcceptOption = Annotated[
    bool,
    typer.Option(
        "--accept-changes", help="Go on with other package versions, data or another table."
    ),
]
