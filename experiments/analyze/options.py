"""Options that the analyses share; loads nothing heavy."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from oneshot_hpo.experiments.study import bounds


def _several(images: int) -> int:
    """A single image may be one value a channel, which has no variance."""
    if images == 1:
        raise typer.BadParameter("2 images at least, or 0 for none")
    return images


DirOption = Annotated[
    Path, typer.Option("--dir", metavar="DIR", help="Figures, CSV, and what makes them resumable.")
]
SpacesOption = Annotated[str, typer.Option("--space", help="1, 2 or 3; several with commas.")]
SpaceOption = Annotated[int, typer.Option("--space", help="Search space: 1, 2 or 3.")]
DatasetOption = Annotated[
    str, typer.Option(help="digits, cifar10, or a path (.npz, cifar-10-batches-py).")
]
TableOption = Annotated[str, typer.Option(help="digits, nasbench101, or a table's file.")]
EpochsOption = Annotated[
    int, typer.Option(min=1, max=bounds.EPOCHS, help="Epochs of the supernet's training.")
]
SupernetsOption = Annotated[
    int,
    typer.Option(
        min=1, max=bounds.REPETITIONS, help="Supernets of each kind, trained from different seeds."
    ),
]
CellsOption = Annotated[
    str, typer.Option(help="Cells that are drawn and scored, up to 5000, or all.")
]
CalibrationOption = Annotated[
    int,
    typer.Option(
        "--recalibrate",
        min=0,
        max=bounds.IMAGES,
        callback=_several,
        metavar="IMAGES",
        help="Training images that give each cell its batch-norm statistics; 0: not.",
    ),
]
SeedOption = Annotated[int, typer.Option(min=0, help="Everything random follows from it.")]
WorkersOption = Annotated[
    int | None,
    typer.Option(
        min=1, max=bounds.WORKERS, help="Processes. Default: one per GPU, else one per core."
    ),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="search.SETTING=VALUE; repeatable."),
]
DEFAULT_DIR = Path("analyses")
