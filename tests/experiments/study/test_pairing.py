"""Tables and data sets that belong together, and those that do not."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits
from support.study_commands import events, run

from oneshot_hpo.experiments.errors import StudyFileError
from oneshot_hpo.experiments.study.completion import complete
from oneshot_hpo.experiments.study.pairing import Pair, doubt, pair_of
from oneshot_hpo.experiments.study.validation import load_study
from oneshot_hpo.hpo.journal.file import read_journal
from oneshot_hpo.hpo.journal.line import sealed
from oneshot_hpo.search_spaces import get_space
from oneshot_hpo.search_spaces.nasbench101.trained_cells import TrainedCells
from oneshot_hpo.search_spaces.table import Runs
from oneshot_hpo.search_spaces.table_file import write_table
from oneshot_hpo.searchers.data.datasets import load_dataset

STUDY = """
space: 1
searcher: darts
config_space: none
dataset: images.npz
table: digits
min_budget: 1
max_budget: 1
iterations: 0
search: {channels: 2, stacks: 1, cells_per_stack: 1, batch_size: 64, cutout_length: 2}
cluster: {threads: 1}
"""


def write_images(path: Path, seed: int = 0, **changed: Any) -> Path:
    """Sixty images of noise in two classes."""
    images = np.random.default_rng(seed).random((60, 6, 6))
    np.savez(path, **{"images": images, "labels": np.arange(60) % 2} | changed)
    return path


def table_of(path: Path, provenance: Mapping[str, Any]) -> str:
    """A table of a few cells; nothing was trained."""
    cells = get_space(1).cells[:10]
    hits = np.ones((10, 1, 1), np.uint16)
    table = TrainedCells.of_cells(
        cells,
        parameters=np.ones(10),
        budgets=(1,),
        images={"valid": 10, "test": 10},
        final=Runs(hits={"valid": hits, "test": hits}, seconds=np.ones(hits.shape, np.float32)),
        provenance={"name": "some"} | provenance,
    )
    write_table(table, path)
    return str(path)


def test_the_shipped_table_is_of_the_shipped_digits_by_content(tmp_path: Path) -> None:
    digits = load_digits()
    np.savez(tmp_path / "copy.npz", images=digits.images, labels=digits.target)
    write_images(tmp_path / "digits.npz")
    assert pair_of("digits", "digits") is Pair.SAME
    assert pair_of(str(tmp_path / "copy.npz"), "digits") is Pair.SAME
    assert pair_of(str(tmp_path / "digits.npz"), "digits") is Pair.TRANSFER


def test_a_table_knows_its_images_wherever_they_lie(tmp_path: Path) -> None:
    own = write_images(tmp_path / "own.npz")
    data = load_dataset(own)
    provenance = {"dataset": "own", "dataset_sha256": data.scratch_checksum}
    table = table_of(tmp_path / "table.npz", provenance)
    assert pair_of(str(own), table) is Pair.SAME
    assert pair_of(str(write_images(tmp_path / "other_name.npz")), table) is Pair.SAME
    assert pair_of("digits", table) is Pair.TRANSFER
    assert doubt(str(own), table) is None

    with np.load(own) as arrays:
        images = arrays["images"].copy()
    for place in range(60):  # one image, in whichever part it is
        changed = images.copy()
        changed[place] = changed[place][::-1]
        write_images(own, images=changed)
        assert pair_of(str(own), table) is Pair.TRANSFER


def test_a_table_of_an_earlier_version_is_compared_by_name(tmp_path: Path) -> None:
    table = table_of(tmp_path / "table.npz", {"dataset": "own"})
    own, other = write_images(tmp_path / "own.npz"), write_images(tmp_path / "other.npz")
    assert pair_of(str(own), table) is Pair.BY_NAME
    assert "records no checksum of its images" in str(doubt(str(own), table))
    assert pair_of(str(other), table) is Pair.TRANSFER
    of_digits = table_of(tmp_path / "digits_table.npz", {"dataset": "digits"})
    assert pair_of("digits", of_digits) is Pair.SAME
    assert doubt("digits", of_digits) is None


def test_nasbench101_is_of_cifar10(tmp_path: Path) -> None:
    table = table_of(tmp_path / "table.npz", {"name": "NAS-Bench-101", "dataset": "CIFAR-10"})
    (tmp_path / "cifar-10-batches-py").mkdir()
    assert pair_of("cifar10", table) is Pair.SAME
    assert pair_of(str(tmp_path / "cifar-10-batches-py"), table) is Pair.SAME
    assert pair_of("digits", table) is Pair.TRANSFER


def test_a_table_that_does_not_say_is_doubted(tmp_path: Path) -> None:
    table = table_of(tmp_path / "table.npz", {})
    assert pair_of("digits", table) is Pair.UNKNOWN
    assert "does not say" in str(doubt("digits", table))


def test_a_study_records_what_its_pair_is(tmp_path: Path) -> None:
    write_images(tmp_path / "images.npz")
    study = tmp_path / "study.yaml"
    study.write_text(STUDY)
    refused = r"were trained on digits.*transfer: true in the study"
    with pytest.raises(StudyFileError, match=refused):
        complete(load_study(str(study)), "study")
    allowed = complete(load_study(str(study), ["transfer=true"]), "study")
    assert allowed.transfer is True
    assert "transfer" in allowed.title
    same = complete(load_study(str(study), ["transfer=true", "dataset=digits"]), "study")
    assert same.transfer is False
    assert "transfer" not in same.title


@pytest.mark.slow
def test_every_result_of_a_transfer_is_marked(tmp_path: Path) -> None:
    write_images(tmp_path / "images.npz")
    study, folder = tmp_path / "study.yaml", tmp_path / "folder"
    study.write_text(STUDY)
    launch = ("launch", study, "--dir", folder, "--workers", 1)
    refused = run(*launch)
    assert refused.returncode == 2
    assert "transfer: true" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1
    assert not folder.exists()

    said = "Transfer: the cells of the table digits were trained on digits"
    ended = run(*launch, "--set", "transfer=true")
    assert ended.returncode == 0, ended.stderr
    assert said in " ".join(ended.stdout.split())
    [told] = [event for event in events(folder) if event["event"] == "tell"]
    assert told["info"]["transfer"] is True
    checked = run("check", folder)
    assert checked.returncode == 0, checked.stdout
    assert f"note: {said}" in checked.stdout
    assert run("report", folder).returncode == 0
    assert said in (folder / "report" / "index.html").read_text()
    exported = run("export", folder, "--to", "csv")
    assert f"note: {said}" in exported.stdout
    header, row = (folder / "exports" / "csv" / "trials.csv").read_text().splitlines()
    assert dict(zip(header.split(","), row.split(","), strict=True))["transfer"] == "True"

    confirmed = run("confirm", folder, "--seeds", 2)
    assert confirmed.returncode == 0, confirmed.stderr
    columns, *runs = (folder / "confirm" / "results.csv").read_text().splitlines()
    assert "transfer" in columns
    assert len(runs) == 2
    table = tmp_path / "table.csv"
    compared = run("compare", folder, "--table", table)
    assert said in compared.stdout
    assert "on images (transfer)" in table.read_text()
    drawn = run("figures", folder, "--out", tmp_path / "figures")
    assert said in drawn.stdout


@pytest.mark.slow
def test_a_study_of_an_earlier_version_resumes_and_is_marked_too(tmp_path: Path) -> None:
    """Its specification says nothing of transfers."""
    write_images(tmp_path / "images.npz")
    study, folder = tmp_path / "study.yaml", tmp_path / "folder"
    study.write_text(STUDY)
    launch = ("launch", study, "--dir", folder, "--workers", 1, "--set", "transfer=true")
    assert run(*launch).returncode == 0
    journal = folder / "journal.jsonl"
    header = read_journal(journal)[0][0]
    del header["study"]["specification"]["transfer"]
    journal.write_bytes(sealed(header))  # nothing was evaluated yet
    resumed = run("resume", folder)
    assert resumed.returncode == 0, resumed.stderr
    assert "Transfer: the cells of the table digits" in " ".join(resumed.stdout.split())


@pytest.mark.slow
def test_a_single_search_asks_too(tmp_path: Path) -> None:
    images = write_images(tmp_path / "images.npz")
    small = [f"search.{word}" for word in ("channels=2", "stacks=1", "cutout_length=2")]
    words = [word for one in small for word in ("--set", one)]
    command = ("search", "--dataset", images, "--epochs", 1, *words)
    refused = run(*command)
    assert refused.returncode == 2
    assert "--set transfer=true" in refused.stderr
    ended = run(*command, "--set", "transfer=true")
    assert ended.returncode == 0, ended.stderr
    assert "Transfer: the cells of the table digits were trained on digits" in ended.stdout
