"""The contents of the data folder in lines of text: `oneshot-hpo data info`."""

from __future__ import annotations

import zipfile
from pathlib import Path

from oneshot_hpo.experiments.data import recorded
from oneshot_hpo.experiments.data.download import unfinished
from oneshot_hpo.experiments.data.fetch import DOWNLOADS, REMOTES
from oneshot_hpo.experiments.data.image_sets import IMAGE_SETS, ImageSet
from oneshot_hpo.experiments.data.images import image_counts, origin_of
from oneshot_hpo.experiments.data.importing import coverage, release_of
from oneshot_hpo.experiments.errors import one_line
from oneshot_hpo.experiments.wording import file_size
from oneshot_hpo.search_spaces import TableError, load_table
from oneshot_hpo.search_spaces.data_folder import NASBENCH101, VARIABLE
from oneshot_hpo.search_spaces.nasbench101.official_file import CELLS
from oneshot_hpo.search_spaces.nasbench101.space import SPACE_1, SPACE_2, SPACE_3
from oneshot_hpo.search_spaces.nasbench101.trained_cells import trained_cells
from oneshot_hpo.search_spaces.recorded_table import RecordedTable
from oneshot_hpo.searchers.data.images import DatasetError

_RECORDED = {
    "nasbench201": (
        "NAS-Bench-201",
        "nasbench201.csv.gz, NATS-tss-v1_0-3ffb9-simple or NAS-Bench-201-v1_1-096897.pth",
    ),
    "transnas-micro": ("TransNAS-Bench-101, micro", "transnas_micro.csv"),
    "transnas-macro": ("TransNAS-Bench-101, macro", "transnas_macro.csv"),
}
"""By name, the title of a table and what is imported as it."""


def describe(folder: Path) -> list[str]:
    """What the data folder holds, what it lacks, and what is damaged in it."""
    return [
        f"{folder}{'' if folder.is_dir() else ' (no folder yet)'}; {VARIABLE} sets another one",
        "",
        *_table_lines(folder / NASBENCH101),
        *_recorded_lines(folder),
        *(line for images in IMAGE_SETS for line in ("", *_image_lines(images, folder))),
        *_download_lines(folder / DOWNLOADS),
    ]


def _table_lines(path: Path) -> list[str]:
    title = f"NAS-Bench-101 ({path.name})"
    if not path.exists():
        return [
            f"{title}: not there",
            "  `oneshot-hpo data fetch nasbench_only108`, or nasbench_full, downloads it;",
            "  `oneshot-hpo data import FILE` takes a nasbench_*.tfrecord",
        ]
    try:
        table = trained_cells(load_table(path))
        _check_sums(path)
    except (TableError, OSError, zipfile.BadZipFile) as error:
        return [f"{title}: damaged; import it again", f"  {one_line(error)}"]

    halfway = "with" if table.halfway is not None else "without"
    source = table.provenance.get("source", {})
    release = release_of(table)
    official = "not an official release" if release is None else f"the official {release}"
    return [
        f"{title}: {file_size(path.stat().st_size)}",
        f"  {coverage(table)}, {halfway} halfway values",
        f"  {_share(len(table), CELLS)} of the whole benchmark",
        *(
            f"  {_share(table.coverage(space), space.num_cells)} of search {space.title}"
            for space in (SPACE_1, SPACE_2, SPACE_3)
        ),
        f"  from {source.get('file', 'an unknown file')}, {official}, "
        f"imported {table.provenance.get('date', 'at an unknown date')}",
    ]


def _recorded_lines(folder: Path) -> list[str]:
    """For each of these tables whether it is in the data folder, and what it holds."""
    lines: list[str] = []
    for name, (title, sources) in _RECORDED.items():
        path = folder / recorded.FILES[name]
        title = f"{title} ({path.name})"
        lines += ["", *(_held(title, path) if path.exists() else _absent(title, sources))]
    return lines


def _absent(title: str, sources: str) -> list[str]:
    return [f"{title}: not there", "  `oneshot-hpo data import PATH` takes", f"  {sources}"]


def _held(title: str, path: Path) -> list[str]:
    try:
        table = load_table(path)
        _check_sums(path)
        if not isinstance(table, RecordedTable):
            raise TableError("another table")
    except (TableError, OSError, zipfile.BadZipFile) as error:
        return [f"{title}: damaged; import it again", f"  {one_line(error)}"]
    source = table.provenance["source"]
    return [
        f"{title}: {file_size(path.stat().st_size)}",
        f"  {recorded.coverage(table)}",
        f"  {', '.join(table.datasets)}",
        f"  from {source.get('file', 'an unknown file')}, imported {table.provenance['date']}",
    ]


def _check_sums(path: Path) -> None:
    """TableError for a part of a table's file that was changed; BadZipFile, OSError."""
    with zipfile.ZipFile(path) as archive:
        damaged = archive.testzip()
    if damaged is not None:
        raise TableError(f"{damaged} fails its checksum")


def _share(held: int, total: int) -> str:
    return f"all {total:,} cells" if held == total else f"{held:,} of {total:,} cells"


def _image_lines(images: ImageSet, data_folder: Path) -> list[str]:
    folder = data_folder / images.folder
    title = f"{images.title} ({folder.name})"
    if not folder.exists():
        download = f"  `oneshot-hpo data fetch {images.name}` downloads it;"
        return [
            f"{title}: not there",
            *([download] if images.name in REMOTES else []),
            f"  `oneshot-hpo data import PATH` takes {images.archive} or a folder {images.folder}",
        ]
    try:
        data = images.read(folder)
        size = sum(path.stat().st_size for path in folder.iterdir())
    except (DatasetError, OSError) as error:
        return [f"{title}: damaged; import it again", f"  {one_line(error)}"]
    origin = origin_of(folder)
    official = "the official files" if origin.get("official") else "not the official files"
    return [
        f"{title}: {file_size(size)}",
        f"  {image_counts(data)}, {len(data.classes)} classes",
        f"  from {origin['file']}, {official}, imported {origin['date']}"
        if origin
        else "  not imported by oneshot-hpo",
    ]


def _download_lines(downloads: Path) -> list[str]:
    names = {remote.file: name for name, remote in REMOTES.items()}
    return [
        line
        for file, size in unfinished(downloads).items()
        for line in (
            "",
            f"Unfinished download of {file}: {file_size(size)}",
            f"  `oneshot-hpo data fetch {names.get(file, '')}` resumes it",
        )
    ]
