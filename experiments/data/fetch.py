"""Download NAS-Bench-101, CIFAR-10 and CIFAR-100 from their official addresses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from oneshot_hpo.experiments.data.download import download
from oneshot_hpo.experiments.data.image_sets import CIFAR_10, CIFAR_100, ImageSet
from oneshot_hpo.experiments.data.images import is_intact
from oneshot_hpo.experiments.data.importing import (
    ReportBytes,
    coverage,
    import_data,
    present_table,
    real_entries,
    release_of,
)
from oneshot_hpo.experiments.errors import DataError
from oneshot_hpo.search_spaces.nasbench101.official_file import CELLS, RELEASES
from oneshot_hpo.suggestions import did_you_mean

DOWNLOADS = "downloads"
"""Folder in the data folder that holds a download until it is imported."""


@dataclass(frozen=True)
class Remote:
    """A file to download.

    largest: bytes, more than it has. It holds a data set of images, or a table of NAS-Bench-101
    with as many entries, which are cells times budgets.
    """

    url: str
    checksum: str
    largest: int
    entries: int = 0
    images: ImageSet | None = None

    @property
    def file(self) -> str:
        """The file's name."""
        return self.url.rpartition("/")[2]


REMOTES = {
    "nasbench_only108": Remote(
        "https://storage.googleapis.com/nasbench/nasbench_only108.tfrecord",
        f"sha256:{RELEASES['nasbench_only108']}",
        600_000_000,
        entries=CELLS,
    ),
    "nasbench_full": Remote(
        "https://storage.googleapis.com/nasbench/nasbench_full.tfrecord",
        f"sha256:{RELEASES['nasbench_full']}",
        2_200_000_000,
        entries=4 * CELLS,
    ),
    "cifar10": Remote(
        "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
        "md5:c58f30108f718f92721af3b95e74349a",
        200_000_000,
        images=CIFAR_10,
    ),
    "cifar100": Remote(
        "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz",
        "md5:eb9058c3a382ffc7106e4002c42a8d85",
        200_000_000,
        images=CIFAR_100,
    ),
}
DEFAULT = ("nasbench_only108", "cifar10")


def fetch(
    names: Sequence[str],
    folder: Path,
    *,
    mirror: str | None,
    replace: bool,
    bar: Callable[[str], AbstractContextManager[ReportBytes]],
    say: Callable[[str], object],
    remotes: Mapping[str, Remote] = REMOTES,
) -> None:
    """Download, check and import each name, unless the data folder holds as much already.

    mirror: an address that has the same files, instead of the official ones. bar: shows the
    progress of a step. say: shows a line. remotes: the files by name.
    Raises DataError for names and addresses that cannot be used, DownloadFailed, OSError, and what
    `import_data` raises.
    """
    for name in names:
        if name not in remotes:
            hint = did_you_mean(name, remotes, with_all=True)
            raise DataError(f"unknown data {name!r}: {hint}")
    if mirror is not None and not _is_address(mirror):
        raise DataError(f"--mirror {mirror}: must be an address like https://host/folder")

    downloads = folder / DOWNLOADS
    for name in dict.fromkeys(names):
        remote = remotes[name]
        there = None if replace else _there(remote, folder)
        if there is not None:
            say(f"{name}: {there} already; --replace downloads it again")
            continue

        url = f"{mirror.rstrip('/')}/{remote.file}" if mirror is not None else remote.url
        downloads.mkdir(exist_ok=True)
        path = downloads / remote.file
        try:
            with bar(f"fetching {remote.file}") as show:
                download(
                    url,
                    path,
                    checksum=remote.checksum,
                    largest=remote.largest,
                    on_progress=show,
                    on_retry=lambda reason, wait: say(f"{reason}; trying again in {wait:g} s"),
                )
            with bar(f"importing {remote.file}") as show:
                say(import_data(path, folder, replace=replace, on_progress=show))
            path.unlink()
        finally:
            if not any(downloads.iterdir()):
                downloads.rmdir()


def _there(remote: Remote, folder: Path) -> str | None:
    """The data that makes a download needless, in words; None if there is none."""
    images = remote.images
    if images is not None:
        is_there = is_intact(images, folder / images.folder)
        return f"{images.title} is there" if is_there else None
    table = present_table()
    if table is None:
        return None
    more = real_entries(table) - remote.entries
    # An official table equals another one; any other is replaced by it unless it holds more.
    if more > 0 or (more == 0 and release_of(table)):
        return f"NAS-Bench-101 is there ({coverage(table)})"
    return None


def _is_address(text: str) -> bool:
    parts = urlsplit(text)
    return parts.scheme in ("http", "https") and bool(parts.netloc)
