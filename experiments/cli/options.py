"""Arguments and options that several commands take."""

from pathlib import Path
from typing import Annotated, Any

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
    typer.Option(metavar="FILE", help="Use the workers of the Dask scheduler with this file."),
]
TrustOption = Annotated[
    bool,
    typer.Option("--trust", help="Allow the commands that the study file names, now and later."),
]
AcceptOption = Annotated[
    bool,
    typer.Option(
        "--accept-changes", help="Continue with other package versions, data or another table."
    ),
]
StudyArgument = Annotated[
    str, typer.Argument(metavar="STUDY", help="A study file, or the name of a shipped study.")
]
StudySetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Override a key of the study file, e.g. seed=1 or search.channels=16; repeatable.",
    ),
]
SubmitOption = Annotated[
    bool,
    typer.Option("--submit", help="Run the master itself as a SLURM job, until the study is done."),
]
FromOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--from",
        metavar="DIR",
        help="Begin with the results of this study or HpBandSter run; repeatable.",
    ),
]
AsPriorOption = Annotated[
    bool,
    typer.Option(
        "--as-prior",
        help="Of losses that cannot be compared (another search space, data set, "
        "table or objective; any HpBandSter run), take the order alone.",
    ),
]
SkipBadOption = Annotated[
    bool,
    typer.Option("--skip-bad", help="Leave out lines of a run that cannot be used; name them."),
]
OnlyOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="STUDY|KEY=VALUE",
        help="Grids only: run only these studies; repeatable, all must match.",
    ),
]
EpochSecondsOption = Annotated[
    float | None,
    typer.Option(
        min=0, metavar="SECONDS", help="Grids only: duration of an epoch, to estimate the cost."
    ),
]


def _several(images: int) -> int:
    """Refuse 1: a single image may be one value a channel, which has no variance."""
    if images == 1:
        raise typer.BadParameter("2 images at least, or 0 for none")
    return images


AnalysisDirOption = Annotated[
    Path,
    typer.Option(
        "--dir", metavar="DIR", help="Figures, CSV files, and what a stopped command resumes from."
    ),
]


def typed(text: str) -> str:
    """A name that is typed on the command line; if it is of the user's own code, that may run."""
    from oneshot_hpo.experiments.study import own_code

    return own_code.typed(text)


def typed_each(text: str) -> str:
    """Like `typed`, for several names with commas."""
    return ",".join(typed(word.strip()) for word in text.split(","))


def space_id(text: str) -> int | str:
    """The id of a space that is named on the command line."""
    from oneshot_hpo.search_spaces import UnknownSpace, get_space

    try:
        return get_space(typed(text)).id
    except UnknownSpace as error:
        raise typer.BadParameter(str(error)) from None


SpacesOption = Annotated[
    str,
    typer.Option(
        "--space",
        parser=typed_each,
        metavar="SPACE",
        help="1, 2, 3 or other search spaces; several with commas.",
    ),
]
SpaceOption = Annotated[
    Any,
    typer.Option(
        "--space", parser=space_id, metavar="SPACE", help="Search space: 1, 2, 3 or a name."
    ),
]
SearcherOption = Annotated[
    str, typer.Option(parser=typed, metavar="NAME", help="The one-shot optimizer.")
]
DatasetOption = Annotated[
    str,
    typer.Option(
        parser=typed,
        metavar="NAME",
        help="digits, cifar10, cifar100, imagenet16, or a path (.npz, a folder of such files).",
    ),
]
TableOption = Annotated[
    str,
    typer.Option(
        parser=typed,
        metavar="NAME",
        help="digits, digits-201, nasbench101, nasbench201, transnas-macro, … or a table's file.",
    ),
]
EpochsOption = Annotated[
    int, typer.Option(min=1, max=bounds.EPOCHS, help="Epochs of the supernet's training.")
]
SupernetsOption = Annotated[
    int,
    typer.Option(
        min=1, max=bounds.REPETITIONS, help="Supernets of each kind, trained from different seeds."
    ),
]
CellsOption = Annotated[str, typer.Option(help="Number of cells to score, up to 5000, or all.")]
CalibrationOption = Annotated[
    int,
    typer.Option(
        "--recalibrate",
        min=0,
        max=bounds.IMAGES,
        callback=_several,
        metavar="IMAGES",
        help="Training images for each cell's own batch-norm statistics; 0: none.",
    ),
]
SeedOption = Annotated[int, typer.Option(min=0, help="Everything random follows from it.")]
SearchSetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="search.SETTING=VALUE; repeatable."),
]
ANALYSES = Path("analyses")
