"""The commands `oneshot-hpo data …`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from oneshot_hpo.experiments.errors import DataError
from oneshot_hpo.experiments.terminal.hints import say

if TYPE_CHECKING:
    from rich.console import Console

app = typer.Typer(
    name="data", help="Tables of benchmarks and images on this machine.", no_args_is_help=True
)

ReplaceOption = Annotated[
    bool,
    typer.Option("--replace", help="Also replace data that is intact, or holds more."),
]


@app.callback()
def common() -> None:
    """Tables of benchmarks and images on this machine."""


@app.command("import")
def import_(
    path: Annotated[
        Path,
        typer.Argument(
            metavar="PATH",
            help="nasbench_only108.tfrecord, nasbench_full.tfrecord, nb101_completed.npz; "
            "nasbench201.csv.gz, a folder NATS-tss-v1_0-3ffb9-simple, "
            "NAS-Bench-201-v1_1-096897.pth; transnas_micro.csv, transnas_macro.csv; "
            "cifar-10-python.tar.gz, cifar-100-python.tar.gz, ImageNet16.tar.gz, or a folder "
            "cifar-10-batches-py, cifar-100-python, ImageNet16.",
        ),
    ],
    replace: ReplaceOption = False,
) -> None:
    """Take files that you have into the data folder; a damaged file changes nothing."""
    from oneshot_hpo.experiments.terminal.ending import ending

    console = _console()
    with ending("nothing was imported", on_failure="nothing was imported"):
        from oneshot_hpo.experiments.data.importing import import_data, open_data_folder
        from oneshot_hpo.experiments.terminal.byte_bar import byte_bar

        with open_data_folder() as folder, byte_bar(console, f"importing {path.name}") as show:
            summary = import_data(path, folder, replace=replace, on_progress=show)
    say(console, summary)


@app.command()
def fetch(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME]...",
            help="nasbench_only108, nasbench_full, cifar10, cifar100. Default: the first and "
            "cifar10.",
        ),
    ] = None,
    mirror: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Take the files from under this address instead."),
    ] = None,
    replace: ReplaceOption = False,
) -> None:
    """Download, check and import what the data folder lacks; a stopped download resumes."""
    from oneshot_hpo.experiments.terminal.ending import ending

    console = _console()
    kept = "what was downloaded is kept; the same command resumes"
    with ending(kept, on_failure=kept):
        from oneshot_hpo.experiments.data import fetch as fetching
        from oneshot_hpo.experiments.data.importing import open_data_folder
        from oneshot_hpo.experiments.terminal.byte_bar import byte_bar

        with open_data_folder() as folder:
            fetching.fetch(
                names or fetching.DEFAULT,
                folder,
                mirror=mirror,
                replace=replace,
                bar=lambda label: byte_bar(console, label),
                say=lambda line: say(console, line),
            )


@app.command()
def info() -> None:
    """Show the data folder: what is there, what it covers, where it came from."""
    from oneshot_hpo.experiments.data.info import describe
    from oneshot_hpo.search_spaces.data_folder import data_folder

    folder = data_folder()
    try:
        lines = describe(folder)
    except OSError as error:
        raise DataError(f"{folder} cannot be read: {error.strerror}") from None
    console = _console()
    for line in lines:
        say(console, line)


def _console() -> Console:
    from oneshot_hpo.experiments.terminal.console import terminal

    return terminal()
